import { sql } from 'kysely';
import { expect, test, vi } from 'vitest';
import { type Database, openDatabase, plannedRows, type Queries } from '../../src/db/database.ts';
import { recordFiles } from '../../src/db/files.ts';
import { recordIntake } from '../../src/db/intake.ts';
import { startObligations } from '../../src/db/obligations.ts';
import { recordFetched } from '../../src/db/record-fetched.ts';
import { asOwner, atEnd, createTestDatabase } from '../support/books.ts';
import { facts, fetchedAfter, fetchedOf, register } from '../support/facts.ts';
import { asRole } from '../support/roles.ts';

/** A pool of one connection, so that what it keeps can be looked at. */
async function openOne(): Promise<Database & { readonly analyze: () => Promise<unknown> }> {
  const url = await createTestDatabase();
  const db = openDatabase(url, { maxConnections: 1 });
  atEnd(db.close);
  return { ...db, analyze: () => asRole(asOwner(url), 'analyze') };
}

const start = ({ kysely }: Database, transactionId: string) =>
  startObligations(kysely, [{ transactionId, kinds: ['result'], generation: 1, maxUnfinished: null }], 10_000);

async function registerMany({ kysely }: Database, count: number): Promise<void> {
  const wishes = Array.from({ length: count }, (_, index) => ({ transactionId: `many-${index}`, resultId: null }));
  for (let from = 0; from < count; from += 5_000)
    await recordIntake(kysely, wishes.slice(from, from + 5_000), 'file', 0);
}

async function keptPlanOfStart({ kysely }: Database): Promise<string> {
  const { rows } = await sql<{ 'QUERY PLAN': string }>`
    explain execute start_obligations_1 (1000, 1000, '{x}', '{result}', '{1}', '{null}', '{0}')`.execute(kysely);
  return rows.map((row) => row['QUERY PLAN']).join('\n');
}

/** How often all of `transactions` is read for `work`, by Postgres' checks of references, too. */
async function readsOfAllTransactions(db: Database, work: (db: Queries) => Promise<unknown>): Promise<number> {
  return db.kysely.transaction().execute(async (transaction) => {
    const soFar = async () => {
      const { rows } = await sql<{ reads: number }>`
        select seq_scan::int as reads from pg_stat_xact_user_tables where relname = 'transactions'`.execute(
        transaction,
      );
      return rows[0]!.reads;
    };
    const before = await soFar();
    await work(transaction);
    return (await soFar()) - before;
  });
}

const unknown = { fence: '0', revision: '0', transaction: null };

/** Makes Postgres look whether the file's transaction is there. */
const insertFile = (position: number) => (db: Queries) =>
  sql`
    insert into files (transaction_id, kind, origin, position, state, error_code)
    values ('first', 'document', 'result', ${position}, 'gone', 'vendor_gone')`.execute(db);

test('what is written again and again is planned once', async () => {
  const db = await openOne();
  await registerMany(db, 2_000);
  await db.analyze();
  for (let round = 0; round < 30; round += 1) {
    const id = `many-${round}`;
    const [started] = await start(db, id);
    const { fence = '', known = unknown } = started?.get('result') ?? {};
    await recordFetched(db.kysely, [fetchedAfter(known, fetchedOf(facts(id), { fence, end: { end: 'done' } }))], 0);
    await recordFiles(db.kysely, [{ transactionId: id, kind: 'documents', fence, files: [], isDone: true }]);
  }
  const { rows } = await sql<{ name: string; custom: number; generic: number }>`
    select name, custom_plans::int as custom, generic_plans::int as generic from pg_prepared_statements
    where name like '%\\_1' order by name`.execute(db.kysely);
  // Postgres tries with the values at hand five times, to see whether that is worth it.
  expect(rows).toEqual([
    { name: 'record_files_1', custom: 5, generic: 25 },
    { name: 'record_fetched_1', custom: 5, generic: 25 },
    { name: 'start_obligations_1', custom: 5, generic: 25 },
  ]);
});

// Again where another file made tables meanwhile, in a database beside this one: Postgres then forgets plans here, too.
test('a plan made while there was next to nothing is not kept for long', { retry: 3 }, async () => {
  const db = await openOne();
  // Plans age by this clock alone, however long the rest takes.
  const madeAtMs = performance.now();
  const clock = vi.spyOn(performance, 'now').mockReturnValue(madeAtMs);
  try {
    await register(db, 'first');
    await db.analyze();
    for (let round = 0; round < 10; round += 1) {
      await start(db, 'first');
      await insertFile(round)(db.kysely);
    }
    // In one statement: whoever makes tables beside it, in another database, has plans made anew here as well.
    await registerMany(db, 5_000);
    const stale = /Seq Scan on (?:obligations|transactions)/;
    expect(await keptPlanOfStart(db)).toMatch(stale);
    expect(await readsOfAllTransactions(db, insertFile(10))).toBe(1);
    clock.mockReturnValue(madeAtMs + 6_000);
    await start(db, 'first');
    expect(await keptPlanOfStart(db)).not.toMatch(stale);
    expect(await readsOfAllTransactions(db, insertFile(11))).toBe(0);
  } finally {
    vi.restoreAllMocks();
  }
});

test('plans are not thrown away within a transaction, and one that failed leaves the connection fit for the next', async () => {
  const db = await openOne();
  await register(db, 'first');
  const now = performance.now.bind(performance);
  let laterMs = 0;
  vi.spyOn(performance, 'now').mockImplementation(() => now() + laterMs);
  try {
    const failing = db.kysely.transaction().execute(async (transaction) => {
      try {
        await sql`select 1 / 0`.execute(transaction);
      } finally {
        laterMs = 6_000;
      }
    });
    await expect(failing).rejects.toMatchObject({ code: '22012' });
    expect((await start(db, 'first'))[0]?.get('result')).toMatchObject({ fence: '1' });
  } finally {
    vi.restoreAllMocks();
  }
});

test('a statement is planned for the next power of ten', () => {
  expect([0, 1, 2, 10, 11, 100, 101].map(plannedRows)).toEqual([1, 1, 10, 10, 100, 100, 1_000]);
});
