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
import type { ObligationKind } from './schema.ts';

/** Everything one fetch established about a transaction. */
export type Outcome = {
  readonly transactionId: string;
  /** What was known before, which `merged` rests on. */
  readonly known: Known;
  /** What is known now. */
  readonly merged: KnownTransaction;
  readonly isSettled: boolean;
  readonly fetchedAt: Date;
  readonly fence: string;
  /** Whether the result itself was fetched, too. */
  readonly resultFetched: boolean;
  /** What files there are to fetch, named so that the same offer has the same name; `null` = none or not wanted. */
  readonly documentsBasis: string | null;
  readonly auditReportBasis: string | null;
  /** How the obligation to look ends with it; `null` = not yet: something of the look failed. */
  readonly end: ObligationEnd | null;
};

/** What becomes of a stored transaction `t` by a look at it. What is said of it was merged with what it rests on. */
const replacedTransaction = sql`
  state = look.state, created_at = look.created_at, expires_at = look.expires_at, completed_at = look.completed_at,
  fetched_at = case when t.fence > look.fence then t.fetched_at else look.fetched_at end,
  result_fetched_at = case when look.result_fetched then look.fetched_at else t.result_fetched_at end,
  settled = t.settled or look.settled, fence = greatest(t.fence, look.fence), answer_fence = look.answer_fence, revision = t.revision + 1`;

/** What becomes of a stored task `k`. */
const replacedTask = sql`
  level = excluded.level, state = excluded.state, vendor_attempts = excluded.vendor_attempts,
  vendor_attempts_invoiced = excluded.vendor_attempts_invoiced, scan_list_missing = excluded.scan_list_missing,
  listed_twice = excluded.listed_twice, answer_fence = excluded.answer_fence, list_fence = excluded.list_fence, attempt_fences = excluded.attempt_fences`;

/** What becomes of a stored attempt `a`. */
const replacedAttempt = sql`
  attempted_at = excluded.attempted_at, former_times = excluded.former_times, time_basis = excluded.time_basis, evidence = excluded.evidence,
  code = excluded.code, linked = excluded.linked, capture_source = excluded.capture_source,
  invoiced = excluded.invoiced, reason = excluded.reason, rule_table_version = excluded.rule_table_version`;

/**
 * Stores outcomes in one statement, which is one transaction. What the domain decided is written as it is, and only where
 * nobody has stored anything since it was read: then it is to be merged and stored again.
 * - documents and audit report become due when there is something new to fetch;
 * - the obligation to look ends with it, unless a later start has taken over.
 *
 * @param outcomes of different transactions.
 * @returns for each, in their order, what became due by it; `undefined` where another one was stored between what was read
 * and this write.
 */
export async function recordOutcomes(
  db: Queries,
  outcomes: readonly Outcome[],
  leaseMs: number,
): Promise<(Wake[] | undefined)[]> {
  const looks = JSON.stringify(outcomes.map(lookRow));
  const tasks = JSON.stringify(outcomes.flatMap(taskRows));
  const changes = outcomes.map(changesOf);
  const attempts = JSON.stringify(changes.flatMap(attemptRows));
  const removed = JSON.stringify(changes.flatMap(removedRows));
  const obligations = JSON.stringify(outcomes.flatMap(obligationRows));
  const planned = plannedRows(outcomes.length);
  const statement = sql<LookedAt>`
    with look as materialized (
      select j.*
      -- The limit says how many there are: otherwise Postgres plans for a hundred, and may read all transactions for them.
      from (select * from jsonb_to_recordset(${looks}::jsonb) as j (id text, state text, created_at timestamptz,
        expires_at timestamptz, completed_at timestamptz, fetched_at timestamptz, result_fetched boolean, settled boolean,
        fence bigint, answer_fence bigint, seen_revision bigint, is_ended boolean, next_at timestamptz) limit ${sql.lit(planned)}) j
    ), listed as materialized (
      select * from jsonb_to_recordset(${tasks}::jsonb) as j (transaction_id text, task_type text, state text, level text,
        vendor_attempts integer, vendor_attempts_invoiced integer, scan_list_missing boolean, listed_twice integer, answer_fence bigint,
        list_fence bigint, attempt_fences bigint[], own_attempts integer, own_invoiced integer)
    ), tx as (
      update transactions t set ${replacedTransaction}
      from look
      where t.id = look.id and t.revision = look.seen_revision
      returning t.id, look.fence, look.is_ended, look.next_at
    ), task as (
      insert into tasks as k (transaction_id, task_type, state, level, vendor_attempts, vendor_attempts_invoiced, scan_list_missing,
        listed_twice, answer_fence, list_fence, attempt_fences, own_attempts, own_invoiced)
      select tx.id, j.task_type, j.state, j.level, j.vendor_attempts, j.vendor_attempts_invoiced, j.scan_list_missing,
        j.listed_twice, j.answer_fence, j.list_fence, j.attempt_fences, j.own_attempts, j.own_invoiced
      from tx join listed j on j.transaction_id = tx.id
      on conflict (transaction_id, task_type) do update set ${replacedTask}
      returning transaction_id, task_type
    ), stand_in as (
      delete from attempts a
      using task join jsonb_to_recordset(${removed}::jsonb) as j (transaction_id text, task_type text, ordinal integer)
        using (transaction_id, task_type)
      where a.transaction_id = j.transaction_id and a.task_type = j.task_type and a.ordinal = j.ordinal
    ), attempt as (
      insert into attempts as a (transaction_id, task_type, ordinal, attempted_at, former_times, time_basis, evidence, code, linked,
        capture_source, invoiced, reason, rule_table_version)
      select task.transaction_id, j.task_type, j.ordinal, j.attempted_at, j.former_times, j.time_basis, j.evidence, j.code, j.linked,
        j.capture_source, j.invoiced, j.reason, j.rule_table_version
      from task join jsonb_to_recordset(${attempts}::jsonb) as j (transaction_id text, task_type text,
        ordinal integer, attempted_at timestamptz, former_times timestamptz[], time_basis text, evidence text, code text, linked boolean,
        capture_source text, invoiced boolean, reason text, rule_table_version text) using (transaction_id, task_type)
      on conflict (transaction_id, task_type, ordinal) do update set ${replacedAttempt}
    ), due as (
      insert into obligations as o (transaction_id, kind, basis, sweep_at)
      select tx.id, j.kind, j.basis, now() + ${leaseMs} * interval '1 millisecond'
      from tx join jsonb_to_recordset(${obligations}::jsonb) as j (transaction_id text, kind text, basis text) on j.transaction_id = tx.id
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
    select look.id, tx.id is null as is_beaten, due.kind, due.generation
    from look left join tx using (id) left join due on due.transaction_id = look.id`;
  const { rows } = await executePrepared(db, `record_outcomes_${planned}`, statement);
  const byId = Map.groupBy(rows, ({ id }) => id);
  return outcomes.map(({ transactionId }) => becameDue(transactionId, byId.get(transactionId) ?? []));
}

type LookedAt = { id: string; is_beaten: boolean; kind: ObligationKind | null; generation: number };

function becameDue(transactionId: string, found: readonly LookedAt[]): Wake[] | undefined {
  if (found.some(({ is_beaten: isBeaten }) => isBeaten)) return undefined;
  return found.flatMap(({ kind, generation }) => (kind === null ? [] : [{ transactionId, kind, generation }]));
}

function lookRow({ transactionId, known, merged, end, ...outcome }: Outcome) {
  return {
    id: transactionId,
    state: merged.state,
    created_at: merged.createdAt,
    expires_at: merged.expiresAt,
    completed_at: merged.completedAt,
    fetched_at: outcome.fetchedAt,
    result_fetched: outcome.resultFetched,
    settled: outcome.isSettled,
    fence: outcome.fence,
    answer_fence: merged.fence,
    seen_revision: known.revision,
    is_ended: end !== null,
    next_at: end?.end === 'postponed' ? end.dueAt : null,
  };
}

function taskRows({ transactionId, merged }: Outcome) {
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
    /** For a task that is new; of others the database counts anew. */
    own_attempts: task.known.length,
    own_invoiced: task.known.filter(({ invoiced }) => invoiced === true).length,
  }));
}

function obligationRows({ transactionId, documentsBasis, auditReportBasis }: Outcome) {
  return [
    { transaction_id: transactionId, kind: 'audit_report', basis: auditReportBasis },
    { transaction_id: transactionId, kind: 'documents', basis: documentsBasis },
  ].filter(({ basis }) => basis !== null);
}

type Changes = AttemptChanges & { readonly transactionId: string };

const changesOf = ({ transactionId, known, merged }: Outcome): Changes => ({
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
