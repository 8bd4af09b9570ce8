import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { beforeAll, describe, expect, inject, test } from 'vitest';
import { apiReport } from '../../ops/api/report.ts';
import { createTestDatabase, createTestFolder } from '../support/books.ts';
import { checkout, ended, install } from './support.ts';

/** The whole program, by plain `npm install`. */
let whole: string;
let contents: string[];

beforeAll(async () => {
  const folder = await createTestFolder();
  const file = inject('packageFile');
  contents = (await ended('tar', ['tzf', file], folder)).stdout.trim().split('\n');
  whole = await install(file, path.join(folder, 'whole'));
});

const installed = (folder: string) => path.join(folder, 'node_modules/idscan-ledger');
const command = (folder: string, args: readonly string[], environment: Readonly<Record<string, string>> = {}) =>
  ended(process.execPath, [path.join(folder, 'node_modules/.bin/idscan-ledger'), ...args], folder, environment);

test('the package holds what was built, its sources, and nothing that only a checkout needs', () => {
  for (const name of ['index.js', 'index.d.ts', 'index.js.map', 'index.d.ts.map'])
    expect(contents).toContain(`package/dist/src/producer/${name}`);
  expect(contents).toContain('package/src/producer/index.ts');
  const rooms = new Set(contents.map((name) => name.split('/')[1]));
  expect([...rooms].sort()).toEqual([
    ...['CHANGELOG.md', 'LICENSE', 'README.md', 'SECURITY.md', 'bin', 'dist', 'docs', 'examples', 'migrations', 'ops'],
    ...['package.json', 'rules', 'src'],
  ]);
});

describe('commands', () => {
  test('run below node_modules', async () => {
    expect(await command(whole, ['--help'])).toMatchObject({ code: 0, stderr: '' });
  });

  test('find rules, servers and books, as doctor says', async () => {
    const environment = { DATABASE_URL: await createTestDatabase(), REDIS_URL: inject('redisUrl') };
    const { stdout } = await command(whole, ['doctor', '--json'], environment);
    const { findings } = JSON.parse(stdout) as { findings: { examination: string; state: string }[] };
    const fine = findings.filter(({ state }) => state === 'ok').map(({ examination }) => examination);
    expect(fine).toEqual(expect.arrayContaining(['rules and prices', 'postgres', 'books', 'redis']));
  });

  test('find every file that no build makes', async () => {
    const names = [
      ...['rules/id-scan.json', 'examples/prices.json', 'src/http/pages/assets/style.css', 'src/browser/embed.js'],
      ...['src/simulator/frame/frame.js', 'src/simulator/frame/frame.css', 'examples/website/server.js'],
    ];
    const code = `import { packageFile } from '${installed(whole)}/dist/src/package-file.js';
      import { statSync } from 'node:fs';
      for (const name of ${JSON.stringify(names)}) console.log(statSync(packageFile(name)).isFile());`;
    const { stdout } = await ended(process.execPath, ['--input-type=module', '-e', code], whole);
    expect(stdout).toBe('true\n'.repeat(names.length));
  });
});

test('docs/api.md is what the package exports: run npm run api, and look at the change', async () => {
  expect(apiReport(installed(whole))).toBe(await readFile(path.join(checkout, 'docs/api.md'), 'utf8'));
});

test('the demo runs in an otherwise empty folder', async () => {
  const { code, stdout } = await ended('npx', ['idscan-ledger', 'demo', '--transactions', '60'], whole);
  expect({ code, stdout }).toMatchObject({ code: 0, stdout: expect.stringContaining('nothing failed') as string });
});
