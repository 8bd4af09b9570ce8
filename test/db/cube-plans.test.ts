import pg from 'pg';
import { beforeAll, expect, test } from 'vitest';
import { fillBooks } from '../../bench/fill.ts';
import { cubeRows } from '../../src/db/cube.ts';
import { type Database, openDatabase } from '../../src/db/database.ts';
import { inBooking, type Snapshot, withDedicatedClient } from '../../src/db/snapshot.ts';
import { matchUsage } from '../../src/db/usage-matching.ts';
import { monthBounds } from '../../src/domain/billing-month.ts';
import { cubeMarks } from '../../src/domain/reconciliation/cube.ts';
import { asAdmin, atEnd, createTestDatabase } from '../support/books.ts';

const months = 48;
const attempts = 60_000;
const period = '2026-10';
const span = monthBounds(period, 'UTC');
const marks = cubeMarks(period, { timeZone: 'UTC', lists: [], otherLists: [] });

let db: Database;
beforeAll(async () => {
  const url = await createTestDatabase();
  const admin = new pg.Client({ connectionString: asAdmin(url) });
  await admin.connect();
  atEnd(() => admin.end());
  const query = async <Row extends pg.QueryResultRow>(text: string) => (await admin.query<Row>(text)).rows;
  await fillBooks({ query }, { attempts, months });
  // One that was abandoned: it ended in the month, and was created long before.
  await admin.query(`
    insert into transactions (id, state, created_at, expires_at, fetched_at, fence)
      values ('long', 'started', '2026-05-01Z', '2026-10-31T23:30Z', '2026-05-01Z', 1);
    insert into tasks (transaction_id, task_type, state, scan_list_missing, own_attempts, own_invoiced)
      values ('long', 'document_scan', 'started', false, 1, 1);
    insert into attempts (transaction_id, task_type, ordinal, attempted_at, time_basis, evidence, invoiced, reason, rule_table_version)
      values ('long', 'document_scan', 1, '2026-05-01Z', 'scan_created', 'scan_list', true, 'success_invoiced', 'id-scan-1');
    analyze`);
  db = openDatabase(url);
  atEnd(db.close);
}, 240_000);

/** A usage statement of the month that charges its attempts, but for one in fifty. @returns its ID. */
async function keepStatement({ client }: Snapshot): Promise<string> {
  const { rows } = await client.query<{ id: string }>(
    `insert into vendor_usage_statements (period, file_sha256, name, kept_by)
     values ($1, repeat('a', 64), 'usage.csv', 'a test') returning id`,
    [period],
  );
  const id = rows[0]!.id;
  await client.query(
    `insert into vendor_usage_rows (statement_id, position, transaction_id, task_type, attempt, attempted_at, quantity)
     select $1, row_number() over (), transaction_id, task_type, ordinal, attempted_at, 1 from attempts
     where invoiced and attempted_at >= $2 and attempted_at < $3 and extract(minute from attempted_at)::int % 50 <> 0`,
    [id, span.start, span.end],
  );
  return id;
}

test.each([
  ['alone', false],
  ['with a usage statement', true],
])('what an invoice is explained by, %s, is looked up in one month among many', async (_, hasStatement) => {
  const { rows, read } = await withDedicatedClient(db, (connection) =>
    inBooking(
      connection,
      async (snapshot) => {
        const statement = hasStatement ? await keepStatement(snapshot) : null;
        const scope = { period, span, marks, isClosed: false, basis: 'restated', timeZone: 'UTC', statement } as const;
        const readSoFar = async () => {
          const { rows: tables } = await snapshot.client.query<{
            name: string;
            sequentially: number;
            looked_up: number;
          }>(`
          select relname as name, coalesce(seq_tup_read, 0)::int as sequentially, coalesce(idx_tup_fetch, 0)::int as looked_up
          from pg_stat_xact_user_tables where relname in ('attempts', 'tasks', 'transactions') order by relname`);
          return tables;
        };
        const before = new Map((await readSoFar()).map((one) => [one.name, one]));
        if (statement !== null) await matchUsage(snapshot, { ...scope, statement });
        const cube = await cubeRows(snapshot, scope);
        const tables = (await readSoFar()).map(({ name, sequentially, looked_up: lookedUp }) => ({
          name,
          sequentially: sequentially - (before.get(name)?.sequentially ?? 0),
          lookedUp: lookedUp - (before.get(name)?.looked_up ?? 0),
        }));
        return { rows: cube, read: tables };
      },
      { isDryRun: true },
    ),
  );
  const count = rows.reduce((sum, row) => sum + row.count, 0);
  expect(count).toBeGreaterThan(attempts / months - 200);
  expect(rows.find(({ abandoned }) => abandoned)).toMatchObject({ count: 1, slots: { attempt: 0 } });
  expect(read.map(({ name, sequentially }) => ({ name, sequentially }))).toEqual(
    ['attempts', 'tasks', 'transactions'].map((name) => ({ name, sequentially: 0 })),
  );
  for (const { name, lookedUp } of read) expect(lookedUp, name).toBeLessThan(count * 10);
});
