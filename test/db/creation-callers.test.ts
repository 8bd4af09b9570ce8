import { expect, test } from 'vitest';
import { possiblyCreated } from '../../src/db/creations.ts';
import type { Database } from '../../src/db/database.ts';
import { migrateDown, migrateUp, migrationStatus } from '../../src/db/migrate.ts';
import { asOwner, createTestDatabase, openTestDatabase } from '../support/books.ts';
import { asRole } from '../support/roles.ts';

const migration = '20261130040000_creation_callers';

/** Takes back whatever came after the migration. */
async function backToMigration(db: Database): Promise<void> {
  const names = (await migrationStatus(db)).map(({ name }) => name);
  for (const name of names.slice(names.indexOf(migration) + 1).reverse()) expect(await migrateDown(db)).toEqual([name]);
}

/** Books as they were before keys belonged to callers. */
async function earlierBooks() {
  const url = asOwner(await createTestDatabase());
  const db = await openTestDatabase(url);
  await backToMigration(db);
  expect(await migrateDown(db)).toEqual([migration]);
  const insert = (values: string) =>
    asRole(
      url,
      `insert into creations (idempotency_key, request_sha256, asked_by, asked_at, transaction_id, url, error_code,
        resolved_at, resolved_by, resolution) values (${values})`,
    );
  const rows = (text: string) => asRole<Record<string, unknown>>(url, text);
  return { db, insert, rows };
}

test('of two creations with one transaction the later one is to be looked after again; hashes are dropped', async () => {
  const { db, insert, rows } = await earlierBooks();
  await rows(`insert into transactions (id) values ('t-1')`);
  const hash = `repeat('a', 64)`;
  await insert(
    `'k-1', ${hash}, 'token a', now() - interval '2 days', 't-1', 'https://a.example/', null, null, null, null`,
  );
  await insert(
    `'k-2', ${hash}, 'token a', now() - interval '1 day', 't-1', null, 'vendor_timeout', now(), 'anna', 'x'`,
  );
  await insert(`null, ${hash}, 'token a', now(), null, null, 'vendor_timeout', null, null, null`);
  await migrateUp(db);
  expect(await rows('select transaction_id, url, request_sha256 from creations order by asked_at')).toEqual([
    { transaction_id: 't-1', url: 'https://a.example/', request_sha256: null },
    { transaction_id: null, url: null, request_sha256: null },
    { transaction_id: null, url: null, request_sha256: null },
  ]);
  expect(await possiblyCreated(db.kysely, 9)).toHaveLength(2);
  await backToMigration(db);
  expect(await migrateDown(db)).toEqual([migration]);
  expect(await rows('select from creations where request_sha256 is null')).toEqual([]);
});

test('an earlier version cannot tell callers apart, so it is not gone back to', async () => {
  const { db, insert } = await earlierBooks();
  await migrateUp(db);
  for (const caller of ['token a', 'token b'])
    await insert(`'k-1', null, '${caller}', now(), null, null, 'vendor_timeout', null, null, null`);
  await backToMigration(db);
  await expect(migrateDown(db)).rejects.toMatchObject({
    code: 'blocked',
    message: expect.stringContaining('two callers used the same idempotency key') as string,
  });
});
