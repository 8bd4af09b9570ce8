import { type Kysely, sql } from 'kysely';
import { Migrator } from 'kysely/migration';
import { beforeAll, expect, test } from 'vitest';
import { migrations } from '../../migrations/index.ts';
import type { Database } from '../../src/db/database.ts';
import { migrateUp, migrationNotes } from '../../src/db/migrate.ts';
import { createEmptyDatabase, openTestDatabase } from '../support/books.ts';

let db: Database;
beforeAll(async () => {
  db = await openTestDatabase(await createEmptyDatabase());
  const before = new Migrator({ db: db.kysely, provider: { getMigrations: () => Promise.resolve(migrations) } });
  await before.migrateTo('20261128030000_attempt_identity');
});

type Row = readonly [ordinal: number, at: string, code: string | null];

/** What the version before wrote for an answer: the entry at each place, and nothing of the places behind the list. */
async function listed(
  id: string,
  rows: readonly Row[],
  on: Kysely<unknown> = db.kysely as Kysely<unknown>,
): Promise<void> {
  await sql`insert into transactions (id, state, created_at, fetched_at) values (${id}, 'pending', now(), now()) on conflict do nothing`.execute(
    on,
  );
  await sql`insert into tasks (transaction_id, task_type, scan_list_missing) values (${id}, 'document_scan', false) on conflict do nothing`.execute(
    on,
  );
  const values = sql.join(
    rows.map(
      ([
        ordinal,
        at,
        code,
      ]) => sql`(${id}, 'document_scan', ${ordinal}::int, ${at}::timestamptz, 'scan_created', 'scan_list', ${code}::text,
      'camera', ${code === null}, 'success_invoiced', 'v')`,
    ),
  );
  await sql`
    insert into attempts as a (transaction_id, task_type, ordinal, attempted_at, time_basis, evidence, code, capture_source, invoiced, reason, rule_table_version)
    values ${values}
    on conflict (transaction_id, task_type, ordinal) do update set attempted_at = excluded.attempted_at, code = excluded.code, invoiced = excluded.invoiced
    where (a.attempted_at, a.code) is distinct from (excluded.attempted_at, excluded.code)`.execute(on);
}

const attempts = async (id: string) =>
  (
    await db.kysely
      .selectFrom('attempts')
      .select(['ordinal', 'attempted_at', 'code'])
      .where('transaction_id', '=', id)
      .orderBy('ordinal')
      .execute()
  ).map(({ ordinal, attempted_at, code }) => [ordinal, attempted_at.toISOString().slice(0, 10), code]);

const [april, may, june] = ['2026-04-30T10:00:00Z', '2026-05-01T10:00:00Z', '2026-06-01T10:00:00Z'];

test('attempts that a shorter list overwrote are put together anew, all others stay as they are, and migrate says how many', async () => {
  await listed('shifted', [
    [1, april, null],
    [2, may, null],
  ]);
  await listed('shifted', [[1, may, null]]);
  await listed('earlier', [[1, may, null]]);
  await listed('earlier', [
    [1, april, 'unknown_type_front'],
    [2, may, null],
  ]);
  await listed('twins', [
    [1, april, null],
    [2, may, null],
    [3, may, null],
  ]);
  await listed('twins', [
    [1, may, null],
    [2, may, null],
  ]);
  await listed('decided', [
    [1, april, 'processing'],
    [2, may, null],
  ]);
  await listed('decided', [
    [1, april, null],
    [2, may, null],
    [3, june, null],
  ]);
  await migrateUp(db);
  expect(await attempts('shifted')).toEqual([
    [1, '2026-04-30', null],
    [2, '2026-05-01', null],
  ]);
  expect(await attempts('earlier')).toEqual([
    [1, '2026-04-30', 'unknown_type_front'],
    [2, '2026-05-01', null],
  ]);
  expect(await attempts('twins')).toEqual([
    [1, '2026-04-30', null],
    [2, '2026-05-01', null],
    [3, '2026-05-01', null],
  ]);
  expect(await attempts('decided')).toEqual([
    [1, '2026-04-30', null],
    [2, '2026-05-01', null],
    [3, '2026-06-01', null],
  ]);
  expect(await migrationNotes(db, Object.keys(migrations))).toEqual(['2 attempts of 2 tasks were identified anew']);
});
