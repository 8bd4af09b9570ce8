import { sql } from 'kysely';
import type { Span } from '../domain/billing-month.ts';
import { type Snapshot, withHashJoins } from './snapshot.ts';
import { instant, literal } from './sql-text.ts';

type NearScope = {
  readonly span: Span;
  /** Attempts near the month are those from the first of them on and before the last one. */
  readonly marks: readonly Date[];
};

/** What the cube asks of a transaction. */
export const ofTransaction = `t.result_id is null as abandoned, t.created_at, coalesce(t.completed_at, t.expires_at) as ended_at,
  coalesce(t.state = 'failed', false) or t.id in (select transaction_id from tasks where state = 'failed') as failed`;

const columns = `a.transaction_id, a.task_type, a.ordinal, k.level, a.code, a.invoiced, a.linked, a.attempted_at,
  k.vendor_attempts_invoiced, k.own_invoiced, ${ofTransaction}`;
const joined = `join tasks k on k.transaction_id = a.transaction_id and k.task_type = a.task_type
  join transactions t on t.id = a.transaction_id`;

const bounds = ({ span, marks }: NearScope): readonly [string, string] => [
  instant(marks[0] ?? span.start),
  instant(marks.at(-1) ?? span.end),
];

/** Whether attempt `a` is near the month by its own time. */
const isNear = (scope: NearScope): string => {
  const [first, last] = bounds(scope);
  return `a.attempted_at >= ${first} and a.attempted_at < ${last}`;
};

/** The attempts of the days around the month, with their tasks and transactions. */
export const attemptsByTime = (scope: NearScope): string =>
  `select ${columns} from attempts a ${joined} where ${isNear(scope)}`;

/** How many there are, without what they are joined with, which all of them have. */
export const countByTime = (scope: NearScope): string => `select count(*) from attempts a where ${isNear(scope)}`;

/**
 * The other attempts that may be in the cube. They are found by when their transactions were created, or ended, where that
 * was long after: each by an index, since the books have all months.
 *
 * @param more queries of further transactions.
 */
export function attemptsByTransaction(scope: NearScope, more: readonly string[] = []): string {
  const [first, last] = bounds(scope);
  const end = 'coalesce(completed_at, expires_at)';
  const created = `created_at >= ${first} - interval '24 hours' and created_at < ${last}`;
  const transactions = [
    `select id from transactions where settled and ${created}`,
    `select id from transactions where not settled and ${created}`,
    `select id from transactions where ${end} - created_at > interval '24 hours' and ${end} >= ${first} and ${end} < ${last}`,
    ...more,
  ];
  return `
    select ${columns} from (${transactions.join(' union ')}) near (id) join attempts a on a.transaction_id = near.id ${joined}
    where not (${isNear(scope)})`;
}

/**
 * Whether few of all transactions are of the month. Then they are looked up: Postgres takes that for dear, since it does not
 * know that those of a month lie together, and would read all months' instead.
 */
export async function isOneOfMany({ queries }: Snapshot, { span }: NearScope): Promise<boolean> {
  const all = `(select reltuples from pg_class where oid = 'transactions'::regclass)`;
  // No more are counted than it takes to know.
  const { rows } = await sql
    .raw(
      `
    select from (
      select from transactions where settled and created_at >= ${instant(span.start)} and created_at < ${instant(span.end)}
      limit greatest(0, ${all}::bigint) / 4 + 1
    ) one
    having 4 * count(*) < ${all}`,
    )
    .execute(queries);
  return rows.length > 0;
}

/** Runs queries that look things up rather than read tables whole. */
export async function lookingUp<T>({ client }: Snapshot, work: () => Promise<T>): Promise<T> {
  await client.query('set local enable_seqscan = off; set local enable_hashjoin = off');
  const result = await work();
  await client.query('set local enable_seqscan = on; set local enable_hashjoin = on');
  return result;
}

/**
 * Makes `cube_near`, which is gone at the end of the transaction: the attempts by their own time, each with the rows of a
 * usage statement that name its number, and, without `ordinal`, the rows that name none of them, with their own time.
 * Both are read once, since they are the most that there is to read. What is taken back names nothing here.
 *
 * @returns how many rows it has.
 */
export async function createNear(
  snapshot: Snapshot,
  scope: NearScope & { readonly statement: string },
): Promise<number> {
  const create = (table: string, query: string) =>
    snapshot.client.query(`create temporary table ${table} on commit drop as ${query}`);
  let near = `(${attemptsByTime(scope)})`;
  if (await isOneOfMany(snapshot, scope)) {
    near = 'cube_found';
    await lookingUp(snapshot, () => create(near, attemptsByTime(scope)));
  }
  const { rowCount } = await withHashJoins(snapshot, () => create('cube_near', withRows(near, scope.statement)));
  // Rows of the same attempt are looked for by this number: none must not pass for a few.
  if (rowCount === null) throw new TypeError('Postgres does not say how many rows cube_near was made with');
  return rowCount;
}

const withRows = (near: string, statement: string): string => `
  select coalesce(a.transaction_id, s.transaction_id) as transaction_id, coalesce(a.task_type, s.task_type) as task_type, a.ordinal,
    a.level, a.code, a.invoiced, a.linked, coalesce(a.attempted_at, s.attempted_at) as attempted_at, a.vendor_attempts_invoiced,
    a.own_invoiced, a.abandoned, a.created_at, a.ended_at, a.failed, s.position, s.attempt, s.quantity as units,
    s.level as stated_level, false as is_elsewhere
  from ${near} a full join (
    select position, transaction_id, task_type, attempt, case when quantity > 0 then attempt end as number, attempted_at, level, quantity
    from vendor_usage_rows where statement_id = ${literal(statement)} and quantity <> 0
  ) s on s.transaction_id = a.transaction_id and s.task_type = a.task_type and s.number = a.ordinal`;
