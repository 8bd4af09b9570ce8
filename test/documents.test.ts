import { existsSync, globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { reasons } from '../src/domain/classify.ts';
import { reportColumns } from '../src/domain/report-columns.ts';

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

/** The glossary's last table: what is not written any more, with what is written instead. */
const replaced = textOf('docs/glossary.md')
  .split('## Words that were replaced')[1]!
  .split('\n')
  .filter((line) => line.startsWith('| `'))
  .flatMap((line) => {
    const [, words = '', instead = ''] = line.split('|').map((cell) => cell.trim());
    return [...words.matchAll(/`([^`]+)`/g)].map(([, word = '']) => ({ word, instead }));
  });

/** Where a word of letters begins and ends, so does what is looked for, unless `…` leaves the ending open. */
const patternOf = (word: string): RegExp => {
  const stem = word.replace(/…$/, '');
  const literal = stem.replaceAll(/[.(/]/g, String.raw`\$&`);
  return new RegExp(`${/^\w/.test(stem) ? '\\b' : ''}${literal}${/\w$/.test(word) ? '\\b' : ''}`);
};
const replacedWordsIn = (text: string): typeof replaced => replaced.filter(({ word }) => patternOf(word).test(text));

test('words that were replaced do not come back', () => {
  const files = [...documents, ...sources, ...globSync(['{test,bench}/**/*.ts', 'bin/*.js'], { cwd: root })];
  const again = files
    .filter((file) => !['CHANGELOG.md', 'docs/glossary.md'].includes(file))
    .flatMap((file) => replacedWordsIn(`${file}\n${textOf(file)}`).map((found) => ({ file, ...found })));
  expect(again).toEqual([]);
});

test.each(replaced)('$word is found where it comes back', ({ word, instead }) => {
  expect(replacedWordsIn(`a comment (${word.replace('…', 'd')}) of its own`)).toEqual([{ word, instead }]);
});

/** The names in the first cells of a section's tables. */
const namesIn = (file: string, heading: string): Set<string> => {
  const section = textOf(file)
    .split(/^#+ /m)
    .find((part) => part.startsWith(`${heading}\n`));
  const cells = (section ?? '').split('\n').flatMap((line) => /^(?:\| |- )(`[^|:]*)/.exec(line)?.[1] ?? []);
  return new Set(cells.flatMap((cell) => [...cell.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name)));
};

test('every reason of a decision is explained, and no other', () => {
  expect([...namesIn('docs/invoicing-rules.md', 'The decision')].sort()).toEqual([...reasons].sort());
});

test('every column of the detail file is explained, in its order, and no other', () => {
  expect([...namesIn('docs/files.md', 'detail')]).toEqual(reportColumns.detail.map(({ header }) => header));
});
