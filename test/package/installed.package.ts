import { readFile, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { beforeAll, describe, expect, inject, test } from 'vitest';
import { apiReport } from '../../ops/api/report.ts';
import { startSimulator } from '../../src/simulator/index.ts';
import { atEnd, createTestDatabase, createTestFolder } from '../support/books.ts';
import { bytesIn, checkout, documentedPrograms, ended, install } from './support.ts';

/** The whole program, by plain `npm install`. */
let whole: string;
/** What a program needs that only enqueues, by `npm install --omit=optional`. */
let small: string;
let contents: string[];

beforeAll(async () => {
  const folder = await createTestFolder();
  const file = inject('packageFile');
  contents = (await ended('tar', ['tzf', file], folder)).stdout.trim().split('\n');
  whole = await install(file, path.join(folder, 'whole'));
  small = await install(file, path.join(folder, 'small'), ['--omit=optional']);
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

test('without its optional parts it takes no more than 60 MB', async () => {
  expect(await bytesIn(path.join(small, 'node_modules'))).toBeLessThan(60_000_000);
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

  test('that need an optional part say so where it is not installed', async () => {
    const environment = { DATABASE_URL: await createTestDatabase(), REDIS_URL: inject('redisUrl') };
    expect(await command(small, ['enqueue', 't-1'], environment)).toMatchObject({ code: 0 });
    expect(await command(small, ['serve'], environment)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--omit=optional') as string,
    });
  });
});

describe('programs of docs/producers.md', () => {
  const modes = [
    { module: 'nodenext', moduleResolution: 'nodenext' },
    { module: 'esnext', moduleResolution: 'bundler' },
  ];
  let programs: Map<string, string>;

  beforeAll(async () => {
    programs = await documentedPrograms();
    // What such a program's author has installed besides.
    await symlink(path.join(checkout, 'node_modules/@types'), path.join(small, 'node_modules/@types'));
    for (const [name, code] of programs) await writeFile(path.join(small, name), code);
  });

  test.each(modes)('type-check strictly with moduleResolution $moduleResolution', async (mode) => {
    const compilerOptions = {
      ...mode,
      target: 'es2024',
      lib: ['es2024'],
      strict: true,
      exactOptionalPropertyTypes: true,
      noUncheckedIndexedAccess: true,
      skipLibCheck: false,
      noEmit: true,
      types: ['node'],
    };
    await writeFile(
      path.join(small, 'tsconfig.json'),
      JSON.stringify({ compilerOptions, files: [...programs.keys()] }),
    );
    const tsc = path.join(checkout, 'node_modules/typescript/bin/tsc');
    const { stdout } = await ended(process.execPath, [tsc, '-p', small], small);
    expect(stdout).toBe('');
    expect(programs.size).toBeGreaterThan(3);
  });

  test('run, and do what they say', async () => {
    const simulator = await startSimulator({ seed: 'documented', month: '2026-10', transactions: 5 });
    atEnd(simulator.close);
    const environment = {
      DATABASE_URL: await createTestDatabase(),
      REDIS_URL: inject('redisUrl'),
      IDSCAN_BASE_URL: simulator.baseUrl,
      IDSCAN_KEY_ID: simulator.keyId,
      IDSCAN_KEY_SECRET: simulator.secret,
    };
    const said: Record<string, string> = {};
    for (const name of programs.keys()) {
      const { code, stdout, stderr } = await ended(process.execPath, [name], small, environment);
      expect({ name, code, stderr }).toEqual({ name, code: 0, stderr: '' });
      said[name] = stdout;
    }
    expect(said).toEqual({
      'enqueue.ts': '2 accepted, 0 already known\n',
      'in-a-transaction.ts': '1 accepted with the order\n',
      'create.ts': expect.stringMatching(/^\S+ is in the books; show http:\S+ to the person alone\n$/) as string,
      'errors.ts': 'config_invalid\n',
      'fetch.ts': 'document_scan, face_liveness, face_match: completed\n',
    });
  });

  test('load neither drivers nor queues by the import alone', async () => {
    const code = `import 'idscan-ledger'; import { createRequire } from 'node:module';
      console.log(Object.keys(createRequire(import.meta.url).cache).length);`;
    await writeFile(path.join(small, 'loaded.js'), code);
    expect(await ended(process.execPath, ['loaded.js'], small)).toEqual({ code: 0, stdout: '0\n', stderr: '' });
  });
});

test('docs/api.md is what the package exports: run npm run api, and look at the change', async () => {
  expect(apiReport(installed(whole))).toBe(await readFile(path.join(checkout, 'docs/api.md'), 'utf8'));
});

test('the demo runs in an otherwise empty folder', async () => {
  const { code, stdout } = await ended('npx', ['idscan-ledger', 'demo', '--transactions', '60'], whole);
  expect({ code, stdout }).toMatchObject({ code: 0, stdout: expect.stringContaining('nothing failed') as string });
});
