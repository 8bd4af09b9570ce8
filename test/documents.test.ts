import { existsSync, globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';

const root = path.resolve(import.meta.dirname, '..');
const documents = globSync(['*.md', '.github/**/*.md', 'docs/**/*.md', 'src/**/*.md', 'bench/*.md'], { cwd: root });
const sources = globSync(['src/**/*.ts', 'migrations/*.ts', 'ops/*.ts'], { cwd: root });
const textOf = (file: string): string => readFileSync(path.join(root, file), 'utf8');

/** What a heading's link is called: as on the hosts of repositories. */
const anchorOf = (heading: string): string =>
  heading
    .replaceAll(/[`*]|\[|\]\([^)]*\)/g, '')
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
    .trim()
    .replaceAll(' ', '-');
const anchorsOf = (file: string): Set<string> =>
  new Set([...textOf(file).matchAll(/^#{1,6} (.*)$/gm)].map(([, heading = '']) => anchorOf(heading)));

test('every link between documents leads somewhere, also to the right heading', () => {
  const broken = documents.flatMap((file) =>
    [...textOf(file).matchAll(/\]\(([^)#\s]*)(?:#([^)\s]*))?\)/g)].flatMap(([link, target = '', anchor]) => {
      if (/^[a-z]+:/.test(target)) return [];
      const to = target === '' ? file : path.join(path.dirname(file), target);
      const leads = existsSync(path.join(root, to)) && (!anchor || !to.endsWith('.md') || anchorsOf(to).has(anchor));
      return leads ? [] : [`${file}: ${link}`];
    }),
  );
  expect(documents.length).toBeGreaterThan(30);
  expect(broken).toEqual([]);
});

test('every file that is named in a document or a comment is there', () => {
  const named = [...documents.filter((file) => file !== 'CHANGELOG.md'), ...sources].flatMap((file) =>
    [...textOf(file).matchAll(/`((?:src|test|ops|bench|rules|migrations|docs)\/[\w./-]+\.\w+)`/g)].map(
      ([, name = '']) => ({ file, name }),
    ),
  );
  expect(named.length).toBeGreaterThan(20);
  expect(named.filter(({ name }) => !existsSync(path.join(root, name)))).toEqual([]);
});
