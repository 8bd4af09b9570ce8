import { sql } from 'kysely';
import type { ErrorCode } from '../errors.ts';
import { executePrepared, plannedRows, type Queries } from './database.ts';
import { type Known, type KnownJson, knownJson, knownOf } from './known-transactions.ts';
import type { ObligationKind } from './schema.ts';

/** What a job needs to know to begin: read and counted in one statement. */
export type Started = {
  /**
   * Grows with every start and every new generation, and is never reset: what a later one wrote, an earlier one cannot
   * overwrite, and work asked for anew meanwhile is not ended by the old.
   */
  readonly fence: string;
  readonly resultId: string | null;
  /** Whether the result of that ID was fetched before. */
  readonly wasResultFetched: boolean;
  /** What there was to fetch when the obligation became due; of the result {@link onDemand} or `null`. */
  readonly basis: string | null;
  readonly attemptsMade: number;
  readonly starts: number;
  /** What earlier answers said, for a fetch of the result; of the other kinds nothing is known here. */
  readonly known: Known;
};

/** Whether an obligation was never begun before, so that nothing can have been stored for it. */
export const isFirstStart = ({ fence }: Started): boolean => fence === '1';

/** The basis of a fetch that somebody asked for: whatever was fetched before is fetched once more. */
export const onDemand = 'on_demand';

export type ObligationKey = { readonly transactionId: string; readonly kind: ObligationKind };
export type Wake = ObligationKey & { readonly generation: number };

/**
 * Due, for statements that name obligations by their keys. Said as `= 'due'`, Postgres may take the index of all that is
 * due, and go through the whole backlog for each batch.
 */
export const isDue = sql`o.state not in ('done', 'failed', 'withdrawn')`;

/** What a start that came to its end leaves of those before it. */
export const withoutFailures = sql`
  starts = 0, attempts_made = 0, last_error_code = null, last_error_at = null, updated_at = now()`;

const ms = (duration: number) => sql`${duration} * interval '1 millisecond'`;

/** A wish to begin what is due of a transaction. */
export type StartRequest = {
  readonly transactionId: string;
  readonly kinds: readonly ObligationKind[];
  readonly generation: number;
  /** What has more starts that never ended is not begun; `null` = whatever their number. */
  readonly maxUnfinished: number | null;
};

/**
 * Begins work on obligations that are due and of the given generation. Counts each start, so that a job that kills its
 * worker is noticed.
 *
 * @param requests of different transactions.
 * @param leaseMs how long the sweep shall leave them alone; at least half of it, where they are on lease already, since a
 * row whose indexed columns stay as they are costs half as much.
 * @returns what was begun for each request, in their order.
 */
export async function startObligations(
  db: Queries,
  requests: readonly StartRequest[],
  leaseMs: number,
): Promise<ReadonlyMap<ObligationKind, Started>[]> {
  const wanted = requests.flatMap(({ kinds, ...request }, place) => kinds.map((kind) => ({ ...request, kind, place })));
  const planned = plannedRows(wanted.length);
  const statement = sql<{
    place: number;
    kind: ObligationKind;
    fence: string;
    result_id: string | null;
    result_fetched: boolean;
    basis: string | null;
    attempts_made: number;
    starts: number;
    transaction_fence: string;
    revision: string;
    known: KnownJson;
  }>`
    update obligations o
    set fence = o.fence + 1, starts = o.starts + 1, updated_at = now(),
        sweep_at = case when o.sweep_at < now() + ${ms(leaseMs)} / 2 then now() + ${ms(leaseMs)} else o.sweep_at end
    from transactions t, (
      select * from unnest(${wanted.map(({ transactionId }) => transactionId)}::text[], ${wanted.map(({ kind }) => kind)}::text[],
        ${wanted.map(({ generation }) => generation)}::integer[], ${wanted.map(({ maxUnfinished }) => maxUnfinished)}::integer[],
        ${wanted.map(({ place }) => place)}::integer[])
        as one (transaction_id, kind, generation, max_unfinished, place) limit ${sql.lit(planned)}
    ) wanted
    where o.transaction_id = wanted.transaction_id and o.kind = wanted.kind and o.generation = wanted.generation
      and ${isDue} and o.due_at <= now() and (wanted.max_unfinished is null or o.starts <= wanted.max_unfinished)
      and t.id = o.transaction_id
    returning wanted.place, o.kind, o.fence, t.result_id, t.result_fetched_at is not null as result_fetched, o.basis, o.attempts_made, o.starts, t.fence as transaction_fence, t.revision,
      case when o.kind = 'result' then ${knownJson} end as known`;
  const { rows } = await executePrepared(db, `start_obligations_${planned}`, statement);
  const started = requests.map(() => new Map<ObligationKind, Started>());
  for (const { place, kind, fence, basis, starts, ...row } of rows)
    started[place]?.set(kind, {
      fence,
      basis,
      starts,
      resultId: row.result_id,
      wasResultFetched: row.result_fetched,
      attemptsMade: row.attempts_made,
      known: knownOf({ fence: row.transaction_fence, revision: row.revision }, row.known),
    });
  return started;
}

/** Which of the kinds are due with more starts that never ended. */
export async function withUnfinishedStarts(
  db: Queries,
  { transactionId, kinds, generation }: Omit<StartRequest, 'maxUnfinished'>,
  moreThan: number,
): Promise<ObligationKind[]> {
  const { rows } = await sql<{ kind: ObligationKind }>`
    select kind from obligations o
    where transaction_id = ${transactionId} and kind = any(${kinds}::text[]) and generation = ${generation} and ${isDue}
      and starts > ${moreThan}
    order by kind`.execute(db);
  return rows.map(({ kind }) => kind);
}

/** How work on an obligation ended: nothing is left to do, or there will be at a later time. */
export type ObligationEnd = { readonly end: 'done' } | { readonly end: 'postponed'; readonly dueAt: Date };

/**
 * Notes that an attempt at the work failed.
 *
 * @param input.counts whether the attempt is used up (a 429 is not the job's fault).
 * @param input.final no retry, whatever is left.
 * @param input.sweepAfterMs when the sweep looks for it, should the queue have lost the retry.
 * @returns the state it is in now; `undefined` where a later start has taken over.
 */
export async function failObligation(
  db: Queries,
  key: ObligationKey,
  fence: string,
  input: { code: ErrorCode; counts: boolean; final: boolean; maxAttempts: number; sweepAfterMs: number },
): Promise<'due' | 'failed' | undefined> {
  const made = sql`attempts_made + ${input.counts ? 1 : 0}`;
  const isOver = sql<boolean>`(${input.final} or ${made} >= ${input.maxAttempts})`;
  const { rows } = await sql<{ state: 'due' | 'failed' }>`
    update obligations o
    set state = case when ${isOver} then 'failed' else 'due' end,
        sweep_at = case when ${isOver} then null else now() + ${ms(input.sweepAfterMs)} end,
        attempts_made = ${made}, starts = 0, last_error_code = ${input.code}, last_error_at = now(), updated_at = now()
    where transaction_id = ${key.transactionId} and kind = ${key.kind} and ${isDue} and fence = ${fence}
    returning state`.execute(db);
  return rows[0]?.state;
}

/** Forgets starts whose ends could not be noted because Postgres was away: their worker did not die of them. */
export async function forgiveStarts(db: Queries, keys: readonly ObligationKey[]): Promise<void> {
  await sql`
    update obligations o set starts = 0
    from unnest(${keys.map(({ transactionId }) => transactionId)}::text[], ${keys.map(({ kind }) => kind)}::text[])
      as ended (transaction_id, kind)
    where o.transaction_id = ended.transaction_id and o.kind = ended.kind`.execute(db);
}

/**
 * Whether a sweep would find anything: obligations of these kinds, or reports, that are due and that no queue is known to
 * hold. The one question of a worker at rest.
 */
export async function isAnyOverdue(
  db: Queries,
  kinds: readonly ObligationKind[],
): Promise<{ obligations: boolean; reports: boolean }> {
  const { rows } = await sql<{ obligations: boolean; reports: boolean }>`
    select exists (select from obligations where state = 'due' and sweep_at <= now() and kind = any(${kinds}::text[])) as obligations,
      exists (select from report_runs where sweep_at <= now()) as reports`.execute(db);
  return rows[0] ?? { obligations: true, reports: true };
}

/** For so long what was enqueued may still be on its way to Redis. */
const enqueuingMs = 2_000;

/**
 * The kinds of which more is due than their queues hold jobs: some of it is missing there.
 *
 * @param leaseMs how long what is enqueued is left alone.
 */
export async function kindsMissing(
  db: Queries,
  queues: readonly { readonly kind: ObligationKind; readonly jobs: number }[],
  leaseMs: number,
): Promise<ObligationKind[]> {
  const { rows } = await sql<{ kind: ObligationKind }>`
    select kind from unnest(${queues.map(({ kind }) => kind)}::text[], ${queues.map(({ jobs }) => jobs)}::integer[]) as queue (kind, jobs)
    where jobs < (
      select count(*) from (
        select from obligations o
        where o.state = 'due' and o.kind = queue.kind and o.due_at <= now() and o.sweep_at <= now() + ${ms(leaseMs - enqueuingMs)}
        limit queue.jobs + 1
      ) due)`.execute(db);
  return rows.map(({ kind }) => kind);
}

/**
 * Takes due obligations that no queue is known to hold, oldest first, and leases them to the caller, who enqueues them.
 * Several sweeps at once take different ones.
 *
 * @param overdueMs takes only those whose lease ended so long ago, and those that were on none since they became due.
 */
export async function claimDue(
  db: Queries,
  kinds: readonly ObligationKind[],
  { limit, leaseMs, overdueMs = 0 }: { limit: number; leaseMs: number; overdueMs?: number },
): Promise<Wake[]> {
  const { rows } = await sql<{ transaction_id: string; kind: ObligationKind; generation: number }>`
    update obligations o set sweep_at = now() + ${ms(leaseMs)}
    from (
      select transaction_id, kind from obligations
      where state = 'due' and sweep_at <= now() and (sweep_at <= now() - ${ms(overdueMs)} or sweep_at <= due_at)
        and kind = any(${kinds}::text[])
      order by sweep_at limit ${limit} for update skip locked
    ) picked
    where o.transaction_id = picked.transaction_id and o.kind = picked.kind
    returning o.transaction_id, o.kind, o.generation`.execute(db);
  return rows.map((row) => ({ transactionId: row.transaction_id, kind: row.kind, generation: row.generation }));
}

/** How many obligations are due now, and when the next one will be. */
export async function pendingWork(
  db: Queries,
  kinds: readonly ObligationKind[],
): Promise<{ dueNow: number; nextDueAt: Date | null }> {
  const { rows } = await sql<{ due_now: string; next_due_at: Date | null }>`
    select count(*) filter (where due_at <= now()) as due_now, min(due_at) filter (where due_at > now()) as next_due_at
    from obligations where state = 'due' and kind = any(${kinds}::text[])`.execute(db);
  return { dueNow: Number(rows[0]?.due_now ?? 0), nextDueAt: rows[0]?.next_due_at ?? null };
}
