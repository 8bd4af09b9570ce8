import { sql } from 'kysely';
import { knownTransaction } from '../../src/db/known-transactions.ts';
import type { TransactionFacts } from '../../src/domain/facts.ts';
import { fetchResult } from '../../src/jobs/fetch/fetch-result.ts';
import { openWrites } from '../../src/jobs/queue/writes.ts';
import { atEnd, createTestContext, type TestContext, waitFor } from '../support/books.ts';
import { register } from '../support/facts.ts';
import { at, factsAt, type Look, type Truth } from './support-histories.ts';

/** One answer and the start of a job that it answers: what a job writes to the books, whenever it gets to it. */
export type Delivery = { readonly look: Look; readonly fence: number; readonly atS: number };

/** The books of one transaction, line by line, without clock times, fences and its ID. */
export type Books = readonly string[];

let context: Promise<TestContext> | undefined;
let transactions = 0;

/** One for a test file: it is closed at its end, and the next file has its own. */
const observed = (): Promise<TestContext> => (context ??= openContext());

function openContext(): Promise<TestContext> {
  atEnd(() => Promise.resolve((context = undefined)));
  return createTestContext();
}

/** A transaction that nobody has looked at yet. */
export async function newTransaction(): Promise<string> {
  const id = `tx-${(transactions += 1)}`;
  await register((await observed()).db, id);
  return id;
}

/** The job itself, with a vendor that gives this answer. */
async function deliver(id: string, truth: Truth, { look, fence, atS }: Delivery): Promise<void> {
  await store(factsAt(truth, id, look), {
    fence,
    atS,
    hasResult: truth.hasResult && truth.completedAtS !== null && truth.completedAtS <= atS,
  });
}

export async function store(
  facts: TransactionFacts,
  { fence, atS, hasResult }: { fence: number; atS: number; hasResult: boolean },
): Promise<void> {
  const base = await observed();
  const queues = { ...base.queues, wake: () => Promise.resolve(), wakeForNew: () => Promise.resolve() };
  const answering: TestContext = {
    ...base,
    now: () => at(atS),
    queues,
    // As in a process of its own: two of one process would wait for each other.
    writes: openWrites(base.db.kysely, queues),
    vendor: {
      ...base.vendor,
      getTransaction: () => Promise.resolve(facts),
      getResult: () => Promise.resolve({ tasks: [] }),
    },
  };
  const known = await knownTransaction(base.db.kysely, facts.transactionId);
  const started = {
    fence: String(fence),
    resultId: hasResult ? 'r' : null,
    wasResultFetched: false,
    basis: null,
    attemptsMade: 0,
    starts: 1,
    known,
  };
  await fetchResult(answering, facts.transactionId, started);
}

/** Everything that the books hold of a transaction. */
export async function booksOf(id: string): Promise<Books> {
  const { rows } = await sql<{ line: string }>`
    select 'transaction ' || (to_jsonb(t) - '{id,fence,answer_fence,revision,fetched_at,result_fetched_at,registered_at,recorded_at}'::text[])::text as line
      from transactions t where id = ${id}
    union all select 'task ' || (to_jsonb(k) - '{transaction_id,answer_fence,list_fence,attempt_fences,recorded_at}'::text[])::text from tasks k where transaction_id = ${id}
    union all select 'attempt ' || (to_jsonb(a) - '{transaction_id,first_seen_at,recorded_at}'::text[])::text
      from attempts a where transaction_id = ${id}
    union all select 'obligation ' || jsonb_build_array(kind, state, basis, generation)::text
      from obligations where transaction_id = ${id}
    order by 1`.execute((await observed()).db.kysely);
  return rows.map(({ line }) => line);
}

export const observedAttempts = async (id: string) =>
  (await observed()).db.kysely
    .selectFrom('attempts')
    .select(['task_type', 'attempted_at', 'code', 'invoiced'])
    .where('transaction_id', '=', id)
    .execute();

/** The books after these deliveries to a new transaction. */
export async function booksAfter(truth: Truth, deliveries: readonly Delivery[]): Promise<Books> {
  const id = await newTransaction();
  for (const delivery of deliveries) await deliver(id, truth, delivery);
  return booksOf(id);
}

/** What the books say about the transaction, without what remains to be done, and whether a list was missing once. */
export const factsOf = (books: Books): Books =>
  books
    .filter((line) => !line.startsWith('obligation '))
    .map((line) => line.replace(/ "scan_list_missing": (true|false),/, ''));

/** Scans that were listed and decided, without their ordinals: they are given in the order in which scans become known. */
export const decidedScans = (books: Books): Books =>
  books
    .filter((line) => line.startsWith('attempt ') && line.includes('"scan_list"') && !line.includes('"processing"'))
    .map((line) => line.replace(/ "ordinal": \d+,/, ''));

/** The books after deliveries that are all under way at the same time. */
export async function booksAfterAtOnce(truth: Truth, deliveries: readonly Delivery[]): Promise<Books> {
  const id = await newTransaction();
  await Promise.all(deliveries.map((delivery) => deliver(id, truth, delivery)));
  return booksOf(id);
}

/** Holds a transaction's row, so that writes to it queue up, until it is let go. */
export async function holdTransaction(id: string) {
  const { db } = await observed();
  const { client, end } = await db.connect();
  await client.query('begin');
  await client.query('select from transactions where id = $1 for update', [id]);
  return {
    /** Resolves when this many statements wait. */
    waiting: (count: number) =>
      waitFor(`${count} waiting statements`, async () => {
        const { rows } = await sql<{ count: number }>`
          select count(*)::int as count from pg_stat_activity
          where datname = current_database() and wait_event_type = 'Lock'`.execute(db.kysely);
        return rows[0]?.count === count;
      }),
    letGo: end,
  };
}

/**
 * With what became due, but not how often nor for which offer: a job of its own fetches what is on offer by then, so
 * an answer from a stale copy may wake it once more.
 */
export const withoutOffers = (books: Books): Books =>
  books.map((line) => (line.startsWith('obligation ') ? line.replace(/, [^,]*, \d+\]$/, ']') : line));
