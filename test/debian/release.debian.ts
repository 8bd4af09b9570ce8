import { execFileSync, spawnSync } from 'node:child_process';
import { appendFileSync, cpSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import { createTestFolder } from '../support/folders.ts';

const checkout = path.join(import.meta.dirname, '../..');
const copied = [
  'package.json',
  'package-lock.json',
  'CHANGELOG.md',
  '.gitignore',
  'ops/release.ts',
  'ops/release',
  'ops/sbom.ts',
];
const env = {
  ...process.env,
  GIT_CONFIG_GLOBAL: '/dev/null',
  ...Object.fromEntries(
    ['AUTHOR', 'COMMITTER'].flatMap((who) => [
      [`GIT_${who}_NAME`, 'Tester'],
      [`GIT_${who}_EMAIL`, 'tester@example.org'],
    ]),
  ),
};

/** A repository to throw away, with what a release is made of. */
let root: string;
const git = (...args: string[]): string => execFileSync('git', args, { cwd: root, env, encoding: 'utf8' }).trim();
const textOf = (name: string): string => readFileSync(path.join(root, name), 'utf8');
const versionIn = (name: string): unknown => (JSON.parse(textOf(name)) as { version: unknown }).version;
function release(...args: string[]): { code: number | null; said: string } {
  const { status, stdout, stderr } = spawnSync('npm', ['run', '--silent', 'release', '--', ...args], {
    cwd: root,
    env,
    encoding: 'utf8',
  });
  return { code: status, said: `${stdout}${stderr}` };
}

beforeEach(async () => {
  root = await createTestFolder();
  for (const name of copied) cpSync(path.join(checkout, name), path.join(root, name), { recursive: true });
  // Nothing is there to be built. What a build makes is in the package, and in no commit.
  execFileSync('npm', ['pkg', 'set', 'scripts.prepack=mkdir -p dist && touch dist/built.js'], { cwd: root, env });
  git('init', '--quiet', '--initial-branch=main');
  git('add', '--all');
  git('commit', '--quiet', '--message', 'feat: the beginning');
});

/** What a refusal leaves: one commit, no tag, no change. */
function expectUntouched(): void {
  expect(git('status', '--porcelain', '--ignored')).toBe('');
  expect(git('rev-list', '--count', 'HEAD')).toBe('1');
  expect(git('tag')).toBe('');
}

test('a release is a commit, a tag, an SBOM and a package of that version', () => {
  expect(release('99.0.0', '--check', 'test "$(npm pkg get version)" = \'"99.0.0"\'')).toMatchObject({ code: 0 });
  expect([versionIn('package.json'), versionIn('package-lock.json')]).toEqual(['99.0.0', '99.0.0']);
  expect(textOf('CHANGELOG.md')).toMatch(/\n## \[Unreleased\]\n\n## \[99\.0\.0\] - \d{4}-\d\d-\d\d\n\n### /);
  expect(git('log', '--format=%s', '--name-only', '-1').split(/\n+/)).toEqual([
    'chore(release): v99.0.0',
    'CHANGELOG.md',
    'package-lock.json',
    'package.json',
  ]);
  expect(git('describe')).toBe('v99.0.0');
  expect(git('status', '--porcelain')).toBe('');
  expect(JSON.parse(textOf('sbom.cdx.json'))).toMatchObject({ metadata: { component: { version: '99.0.0' } } });
  expect(execFileSync('tar', ['tzf', 'idscan-ledger-99.0.0.tgz'], { cwd: root, encoding: 'utf8' })).toContain(
    'package/dist/built.js',
  );
});

test('a check that fails leaves everything as it was', () => {
  const { code, said } = release('99.0.0', '--check', 'false');
  expect(code).toBe(1);
  expect(said).toContain('Nothing is committed');
  expectUntouched();
});

test('a dry run says every step and changes nothing, wherever --dry-run stands', () => {
  const { code, said } = release('99.0.0', '--dry-run');
  expect(code).toBe(0);
  expect(said.match(/^would .*/gm)).toHaveLength(7);
  const byNpm = execFileSync('npm', ['run', '--silent', 'release', '--dry-run', '99.0.0'], {
    cwd: root,
    env,
    encoding: 'utf8',
  });
  expect(byNpm).toBe(said);
  expectUntouched();
});

test('is refused on another branch, on changes, for a tag that is there, and without a version', () => {
  expect(release().code).toBe(2);
  expect(release('0.0.1')).toMatchObject({ code: 3 });
  git('switch', '--quiet', '--create', 'other');
  expect(release('99.0.0')).toMatchObject({ code: 3, said: expect.stringContaining('git switch main') as unknown });
  git('switch', '--quiet', 'main');
  git('tag', 'v99.0.0');
  expect(release('99.0.0')).toMatchObject({ code: 3, said: expect.stringContaining('tag') as unknown });
  git('tag', '--delete', 'v99.0.0');
  expectUntouched();
  appendFileSync(path.join(root, 'CHANGELOG.md'), '- More.\n');
  expect(release('99.0.0')).toMatchObject({ code: 3, said: expect.stringContaining('CHANGELOG.md') as unknown });
});
