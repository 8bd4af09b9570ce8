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
  counted: number | null = null,
  on: Kysely<unknown> = db.kysely as Kysely<unknown>,
): Promise<void> {
  await sql`insert into transactions (id, state, created_at, fetched_at) values (${id}, 'pending', now(), now()) on conflict do nothing`.execute(
    on,
  );
  await sql`insert into tasks as k (transaction_id, task_type, scan_list_missing, vendor_attempts) values (${id}, 'document_scan', false, ${counted})
    on conflict (transaction_id, task_type) do update set vendor_attempts = greatest(k.vendor_attempts, excluded.vendor_attempts)`.execute(
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

/** Books of scans whose times the vendor changed, with what they are to be afterwards: the same. */
async function redated(): Promise<Map<string, unknown>> {
  await listed('redated', [[1, april, null]], 1);
  await listed('redated', [[1, may, null]], 1);
  await listed(
    'second-redated',
    [
      [1, april, null],
      [2, may, null],
    ],
    2,
  );
  await listed(
    'second-redated',
    [
      [1, april, null],
      [2, june, null],
    ],
    2,
  );
  await listed('redated-while-decided', [[1, april, 'processing']], 1);
  await listed('redated-while-decided', [[1, may, null]], 1);
  // Other codes: nothing tells which one the vendor does not count.
  await listed('contradictory', [[1, april, 'unknown_type_front']], 1);
  await listed('contradictory', [[1, may, null]], 1);
  const untouched = new Map<string, unknown>();
  for (const id of ['redated', 'second-redated', 'redated-while-decided', 'contradictory'])
    untouched.set(id, await attempts(id));
  await listed(
    'redated-then-shorter',
    [
      [1, april, null],
      [2, june, null],
    ],
    2,
  );
  await listed(
    'redated-then-shorter',
    [
      [1, '2026-05-02T10:00:00Z', null],
      [2, june, null],
    ],
    2,
  );
  await listed('redated-then-shorter', [[1, june, null]], 2);
  await listed(
    'grown-then-shorter',
    [
      [1, april, null],
      [2, may, null],
    ],
    2,
  );
  await listed(
    'grown-then-shorter',
    [
      [1, april, null],
      [2, may, null],
      [3, may, null],
    ],
    3,
  );
  await listed(
    'grown-then-shorter',
    [
      [1, may, null],
      [2, may, null],
    ],
    3,
  );
  return untouched;
}

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
  const untouched = await redated();
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
  for (const [id, expected] of untouched) expect([id, await attempts(id)]).toEqual([id, expected]);
  expect(await attempts('redated-then-shorter')).toEqual([
    [1, '2026-05-02', null],
    [2, '2026-06-01', null],
  ]);
  expect(await attempts('grown-then-shorter')).toEqual([
    [1, '2026-04-30', null],
    [2, '2026-05-01', null],
    [3, '2026-05-01', null],
  ]);
  expect(await migrationNotes(db, Object.keys(migrations))).toEqual(['4 attempts of 4 tasks were identified anew']);
});
