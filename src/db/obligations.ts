import { sql } from 'kysely';
import type { ErrorCode } from '../errors.ts';
import { executePrepared, plannedRows, type Queries } from './database.ts';
import { type Known, type KnownJson, knownJson, knownOf } from './known-transactions.ts';
import type { ObligationKind } from './schema.ts';

/** What a job needs in order to begin, read by the statement that records its start. */
export type Started = {
  /**
   * Grows with every start and every new generation and is never reset. So an earlier start cannot overwrite what a
   * later one wrote, and cannot end work that has been requested again.
   */
  readonly fence: string;
  readonly resultId: string | null;
  /** Whether the result with this ID has been fetched before. */
  readonly wasResultFetched: boolean;
  /** The offer for which the obligation became due; for a result {@link onDemand} or `null`. */
  readonly basis: string | null;
  readonly attemptsMade: number;
  readonly starts: number;
  /** What earlier answers said. Only read for a result; empty for other kinds. */
  readonly known: Known;
};

/** Whether this is the first start ever, so that nothing can have been stored yet. */
export const isFirstStart = ({ fence }: Started): boolean => fence === '1';

/** Stands in the column `basis` of a requested result: fetch it even if it has been fetched before. */
export const onDemand = 'on_demand';

export type ObligationKey = { readonly transactionId: string; readonly kind: ObligationKind };
export type Wake = ObligationKey & { readonly generation: number };

/**
 * The condition for "due" in statements that select obligations by their keys. With `= 'due'`, Postgres may choose the
 * index of due obligations and read the whole backlog for every batch.
 */
export const isDue = sql`o.state not in ('done', 'failed', 'withdrawn')`;

/** What an orderly end resets. */
export const withoutFailures = sql`
  starts = 0, attempts_made = 0, last_error_code = null, last_error_at = null, updated_at = now()`;

const ms = (duration: number) => sql`${duration} * interval '1 millisecond'`;

/** A request to begin a transaction's due obligations. */
export type StartRequest = {
  readonly transactionId: string;
  readonly kinds: readonly ObligationKind[];
  readonly generation: number;
  /** Obligations with more unfinished starts than this are not begun; `null` = no limit. */
  readonly maxUnfinished: number | null;
};

/**
 * Begins work on due obligations of the given generation. Counts each start, so that a job that kills its worker is
 * noticed.
 *
 * @param requests each for a different transaction.
 * @param leaseMs how long the sweep shall leave the obligations alone. An existing lease is only renewed if less than
 *   half of this is left, because an update that leaves indexed columns unchanged costs half as much.
 * @returns what was begun for each request, in the order of `requests`.
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

/** The kinds that are due and have more unfinished starts than `moreThan`. */
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

/** How work on an obligation ended: it is done, or it is due again at a later time. */
export type ObligationEnd = { readonly end: 'done' } | { readonly end: 'postponed'; readonly dueAt: Date };

/**
 * Records that an attempt at an obligation failed.
 *
 * @param input.counts whether it uses up one of the attempts. A 429, for example, is not the job's fault.
 * @param input.final never retry, whatever attempts are left.
 * @param input.sweepAfterMs when the sweep enqueues it, in case the queue has lost the retry.
 * @returns the new state; `undefined` = a later start has taken over.
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

/** Resets starts whose ends could not be recorded because Postgres was away. Their worker did not die of them. */
export async function forgiveStarts(db: Queries, keys: readonly ObligationKey[]): Promise<void> {
  await sql`
    update obligations o set starts = 0
    from unnest(${keys.map(({ transactionId }) => transactionId)}::text[], ${keys.map(({ kind }) => kind)}::text[])
      as ended (transaction_id, kind)
    where o.transaction_id = ended.transaction_id and o.kind = ended.kind`.execute(db);
}

/**
 * Whether a sweep would find anything: obligations of these kinds, or reports, that are due and whose lease has ended.
 * An idle worker asks nothing else.
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

/** What was enqueued this recently may still be on its way to Redis. */
const enqueuingMs = 2_000;

/**
 * The kinds with more due obligations than jobs in their queue: some jobs are missing.
 *
 * @param leaseMs the lease of what is enqueued.
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
 * Takes due obligations whose lease has ended, oldest first, and leases them to the caller, who enqueues them.
 * Concurrent sweeps take different ones.
 *
 * @param overdueMs takes only those whose lease ended at least this long ago or that were not leased since they became
 *   due.
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
