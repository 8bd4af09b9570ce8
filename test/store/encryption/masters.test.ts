import { spawn } from 'node:child_process';
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { text } from 'node:stream/consumers';
import { beforeEach, describe, expect, test } from 'vitest';
import { custodyConfig } from '../../../src/config/custody.ts';
import type { S3Address } from '../../../src/config/s3-address.ts';
import { type Database, openDatabase } from '../../../src/db/database.ts';
import { mastersInUse } from '../../../src/db/document-masters.ts';
import { LedgerError } from '../../../src/errors.ts';
import { createMasterPair, type MasterPair, masterText, pairOf } from '../../../src/store/encryption/keys.ts';
import { checkMasters, openMasters, readSecretKeys } from '../../../src/store/encryption/masters.ts';
import { createTestDatabase, createTestFolder, openTestDatabase } from '../../support/books.ts';

const silent = (): void => undefined;
const ownKeyFile = (dataDir: string): string => path.join(dataDir, 'keys', 'documents.key');

let db: Database;
let url: string;
beforeEach(async () => {
  url = await createTestDatabase();
  db = await openTestDatabase(url);
});

/** A machine with a data folder of its own. */
async function machine(publicKeys?: readonly Buffer[], secretKeyFile?: string) {
  const dataDir = path.join(await createTestFolder(), 'data');
  const custody = {
    ...custodyConfig({ ERASURE_DELAY_DAYS: 7, DOCUMENTS_PUBLIC_KEYS: publicKeys?.map(masterText) }),
    secretKeyFile,
  };
  return { dataDir, custody };
}

const namesBelow = (folder: string): Promise<string[]> => readdir(folder, { recursive: true }).catch(() => []);
const refusal = (opening: Promise<unknown>): Promise<LedgerError> =>
  opening.then(
    () => expect.fail('not refused'),
    (error: unknown) => {
      expect(error).toBeInstanceOf(LedgerError);
      return error as LedgerError;
    },
  );
const setTo = (keys: readonly Buffer[]): string => `DOCUMENTS_PUBLIC_KEYS=${keys.map(masterText).join(',')}`;

describe('where none is configured', () => {
  test('they are those of the configured secret keys: of all at first, later of those in use', async () => {
    const [first, second] = [createMasterPair(), createMasterPair()];
    const here = await machine(undefined, path.join(await createTestFolder(), 'documents.key'));
    const write = (...pairs: readonly MasterPair[]) =>
      writeFile(here.custody.secretKeyFile ?? '', pairs.map(({ secretKey }) => masterText(secretKey)).join('\n'));
    await write(first);
    expect(await openMasters(db, here, silent)).toEqual([first.publicKey]);
    await write(first, second);
    expect(await openMasters(db, here, silent)).toEqual([first.publicKey]);
    await write(second);
    expect((await refusal(openMasters(db, here, silent))).code).toBe('master_mismatch');
    expect(await namesBelow(here.dataDir)).toEqual([]);
  });

  test('none is made for documents that are kept elsewhere', async () => {
    const here = { ...(await machine()), documents: { bucket: 'documents' } as S3Address };
    expect((await refusal(openMasters(db, here, silent))).code).toBe('config_invalid');
    expect(await namesBelow(here.dataDir)).toEqual([]);
    expect(await mastersInUse(db.kysely)).toEqual([]);
  });

  test('a pair is made once, which its owner alone may read, and it is said', async () => {
    const here = await machine();
    const said: string[] = [];
    const masters = await openMasters(db, here, (sentence) => said.push(sentence));
    const file = ownKeyFile(here.dataDir);
    const secretKey = Buffer.from((await readFile(file, 'utf8')).trim(), 'base64');
    expect(masters).toEqual([pairOf(secretKey).publicKey]);
    expect(await mastersInUse(db.kysely)).toEqual(masters);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect((await stat(path.dirname(file))).mode & 0o777).toBe(0o700);
    expect(said).toHaveLength(1);
    expect(said[0]).toContain(file);
    expect(said[0]).toContain(masterText(masters[0]!));
    expect(said[0]).not.toContain(secretKey.toString('base64'));
    expect(await openMasters(db, here, (sentence) => said.push(sentence))).toEqual(masters);
    expect(said).toHaveLength(1);
    expect(await namesBelow(path.dirname(file))).toEqual(['documents.key']);
  });

  test('ten callers at once make one', async () => {
    const here = await machine();
    const all = await Promise.all(Array.from({ length: 10 }, () => openMasters(db, here, silent)));
    expect(new Set(all.map(([master]) => masterText(master!)))).toEqual(
      new Set((await mastersInUse(db.kysely)).map(masterText)),
    );
    expect(all.every(({ length }) => length === 1)).toBe(true);
    expect(await namesBelow(path.join(here.dataDir, 'keys'))).toEqual(['documents.key']);
  });

  test('ten processes at once make one', async () => {
    const here = await machine();
    const source = (name: string) => pathToFileURL(path.join(import.meta.dirname, '../../../src', name)).href;
    const program = `
      import { openDatabase } from '${source('db/database.ts')}';
      import { openMasters } from '${source('store/encryption/masters.ts')}';
      const db = openDatabase(process.argv[1]);
      const [master] = await openMasters(db, JSON.parse(process.argv[2]), () => undefined);
      process.stdout.write(master.toString('base64'));
      await db.close();`;
    const run = async (): Promise<string> => {
      const args = ['--input-type=module', '-e', program, url, JSON.stringify(here)];
      const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
      const [said, failed] = await Promise.all([text(child.stdout), text(child.stderr)]);
      return said === '' ? failed : said;
    };
    const said = await Promise.all(Array.from({ length: 10 }, run));
    const [master] = await mastersInUse(db.kysely);
    expect(said).toEqual(Array.from({ length: 10 }, () => masterText(master!)));
    expect(await namesBelow(path.join(here.dataDir, 'keys'))).toEqual(['documents.key']);
  });

  test('of two machines without a shared disk that begin at once, one is refused', async () => {
    const machines = [await machine(), await machine()];
    const other = openDatabase(url);
    const ends = await Promise.allSettled(
      machines.map((here, index) => openMasters(index === 0 ? db : other, here, silent)),
    );
    await other.close();
    const inUse = await mastersInUse(db.kysely);
    expect(inUse).toHaveLength(1);
    expect(ends.filter(({ status }) => status === 'fulfilled')).toMatchObject([{ value: inUse }]);
    const [refused] = ends.filter((end) => end.status === 'rejected');
    expect(refused?.reason).toMatchObject({ code: 'master_mismatch' });
    expect((refused?.reason as LedgerError).hint).toContain(setTo(inUse));
  });

  test('a second data folder is refused with the key to set, and no pair is made there', async () => {
    const inUse = await openMasters(db, await machine(), silent);
    const second = await machine();
    for (const open of [openMasters(db, second, silent), checkMasters(db, second)]) {
      const error = await refusal(open);
      expect(error.code).toBe('master_mismatch');
      expect(error.hint).toContain(setTo(inUse));
    }
    expect(await namesBelow(second.dataDir)).toEqual([]);
    const set = await machine(inUse);
    expect(await openMasters(db, set, silent)).toEqual(inUse);
    expect(await namesBelow(set.dataDir)).toEqual([]);
  });

  test.each([
    ['nothing', ''],
    ['no key', 'a key that is none\n'],
    ['a key in hex', `${'ab'.repeat(32)}\n`],
    ['a key that is cut', `${Buffer.alloc(31, 7).toString('base64')}\n`],
  ])('a file with %s in it is refused, and stays as it is', async (_, contents) => {
    const here = await machine();
    await mkdir(path.join(here.dataDir, 'keys'), { recursive: true });
    await writeFile(ownKeyFile(here.dataDir), contents);
    expect((await refusal(openMasters(db, here, silent))).code).toBe('config_invalid');
    expect(await readFile(ownKeyFile(here.dataDir), 'utf8')).toBe(contents);
    expect(await mastersInUse(db.kysely)).toEqual([]);
  });

  test('a file that cannot be read is refused with the reason, and a folder where none can be made', async () => {
    const here = await machine();
    await mkdir(ownKeyFile(here.dataDir), { recursive: true });
    const error = await refusal(openMasters(db, here, silent));
    expect(error).toMatchObject({ code: 'config_invalid', cause: { code: 'EISDIR' } });
    const other = await machine();
    await mkdir(other.dataDir, { recursive: true });
    await writeFile(path.join(other.dataDir, 'keys'), 'in the way');
    expect(await refusal(openMasters(db, other, silent))).toMatchObject({
      code: 'config_invalid',
      cause: { code: 'ENOTDIR' },
    });
    expect(await mastersInUse(db.kysely)).toEqual([]);
  });
});

describe('masters that are configured', () => {
  const pairs = [createMasterPair(), createMasterPair()];
  const publicKeys = pairs.map(({ publicKey }) => publicKey);

  test('are all taken into use by the first worker, in whatever order they are given later', async () => {
    const said: string[] = [];
    const masters = await openMasters(db, await machine(publicKeys), (sentence) => said.push(sentence));
    expect(masters.map(masterText).sort()).toEqual(publicKeys.map(masterText).sort());
    expect(said).toEqual([]);
    const again = await openMasters(db, await machine([...publicKeys].reverse()), silent);
    expect(again).toEqual(masters);
    expect(await checkMasters(db, await machine(publicKeys))).toContain(masterText(publicKeys[0]!));
  });

  test.each<[string, Buffer[]]>([
    ['one of two', publicKeys.slice(0, 1)],
    ['one more', [...publicKeys, createMasterPair().publicKey]],
    ['another', [publicKeys[0]!, createMasterPair().publicKey]],
  ])('are refused where they are not those in use: %s', async (_, given) => {
    const inUse = await openMasters(db, await machine(publicKeys), silent);
    const error = await refusal(openMasters(db, await machine(given), silent));
    expect(error.code).toBe('master_mismatch');
    expect(error.hint).toContain(setTo(inUse));
    expect(await mastersInUse(db.kysely)).toEqual(inUse);
  });

  test('before any is in use, a check makes none', async () => {
    const here = await machine();
    expect(await checkMasters(db, here)).toContain('the first worker takes one');
    expect(await namesBelow(here.dataDir)).toEqual([]);
    expect(await mastersInUse(db.kysely)).toEqual([]);
  });
});

describe('the secret keys', () => {
  test('are those in the file that is configured, one a line, or the one below the data folder', async () => {
    const pairs = [createMasterPair(), createMasterPair()];
    const file = path.join(await createTestFolder(), 'secret.key');
    await writeFile(file, `\n${pairs.map(({ secretKey }) => secretKey.toString('base64')).join('\r\n')}\n`);
    expect(await readSecretKeys(await machine(undefined, file))).toEqual(pairs);
    const here = await machine();
    const [master] = await openMasters(db, here, silent);
    expect((await readSecretKeys(here)).map(({ publicKey }) => publicKey)).toEqual([master]);
  });

  test('are missing where there are none, and refused where they are none', async () => {
    expect((await refusal(readSecretKeys(await machine()))).code).toBe('master_missing');
    const file = path.join(await createTestFolder(), 'secret.key');
    await writeFile(file, 'none');
    expect((await refusal(readSecretKeys(await machine(undefined, file)))).code).toBe('config_invalid');
  });
});
