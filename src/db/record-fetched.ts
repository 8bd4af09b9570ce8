import { sql } from 'kysely';
import {
  type AttemptChanges,
  attemptChanges,
  type KnownTransaction,
  nothingKnown,
} from '../domain/known-transaction.ts';
import { executePrepared, plannedRows, type Queries } from './database.ts';
import type { Known } from './known-transactions.ts';
import { isDue, type ObligationEnd, type Wake, withoutFailures } from './obligations.ts';
import { recordset } from './recordset.ts';
import type { ObligationKind } from './schema.ts';

/** Everything that one fetch established about a transaction. */
export type FetchedTransaction = {
  readonly transactionId: string;
  /** What was known before; `merged` was computed from it. */
  readonly known: Known;
  /** What is known now. */
  readonly merged: KnownTransaction;
  readonly isSettled: boolean;
  readonly fetchedAt: Date;
  readonly fence: string;
  /** Whether the result itself was fetched as well. */
  readonly resultFetched: boolean;
  /** The files to fetch, as a name that is the same for the same offer; `null` = none or not wanted. */
  readonly documentsOffer: string | null;
  readonly auditReportOffer: string | null;
  /** How the result's obligation ends; `null` = it does not, because part of the fetch failed. */
  readonly end: ObligationEnd | null;
};

const transactions = recordset({
  id: 'text',
  state: 'text',
  created_at: 'timestamptz',
  expires_at: 'timestamptz',
  completed_at: 'timestamptz',
  fetched_at: 'timestamptz',
  result_fetched: 'boolean',
  settled: 'boolean',
  fence: 'bigint',
  answer_fence: 'bigint',
  seen_revision: 'bigint',
  is_ended: 'boolean',
  next_at: 'timestamptz',
});

const tasks = recordset({
  transaction_id: 'text',
  task_type: 'text',
  state: 'text',
  level: 'text',
  vendor_attempts: 'integer',
  vendor_attempts_invoiced: 'integer',
  scan_list_missing: 'boolean',
  listed_twice: 'integer',
  answer_fence: 'bigint',
  list_fence: 'bigint',
  attempt_fences: 'bigint[]',
  // Only for a new task. For others a trigger counts them.
  own_attempts: 'integer',
  own_invoiced: 'integer',
});

const attempts = recordset({
  transaction_id: 'text',
  task_type: 'text',
  ordinal: 'integer',
  attempted_at: 'timestamptz',
  former_times: 'timestamptz[]',
  time_basis: 'text',
  evidence: 'text',
  code: 'text',
  linked: 'boolean',
  capture_source: 'text',
  invoiced: 'boolean',
  reason: 'text',
  rule_table_version: 'text',
});

const removals = recordset({ transaction_id: 'text', task_type: 'text', ordinal: 'integer' });

const offers = recordset({ transaction_id: 'text', kind: 'text', basis: 'text' });

/**
 * Stores what fetches established, in one statement and so in one transaction. Writes what the domain decided,
 * unchanged, but only if nothing was stored since `known` was read. Otherwise the caller merges and stores again.
 * - Documents and audit report become due if there is something new to fetch.
 * - The result's obligation ends, unless a later start has taken over.
 *
 * @param fetched each for a different transaction.
 * @returns for each, in the order of `fetched`, what became due; `undefined` = another answer was stored since `known`
 *   was read, and nothing was written.
 */
export async function recordFetched(
  db: Queries,
  fetched: readonly FetchedTransaction[],
  leaseMs: number,
): Promise<(Wake[] | undefined)[]> {
  const changes = fetched.map(changesOf);
  const planned = plannedRows(fetched.length);
  const statement = sql<Recorded>`
    with fetched as materialized (
      select j.*
      -- The limit tells Postgres how many rows there are. It would plan for a hundred and might read all transactions.
      from (select * from ${transactions.of(fetched.map(transactionRow))} limit ${sql.lit(planned)}) j
    ), listed as materialized (
      select * from ${tasks.of(fetched.flatMap(taskRows))}
    ), tx as (
      update transactions t set
        state = f.state, created_at = f.created_at, expires_at = f.expires_at, completed_at = f.completed_at,
        fetched_at = case when t.fence > f.fence then t.fetched_at else f.fetched_at end,
        result_fetched_at = case when f.result_fetched then f.fetched_at else t.result_fetched_at end,
        settled = t.settled or f.settled, fence = greatest(t.fence, f.fence), answer_fence = f.answer_fence, revision = t.revision + 1
      from fetched f
      where t.id = f.id and t.revision = f.seen_revision
      returning t.id, f.fence, f.is_ended, f.next_at
    ), task as (
      insert into tasks (${tasks.names})
      select ${tasks.values} from tx join listed j on j.transaction_id = tx.id
      on conflict (transaction_id, task_type) do update set
        ${tasks.replaced('transaction_id', 'task_type', 'own_attempts', 'own_invoiced')}
      returning transaction_id, task_type
    ), stand_in as (
      delete from attempts a
      using task join ${removals.of(changes.flatMap(removedRows))} using (transaction_id, task_type)
      where a.transaction_id = j.transaction_id and a.task_type = j.task_type and a.ordinal = j.ordinal
    ), attempt as (
      insert into attempts (${attempts.names})
      select ${attempts.values} from task join ${attempts.of(changes.flatMap(attemptRows))} using (transaction_id, task_type)
      on conflict (transaction_id, task_type, ordinal) do update set
        ${attempts.replaced('transaction_id', 'task_type', 'ordinal')}
    ), due as (
      insert into obligations as o (transaction_id, kind, basis, sweep_at)
      select tx.id, j.kind, j.basis, now() + ${leaseMs} * interval '1 millisecond'
      from tx join ${offers.of(fetched.flatMap(offerRows))} on j.transaction_id = tx.id
      on conflict (transaction_id, kind) do update set basis = excluded.basis, state = 'due', due_at = now(),
        sweep_at = excluded.sweep_at, generation = o.generation + 1, fence = o.fence + 1, starts = 0, attempts_made = 0, updated_at = now()
      where o.basis is distinct from excluded.basis
      returning transaction_id, kind, generation
    ), ended as (
      update obligations o set state = case when tx.next_at is null then 'done' else 'due' end,
        due_at = coalesce(tx.next_at, o.due_at), sweep_at = tx.next_at, basis = null, ${withoutFailures}
      from tx
      where tx.is_ended and o.transaction_id = tx.id and o.kind = 'result' and ${isDue} and o.fence = tx.fence
    )
    select fetched.id, tx.id is null as is_beaten, due.kind, due.generation
    from fetched left join tx using (id) left join due on due.transaction_id = fetched.id`;
  const { rows } = await executePrepared(db, `record_fetched_${planned}`, statement);
  const byId = Map.groupBy(rows, ({ id }) => id);
  return fetched.map(({ transactionId }) => becameDue(transactionId, byId.get(transactionId) ?? []));
}

type Recorded = { id: string; is_beaten: boolean; kind: ObligationKind | null; generation: number };

function becameDue(transactionId: string, found: readonly Recorded[]): Wake[] | undefined {
  if (found.some(({ is_beaten: isBeaten }) => isBeaten)) return undefined;
  return found.flatMap(({ kind, generation }) => (kind === null ? [] : [{ transactionId, kind, generation }]));
}

function transactionRow({ transactionId, known, merged, end, ...fetched }: FetchedTransaction) {
  return {
    id: transactionId,
    state: merged.state,
    created_at: merged.createdAt,
    expires_at: merged.expiresAt,
    completed_at: merged.completedAt,
    fetched_at: fetched.fetchedAt,
    result_fetched: fetched.resultFetched,
    settled: fetched.isSettled,
    fence: fetched.fence,
    answer_fence: merged.fence,
    seen_revision: known.revision,
    is_ended: end !== null,
    next_at: end?.end === 'postponed' ? end.dueAt : null,
  };
}

function taskRows({ transactionId, merged }: FetchedTransaction) {
  return merged.tasks.map((task) => ({
    transaction_id: transactionId,
    task_type: task.type,
    state: task.state,
    level: task.level,
    vendor_attempts: task.attempts,
    vendor_attempts_invoiced: task.attemptsInvoiced,
    scan_list_missing: task.isListMissing,
    listed_twice: task.listedTwice,
    answer_fence: task.fence,
    list_fence: task.listFence,
    attempt_fences: task.known.every(({ fence }) => fence === task.fence) ? null : task.known.map(({ fence }) => fence),
    own_attempts: task.known.length,
    own_invoiced: task.known.filter(({ invoiced }) => invoiced === true).length,
  }));
}

function offerRows({ transactionId, documentsOffer, auditReportOffer }: FetchedTransaction) {
  return [
    { transaction_id: transactionId, kind: 'audit_report', basis: auditReportOffer },
    { transaction_id: transactionId, kind: 'documents', basis: documentsOffer },
  ].filter(({ basis }) => basis !== null);
}

type Changes = AttemptChanges & { readonly transactionId: string };

const changesOf = ({ transactionId, known, merged }: FetchedTransaction): Changes => ({
  transactionId,
  ...attemptChanges(known.transaction ?? nothingKnown, merged),
});

function attemptRows({ transactionId, upserts }: Changes) {
  return upserts.map((attempt) => ({
    transaction_id: transactionId,
    task_type: attempt.taskType,
    ordinal: attempt.ordinal,
    attempted_at: attempt.attemptedAt,
    former_times: attempt.formerTimes,
    time_basis: attempt.timeBasis,
    evidence: attempt.evidence,
    code: attempt.code,
    linked: attempt.linked,
    capture_source: attempt.captureSource,
    invoiced: attempt.invoiced,
    reason: attempt.reason,
    rule_table_version: attempt.ruleTableVersion,
  }));
}

const removedRows = ({ transactionId, removed }: Changes) =>
  removed.map(({ taskType, ordinal }) => ({ transaction_id: transactionId, task_type: taskType, ordinal }));
