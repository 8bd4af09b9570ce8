import { appendFile, mkdir, readFile, rename, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { sql } from 'kysely';
import { beforeAll, describe, expect, test } from 'vitest';
import { documentAccesses } from '../../../src/db/document-accesses.ts';
import type { Context } from '../../../src/jobs/context.ts';
import { readDocument } from '../../../src/jobs/custody/read-document.ts';
import { createMasterPair, masterText, type MasterPair } from '../../../src/store/encryption/keys.ts';
import { readSecretKeys } from '../../../src/store/encryption/masters.ts';
import { documentStore } from '../../../src/store/open.ts';
import type { DocumentPlace } from '../../../src/store/layout.ts';
import { asOwner, createTestConfig, openTestDatabase, waitFor } from '../../support/books.ts';
import { closeDocuments, jpeg, pdf, png, storeDocuments, storeInClear, vendorName } from '../../support/documents.ts';
import { asRole } from '../../support/roles.ts';

type Books = Pick<Context, 'db' | 'config'>;
let books: Books;
let keys: readonly MasterPair[];
beforeAll(async () => {
  const config = await createTestConfig();
  books = { db: await openTestDatabase(config.databaseUrl), config };
  await storeDocuments(books, 't-first', [png]);
  keys = await readSecretKeys(config);
});

const reader = { accessedBy: 'anna@desk', reason: 'case 4711', via: 'command', address: null } as const;
const at = (transactionId: string, position = 0): DocumentPlace => ({
  transactionId,
  kind: 'document',
  origin: 'result',
  position,
});
const read = (place: DocumentPlace, secretKeys = keys, of = books) =>
  readDocument({ ...of, store: documentStore(of.config) }, secretKeys, place, reader);
const accesses = (transactionId: string, of = books) => documentAccesses(of.db.kysely, { transactionId, limit: 100 });
const ownerOf = ({ config }: Books) => asOwner(config.databaseUrl ?? '');

describe('a stored document', () => {
  test('is what it was, and who reads it is on record', async () => {
    const large = Buffer.concat([pdf.subarray(0, 9), Buffer.alloc(24 * 1_024 ** 2, 1), pdf]);
    await storeDocuments(books, 't-read', [png, jpeg, large]);
    await storeDocuments(books, 't-read', [pdf], 'audit_report');
    for (const [position, content] of [png, jpeg, large].entries()) {
      const found = await read(at('t-read', position));
      expect(found.content.equals(content)).toBe(true);
      expect(found.mediaType).toBe(['image/png', 'image/jpeg', 'application/pdf'][position]);
    }
    expect((await read({ ...at('t-read'), kind: 'audit_report' })).content).toEqual(pdf);
    const rows = await accesses('t-read');
    expect(rows.map(({ kind, origin, position }) => [kind, origin, position])).toEqual([
      ['audit_report', 'result', 0],
      ['document', 'result', 2],
      ['document', 'result', 1],
      ['document', 'result', 0],
    ]);
    expect(rows[0]).toMatchObject({ ...reader, transactionId: 't-read', accessedAt: expect.any(Date) as Date });
  });

  test('is read only after the row is committed', async () => {
    await storeDocuments(books, 't-order', [png]);
    const store = documentStore(books.config);
    const seen: number[] = [];
    const watched = {
      ...store,
      get: async (name: string) => {
        // Another connection sees what is committed alone.
        seen.push((await accesses('t-order')).length);
        return store.get(name);
      },
    };
    await readDocument({ ...books, store: watched }, keys, at('t-order'), reader);
    expect(seen).toEqual([1]);
  });

  test('that shares its object with another place is read at both', async () => {
    await storeDocuments(books, 't-shared', [png]);
    await sql`
      insert into files (transaction_id, kind, origin, position, state, sha256, bytes, media_type, object_name, key_id)
      select transaction_id, kind, origin, 1, state, sha256, bytes, media_type, object_name, key_id from files
      where transaction_id = 't-shared'`.execute(books.db.kysely);
    expect((await read(at('t-shared', 1))).content).toEqual(png);
  });

  test('of an earlier version, in the clear, is read as it is, and refused when it was changed', async () => {
    const object = await storeInClear(books, 't-clear', png);
    expect(await read(at('t-clear'), [])).toEqual({ content: png, mediaType: 'image/png' });
    await writeFile(object, Buffer.alloc(png.length, 7));
    await expect(read(at('t-clear'), [])).rejects.toMatchObject({ code: 'document_damaged' });
    expect(await accesses('t-clear')).toHaveLength(2);
  });

  test('that was never stored is none, and nothing is recorded of it', async () => {
    for (const place of [at('t-first', 7), at('t-nobody'), { ...at('t-first'), kind: 'audit_report' as const }])
      await expect(read(place)).rejects.toMatchObject({ code: 'not_found' });
    expect(await accesses('t-nobody')).toEqual([]);
  });
});

describe('an object that is not as it was stored is refused, and the try is on record', () => {
  const damages: Record<string, (object: string, other: string) => Promise<unknown>> = {
    overwritten: async (object) => writeFile(object, Buffer.alloc((await readFile(object)).length, 7)),
    'changed in its last byte': async (object) => {
      const content = await readFile(object);
      content[content.length - 1]! ^= 1;
      await writeFile(object, content);
    },
    cut: (object) => truncate(object, 5_000),
    emptied: (object) => truncate(object, 0),
    'longer than it was': (object) => appendFile(object, 'more'),
    lost: (object) => rm(object),
    swapped: async (object, other) => {
      await rename(object, `${object}.x`);
      await rename(other, object);
      await rename(`${object}.x`, other);
    },
    'a link to something else': async (object) => {
      await rm(object);
      await symlink('/etc/hostname', object);
    },
    'a folder': async (object) => {
      await rm(object);
      await mkdir(object);
    },
  };
  test.each(Object.entries(damages))('%s', async (what, damage) => {
    const id = `t-${what.replaceAll(' ', '-')}`;
    const [first, second] = await storeDocuments(books, id, [jpeg, Buffer.concat([jpeg.subarray(0, -1), png])]);
    await damage(first!.object, second!.object);
    const error = await read(at(id)).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'document_damaged', fields: { transactionId: id, position: 0 } });
    expect(String(error)).not.toContain(vendorName);
    expect(await accesses(id)).toHaveLength(1);
  });

  test('swapped with another one of the transaction, in the store and in its hash', async () => {
    const id = 't-swapped-everywhere';
    const [first, second] = await storeDocuments(books, id, [jpeg, Buffer.concat([jpeg.subarray(0, -1), png])]);
    await damages['swapped']!(first!.object, second!.object);
    await sql`
      update files f set sha256 = o.sha256, bytes = o.bytes from files o
      where f.transaction_id = ${id} and o.transaction_id = ${id} and o.position = 1 - f.position`.execute(
      books.db.kysely,
    );
    for (const position of [0, 1])
      await expect(read(at(id, position))).rejects.toMatchObject({ code: 'document_damaged' });
    expect(await accesses(id)).toHaveLength(2);
  });

  test('recorded as another transaction’s', async () => {
    await storeDocuments(books, 't-own', [png]);
    await storeDocuments(books, 't-foreign', [jpeg]);
    await sql`
      update files f set sha256 = o.sha256, bytes = o.bytes, object_name = o.object_name, key_id = o.key_id from files o
      where f.transaction_id = 't-own' and o.transaction_id = 't-foreign'`.execute(books.db.kysely);
    await expect(read(at('t-own'))).rejects.toMatchObject({ code: 'document_damaged' });
  });

  test('on a disk that is not there', async () => {
    const config = await createTestConfig();
    const own = { db: await openTestDatabase(config.databaseUrl), config };
    await storeDocuments(own, 't-unmounted', [png]);
    const folder = path.join(config.dataDir, 'documents');
    await rename(folder, `${folder}-away`);
    await expect(read(at('t-unmounted'), await readSecretKeys(config), own)).rejects.toMatchObject({
      code: 'store_mismatch',
    });
    expect(await accesses('t-unmounted', own)).toHaveLength(1);
  });
});

describe('a key', () => {
  test('of another master does not open it, and the error names the one that does', async () => {
    await storeDocuments(books, 't-master', [png]);
    await expect(read(at('t-master'), [createMasterPair()])).rejects.toMatchObject({
      code: 'master_missing',
      fields: { masters: masterText(keys[0]!.publicKey) },
    });
    await expect(read(at('t-master'), [])).rejects.toMatchObject({ code: 'master_missing' });
    expect(await accesses('t-master')).toHaveLength(2);
    expect((await read(at('t-master'), [createMasterPair(), ...keys])).content).toEqual(png);
  });

  test('that was changed, or is not there, is told', async () => {
    await storeDocuments(books, 't-key', [png]);
    await asRole(
      ownerOf(books),
      `update document_keys set sealed = set_byte(sealed, 40, get_byte(sealed, 40) # 1) where transaction_id = 't-key'`,
    );
    await expect(read(at('t-key'))).rejects.toMatchObject({ code: 'document_damaged' });
    await sql`delete from document_keys where transaction_id = 't-key'`.execute(books.db.kysely);
    await expect(read(at('t-key'))).rejects.toMatchObject({ code: 'document_damaged' });
  });
});

describe('what is closed', () => {
  test('is read by nobody, on record is nothing, and the store is not asked', async () => {
    await storeDocuments(books, 't-closed', [png]);
    await closeDocuments(books, 't-closed');
    const store = { ...documentStore(books.config), get: () => Promise.reject(new Error('asked')) };
    await expect(readDocument({ ...books, store }, keys, at('t-closed'), reader)).rejects.toMatchObject({
      code: 'document_closed',
    });
    expect(await accesses('t-closed')).toEqual([]);
  });

  test('is read again once the erasure is cancelled', async () => {
    await storeDocuments(books, 't-cancelled', [png]);
    await closeDocuments(books, 't-cancelled');
    await sql`
      update erasures set cancelled_at = now(), cancelled_by = 'anna', cancel_reason = 'a mistake'
      where transaction_id = 't-cancelled'`.execute(books.db.kysely);
    expect((await read(at('t-cancelled'))).content).toEqual(png);
  });

  test('and destroyed says so', async () => {
    await storeDocuments(books, 't-erased', [png]);
    await closeDocuments(books, 't-erased');
    await sql`delete from document_keys where transaction_id = 't-erased'`.execute(books.db.kysely);
    await sql`
      update files set state = 'erased', object_name = null, key_id = null, sha256 = null, bytes = null,
        media_type = null, category = null, type = null, name = null, url_sha256 = null
      where transaction_id = 't-erased'`.execute(books.db.kysely);
    await expect(read(at('t-erased'))).rejects.toMatchObject({ code: 'document_closed' });
    expect(await accesses('t-erased')).toEqual([]);
  });

  test('while it is being destroyed: whoever reads waits, and is refused', async () => {
    await storeDocuments(books, 't-closing', [png]);
    const { kysely } = books.db;
    const running = await kysely.transaction().execute(async (db) => {
      await sql`select from transactions where id = 't-closing' for update`.execute(db);
      await sql`
        insert into erasures (transaction_id, requested_by, reason, destroy_at)
        values ('t-closing', 'anna', 'asked for', now())`.execute(db);
      const reading = read(at('t-closing')).then(
        () => 'read',
        (error: unknown) => (error as { code: string }).code,
      );
      await waitFor('the reader to wait', async () => {
        const { rows } = await sql`
          select from pg_stat_activity where wait_event_type = 'Lock' and query like '%for key share%'
            and datname = current_database() and pid <> pg_backend_pid()`.execute(kysely);
        return rows.length > 0;
      });
      return { reading };
    });
    expect(await running.reading).toBe('document_closed');
    expect(await accesses('t-closing')).toEqual([]);
  });
});

test('accesses come newest first, a page at a time, and can be neither changed nor removed', async () => {
  await storeDocuments(books, 't-pages', [png, jpeg]);
  for (const position of [0, 1, 0]) await read(at('t-pages', position));
  const { kysely } = books.db;
  const [newest, ...older] = await accesses('t-pages');
  expect([newest, ...older].map((one) => one!.position)).toEqual([0, 1, 0]);
  const page = await documentAccesses(kysely, { transactionId: 't-pages', after: newest!.id, limit: 1 });
  expect(page).toEqual(older.slice(0, 1));
  const all = await documentAccesses(kysely, { limit: 2 });
  expect(all.map(({ id }) => id)).toEqual([newest!.id, older[0]!.id]);
  const owner = asOwner(books.config.databaseUrl ?? '');
  for (const change of ["update document_accesses set reason = 'x'", 'delete from document_accesses'])
    await expect(asRole(owner, change)).rejects.toThrow(/document_accesses/);
});
