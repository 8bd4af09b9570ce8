import { rm } from 'node:fs/promises';
import path from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { sql } from 'kysely';
import { beforeAll, describe, expect, test } from 'vitest';
import { documentAccesses } from '../../../src/db/document-accesses.ts';
import { destroyKeysOf } from '../../../src/db/retention.ts';
import type { Context } from '../../../src/jobs/context.ts';
import { readDocument } from '../../../src/jobs/custody/read-document.ts';
import type { MasterPair } from '../../../src/store/encryption/keys.ts';
import { readSecretKeys } from '../../../src/store/encryption/masters.ts';
import { documentStore } from '../../../src/store/open.ts';
import { createTestConfig, openTestDatabase } from '../../support/books.ts';
import { closeDocuments, jpeg, pdf, png, storeDocuments, storeInClear } from '../../support/documents.ts';

let books: Pick<Context, 'db' | 'config'>;
let keys: readonly MasterPair[];
beforeAll(async () => {
  const config = await createTestConfig();
  books = { db: await openTestDatabase(config.databaseUrl), config };
  await storeDocuments(books, 't-first', [png]);
  keys = await readSecretKeys(config);
});

const reader = { accessedBy: 'anna@desk', reason: 'case 4711', via: 'command', address: null } as const;
const accesses = (transactionId: string) => documentAccesses(books.db.kysely, { transactionId, limit: 100 });

describe('what is closed or destroyed while the store hands it out is not given to whoever asked', () => {
  /** @param act is done after the store was asked: after its last byte, or before the first one. */
  const readWhile = (id: string, act: (object: string) => Promise<unknown>, hasBytes = true) => {
    const store = documentStore(books.config);
    const get = async (name: string) => {
      const content = hasBytes ? await buffer(await store.get(name)) : undefined;
      await act(path.join(store.place, name));
      return content ? Readable.from([content]) : store.get(name);
    };
    const place = { transactionId: id, kind: 'document', origin: 'result', position: 0 } as const;
    return readDocument({ ...books, store: { ...store, get } }, keys, place, reader);
  };
  const codeOf = (reading: Promise<unknown>) =>
    reading.then(
      () => 'read',
      (error: unknown) => (error as { code: string }).code,
    );

  test('closed', async () => {
    await storeDocuments(books, 't-slow', [jpeg]);
    expect(await codeOf(readWhile('t-slow', () => closeDocuments(books, 't-slow')))).toBe('document_closed');
    // Somebody tried, before it was closed.
    expect(await accesses('t-slow')).toHaveLength(1);
  });

  test('closed, and the object is removed', async () => {
    await storeDocuments(books, 't-slow-removed', [jpeg]);
    const reading = readWhile(
      't-slow-removed',
      async (object) => {
        await closeDocuments(books, 't-slow-removed');
        await rm(object);
      },
      false,
    );
    expect(await codeOf(reading)).toBe('document_closed');
  });

  test('closed, though it is in the clear', async () => {
    await storeInClear(books, 't-slow-clear', png);
    expect(await codeOf(readWhile('t-slow-clear', () => closeDocuments(books, 't-slow-clear')))).toBe(
      'document_closed',
    );
  });

  test('destroyed by retention, of which nothing is closed', async () => {
    await storeDocuments(books, 't-slow-kept', [jpeg]);
    await storeDocuments(books, 't-slow-kept', [pdf], 'audit_report');
    const destroying = () => destroyKeysOf(books.db, 't-slow-kept', 'audit_report');
    expect(await codeOf(readWhile('t-slow-kept', destroying))).toBe('read');
    expect(await codeOf(readWhile('t-slow-kept', () => destroyKeysOf(books.db, 't-slow-kept', 'document')))).toBe(
      'not_found',
    );
  });

  test('closed, and opened again', async () => {
    await storeDocuments(books, 't-slow-cancelled', [png]);
    const reading = readWhile('t-slow-cancelled', async () => {
      await closeDocuments(books, 't-slow-cancelled');
      await sql`
        update erasures set cancelled_at = now(), cancelled_by = 'anna', cancel_reason = 'a mistake'
        where transaction_id = 't-slow-cancelled'`.execute(books.db.kysely);
    });
    expect((await reading).content).toEqual(png);
  });
});
