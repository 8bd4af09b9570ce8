import { execFile, spawn } from 'node:child_process';
import { chmod, chown, mkdir, readdir, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { atEnd, createTestConfig, createTestFolder } from '../support/books.ts';
import { openDatabase } from '../../src/db/database.ts';
import { checkStore, documentStore, openStore } from '../../src/store/open.ts';

const run = promisify(execFile);
const [first, second] = [65_001, 65_002];

/** Opens the store as another user does, in a process of its own. */
function openAs(uid: number, databaseUrl: string, dataDir: string): Promise<{ code: number | null; output: string }> {
  const program = path.join(import.meta.dirname, 'open-store-as.ts');
  const child = spawn(process.execPath, [program, String(uid), databaseUrl, dataDir], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, output })));
}

async function sharedFolder(): Promise<{ databaseUrl: string; dataDir: string }> {
  const { databaseUrl } = await createTestConfig();
  const folder = await createTestFolder();
  await chmod(folder, 0o777);
  return { databaseUrl: databaseUrl ?? '', dataDir: path.join(folder, 'data') };
}

test('of two users on one folder the second is told so, with path and uid, and nothing is parked', async () => {
  const { databaseUrl, dataDir } = await sharedFolder();
  const mine = await openAs(first, databaseUrl, dataDir);
  expect(mine.code, mine.output).toBe(0);
  expect(await openAs(first, databaseUrl, dataDir)).toEqual(mine);
  const other = await openAs(second, databaseUrl, dataDir);
  expect(other.code, other.output).toBe(1);
  expect(other.output).toContain('storage_failed');
  expect(other.output).toContain(`uid ${second}`);
  expect(other.output).toContain(path.join(dataDir, 'documents'));
});

test('one folder of contents that another user made is found, whichever it is', async () => {
  const { databaseUrl, dataDir } = await sharedFolder();
  const mine = await openAs(first, databaseUrl, dataDir);
  expect(mine.code, mine.output).toBe(0);
  const documents = path.join(dataDir, 'documents');
  for (const name of ['3a', '3b', '3c', 'ff']) {
    await mkdir(path.join(documents, name), { mode: 0o700 });
    await chown(path.join(documents, name), first, first);
  }
  expect((await openAs(first, databaseUrl, dataDir)).code).toBe(0);
  await chown(path.join(documents, '3b'), second, second);
  const refused = await openAs(first, databaseUrl, dataDir);
  expect(refused.code, refused.output).toBe(1);
  expect(refused.output).toContain(path.join(documents, '3b'));
  expect((await readdir(path.join(documents, 'incoming'))).length).toBe(0);
});

test('a disk that turned read-only is found', async () => {
  const { databaseUrl, dataDir } = await sharedFolder();
  await mkdir(dataDir);
  await run('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', dataDir]);
  atEnd(() => run('umount', ['-l', dataDir]));
  const db = openDatabase(databaseUrl);
  atEnd(db.close);
  await openStore(db.kysely, documentStore({ dataDir }));
  await run('mount', ['-o', 'remount,ro', dataDir]);
  await expect(openStore(db.kysely, documentStore({ dataDir }))).rejects.toMatchObject({ code: 'storage_failed' });
  await run('mount', ['-o', 'remount,rw', dataDir]);
  await openStore(db.kysely, documentStore({ dataDir }));
  expect((await stat(path.join(dataDir, 'documents', 'store.json'))).mode & 0o777).toBe(0o600);
});

test('a disk that is full is no reason to refuse a store that is known: results need no room', async () => {
  const { databaseUrl, dataDir } = await sharedFolder();
  await mkdir(dataDir);
  await run('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', dataDir]);
  atEnd(() => run('umount', ['-l', dataDir]));
  const db = openDatabase(databaseUrl);
  atEnd(db.close);
  const store = await openStore(db.kysely, documentStore({ dataDir }));
  await writeFile(path.join(dataDir, 'ballast'), Buffer.alloc(1_024 * 1_024)).catch(() => undefined);
  await expect(checkStore(db.kysely, documentStore({ dataDir }))).rejects.toMatchObject({ code: 'storage_full' });
  expect(await openStore(db.kysely, documentStore({ dataDir }))).toMatchObject({ place: store.place, id: store.id });
});
