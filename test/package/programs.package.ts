import { symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { beforeAll, describe, expect, inject, test } from 'vitest';
import { startSimulator } from '../../src/simulator/index.ts';
import { atEnd, createTestDatabase, createTestFolder } from '../support/books.ts';
import { bytesIn, checkout, documentedPrograms, ended, install } from './support.ts';

/** What a program needs that only enqueues, by `npm install --omit=optional`. */
let small: string;

beforeAll(async () => {
  small = await install(inject('packageFile'), path.join(await createTestFolder(), 'small'), ['--omit=optional']);
});

test('without its optional parts it takes no more than 60 MB', async () => {
  expect(await bytesIn(path.join(small, 'node_modules'))).toBeLessThan(60_000_000);
});

const command = (args: readonly string[], environment: Readonly<Record<string, string>>) =>
  ended(process.execPath, [path.join(small, 'node_modules/.bin/idscan-ledger'), ...args], small, environment);

test('commands that need an optional part say so where it is not installed', async () => {
  const environment = { DATABASE_URL: await createTestDatabase(), REDIS_URL: inject('redisUrl') };
  expect(await command(['enqueue', 't-1'], environment)).toMatchObject({ code: 0 });
  expect(await command(['serve'], environment)).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('--omit=optional') as string,
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
