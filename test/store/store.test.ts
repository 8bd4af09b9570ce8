import { createHash, randomUUID } from 'node:crypto';
import { cp, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Database } from '../../src/db/database.ts';
import { knownStore } from '../../src/db/document-store.ts';
import { checkOpenStore, checkStore, documentStore, openStore, repairStore } from '../../src/store/open.ts';
import { writeMarker } from '../../src/store/marker.ts';
import { clearName, objectPath } from '../../src/store/layout.ts';
import { createTestFolder, openTestDatabase } from '../support/books.ts';
import { register } from '../support/facts.ts';

/** A file that is claimed to be stored, in the clear as by an earlier version, and its content in the folder, if wanted. */
async function claim({ kysely }: Database, dataDir: string, text: string, isThere = true): Promise<string> {
  const sha256 = createHash('sha256').update(text).digest('hex');
  const id = `t-${sha256.slice(0, 12)}`;
  await register({ kysely } as Database, id, null);
  const place = { transaction_id: id, kind: 'document' as const, origin: 'result', position: 0 };
  const content = { sha256, bytes: String(text.length), media_type: 'image/png' };
  await kysely
    .insertInto('files')
    .values({ ...place, ...content, state: 'stored' })
    .execute();
  const file = objectPath(documentStore({ dataDir }).place, clearName(sha256));
  if (isThere) {
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, text);
  }
  return file;
}

async function world(): Promise<{ db: Database; dataDir: string; folder: string }> {
  const dataDir = path.join(await createTestFolder(), 'data');
  return { db: await openTestDatabase(), dataDir, folder: documentStore({ dataDir }).place };
}

const refused = { code: 'store_mismatch' };
const namesBelow = async (folder: string) => (await readdir(folder, { recursive: true }).catch(() => [])).sort();

describe('the first worker ever', () => {
  test('makes the folder a store, and Postgres knows it', async () => {
    const { db, dataDir, folder } = await world();
    expect(await checkStore(db.kysely, documentStore({ dataDir }))).toContain('the first worker makes it one');
    expect(await namesBelow(dataDir)).toEqual([]);
    const { id } = await openStore(db.kysely, documentStore({ dataDir }));
    expect(await knownStore(db.kysely)).toBe(id);
    expect(JSON.parse(await readFile(path.join(folder, 'store.json'), 'utf8'))).toMatchObject({ id });
    expect(await openStore(db.kysely, documentStore({ dataDir }))).toMatchObject({ place: folder, id });
    expect(await checkStore(db.kysely, documentStore({ dataDir }))).toBe(
      `${folder}, store ${id}, writable by uid ${process.getuid?.() ?? ''}`,
    );
    expect(await namesBelow(folder)).toEqual(['00', 'incoming', 'store.json']);
  });

  test('may have company: ten at once on one folder open the same store', async () => {
    const { db, dataDir, folder } = await world();
    const opened = await Promise.all(
      Array.from({ length: 10 }, () => openStore(db.kysely, documentStore({ dataDir }))),
    );
    expect(new Set(opened.map(({ id }) => id))).toEqual(new Set([await knownStore(db.kysely)]));
    expect(await namesBelow(folder)).toEqual(['00', 'incoming', 'store.json']);
  });

  test('is one: of five machines without a shared disk that begin at once, four are refused', async () => {
    const { db } = await world();
    const dataDirs = await Promise.all(Array.from({ length: 5 }, () => createTestFolder()));
    const ends = await Promise.allSettled(dataDirs.map((dataDir) => openStore(db.kysely, documentStore({ dataDir }))));
    expect(ends.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    for (const end of ends) if (end.status === 'rejected') expect(end.reason).toMatchObject(refused);
  });

  test('may be broken off before Postgres knows its store: the next one goes on', async () => {
    const { db, dataDir, folder } = await world();
    const id = randomUUID();
    await writeMarker(folder, id);
    expect(await openStore(db.kysely, documentStore({ dataDir }))).toMatchObject({ place: folder, id });
  });

  test('does not take the folder of other books, with files in it', async () => {
    const others = await world();
    await openStore(others.db.kysely, documentStore(others));
    await claim(others.db, others.dataDir, 'theirs');
    const { db } = await world();
    await expect(openStore(db.kysely, documentStore(others))).rejects.toMatchObject(refused);
    expect(await knownStore(db.kysely)).toBeUndefined();
  });
});

describe('an installation from before stores were known', () => {
  test('adopts the folder that has its contents, though some were deleted', async () => {
    const { db, dataDir } = await world();
    for (let index = 0; index < 20; index += 1) await claim(db, dataDir, `content ${index}`, index === 7);
    const { id } = await openStore(db.kysely, documentStore({ dataDir }));
    expect(await knownStore(db.kysely)).toBe(id);
  });

  test.each([
    ['an empty one', () => Promise.resolve('')],
    ['one with other files', async (dataDir: string) => claim(await openTestDatabase(), dataDir, 'theirs')],
  ])('refuses %s, and makes nothing in it', async (_, fill) => {
    const { db, dataDir, folder } = await world();
    await claim(db, dataDir, 'ours', false);
    await fill(dataDir);
    const before = await namesBelow(folder);
    await expect(openStore(db.kysely, documentStore({ dataDir }))).rejects.toMatchObject(refused);
    await expect(checkStore(db.kysely, documentStore({ dataDir }))).rejects.toMatchObject(refused);
    expect(await knownStore(db.kysely)).toBeUndefined();
    expect(await namesBelow(folder)).toEqual(before);
  });
});

describe('a store that Postgres knows', () => {
  test('is looked at for what the books say is there: a copy that fell behind is not called well', async () => {
    const { db, dataDir, folder } = await world();
    await openStore(db.kysely, documentStore({ dataDir }));
    for (const text of ['one', 'two', 'three']) await claim(db, dataDir, text);
    expect(await checkStore(db.kysely, documentStore({ dataDir }))).toContain(folder);
    const elsewhere = await claim(db, dataDir, 'stored on another machine', false);
    await expect(checkStore(db.kysely, documentStore({ dataDir }))).rejects.toMatchObject({
      code: 'store_mismatch',
      message: expect.stringMatching(/^1 of 4 stored files/) as string,
    });
    // What is known to be lost is told by `status`.
    await db.kysely
      .updateTable('files')
      .set({ state: 'lost' })
      .where('sha256', '=', path.basename(elsewhere))
      .execute();
    expect(await checkStore(db.kysely, documentStore({ dataDir }))).toContain(folder);
  });

  test('is refused where the folder is missing, empty, or another’s, and nothing is made there', async () => {
    const { db, dataDir, folder } = await world();
    const store = await openStore(db.kysely, documentStore({ dataDir }));
    await rename(folder, `${folder}.away`);
    const all = [
      () => openStore(db.kysely, documentStore({ dataDir })),
      () => checkStore(db.kysely, documentStore({ dataDir })),
      () => checkOpenStore(store),
    ];
    for (const one of all) await expect(one()).rejects.toMatchObject(refused);
    expect(await namesBelow(dataDir)).not.toContain('documents');
    await mkdir(folder);
    for (const one of all) await expect(one()).rejects.toMatchObject(refused);
    expect(await namesBelow(folder)).toEqual([]);
    await writeMarker(folder, randomUUID());
    for (const one of all) await expect(one()).rejects.toMatchObject(refused);
    await expect(repairStore(db.kysely, documentStore({ dataDir }))).rejects.toMatchObject(refused);
    await writeFile(path.join(folder, 'store.json'), '{"half');
    for (const one of all) await expect(one()).rejects.toMatchObject(refused);
    await rm(folder, { recursive: true });
    await rename(`${folder}.away`, folder);
    for (const one of all) await one();
  });

  test.each([
    ['a folder of contents is none', 'a7'],
    ['the folder of downloads is none', 'incoming'],
  ])('is refused where %s', async (_, name) => {
    const { db, dataDir, folder } = await world();
    const store = await openStore(db.kysely, documentStore({ dataDir }));
    await rm(path.join(folder, name), { recursive: true, force: true });
    await rm(path.join(folder, '00'), { recursive: true });
    await writeFile(path.join(folder, name), 'a file');
    await expect(checkOpenStore(store)).rejects.toMatchObject({ code: 'storage_failed' });
    await expect(checkStore(db.kysely, documentStore({ dataDir }))).rejects.toMatchObject({ code: 'storage_failed' });
    await expect(openStore(db.kysely, documentStore({ dataDir }))).rejects.toMatchObject({
      code: 'storage_failed',
      fields: { folder, uid: String(process.getuid?.()) },
    });
  });

  test('is not made anew by a download where its disk is not mounted', async () => {
    const { db, dataDir, folder } = await world();
    await openStore(db.kysely, documentStore({ dataDir }));
    await rm(folder, { recursive: true });
    await mkdir(folder);
    const putting = documentStore({ dataDir }).put('3f/t-1.document.result.0.1-00000000', (sink) =>
      sink(Buffer.from('x')),
    );
    await expect(putting).rejects.toMatchObject({ code: 'storage_failed' });
    expect(await namesBelow(folder)).toEqual([]);
  });

  test('is not made anew where it goes away while it is checked, or while a file is written', async () => {
    const { db, dataDir, folder } = await world();
    const store = await openStore(db.kysely, documentStore({ dataDir }));
    const goneAfterwards = { ...store, probe: () => store.probe().then(() => rename(folder, `${folder}-away`)) };
    await expect(checkOpenStore(goneAfterwards)).rejects.toMatchObject({ code: 'store_mismatch' });
    await expect(store.probe()).rejects.toMatchObject({ code: 'storage_failed' });
    expect(await namesBelow(folder)).toEqual([]);
    await rename(`${folder}-away`, folder);
    const put = store.put('3f/t-1.document.result.0.1-00000000', async (write) => {
      await write(Buffer.from('an image'));
      await rename(folder, `${folder}-away`);
    });
    await expect(put).rejects.toMatchObject({ code: 'storage_failed' });
    await expect(readdir(folder)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  test('is put into an empty folder, or one with what came back, by a repair alone', async () => {
    const { db, dataDir, folder } = await world();
    const { id } = await openStore(db.kysely, documentStore({ dataDir }));
    const content = await claim(db, dataDir, 'ours');
    expect(await repairStore(db.kysely, documentStore({ dataDir }))).toBe(false);
    await cp(folder, `${folder}.backup`, { recursive: true });
    await rm(folder, { recursive: true });
    expect(await repairStore(db.kysely, documentStore({ dataDir }))).toBe(true);
    expect(await openStore(db.kysely, documentStore({ dataDir }))).toMatchObject({ place: folder, id });
    await rm(folder, { recursive: true });
    await rename(`${folder}.backup`, folder);
    await rm(path.join(folder, 'store.json'));
    expect(await repairStore(db.kysely, documentStore({ dataDir }))).toBe(true);
    await rm(path.join(folder, 'store.json'));
    await rename(content, path.join(path.dirname(content), 'f'.repeat(64)));
    await expect(repairStore(db.kysely, documentStore({ dataDir }))).rejects.toMatchObject(refused);
  });

  test('that nobody knows any more is given back to books that still claim its contents', async () => {
    const { db, dataDir } = await world();
    await claim(db, dataDir, 'lost', false);
    await expect(openStore(db.kysely, documentStore({ dataDir }))).rejects.toMatchObject(refused);
    expect(await repairStore(db.kysely, documentStore({ dataDir }))).toBe(true);
    await openStore(db.kysely, documentStore({ dataDir }));
  });
});
