import { sql } from 'kysely';
import { type Attempt, isScanListMissing, type KnownScans } from '../domain/attempts.ts';
import type { Decision } from '../domain/classify.ts';
import type { TransactionFacts } from '../domain/facts.ts';
import type { Settlement } from '../domain/settlement.ts';
import type { Queries } from './database.ts';
import type { Wake } from './obligations.ts';
import type { ObligationKind } from './schema.ts';

export type DecidedAttempt = Attempt & Decision;

/** Everything one look at the vendor established about a transaction. */
export type Outcome = {
  readonly facts: TransactionFacts;
  readonly attempts: readonly DecidedAttempt[];
  readonly settlement: Settlement;
  readonly fetchedAt: Date;
  readonly fence: string;
  /** Whether the result itself was fetched, too. */
  readonly resultFetched: boolean;
  /** What files there are to fetch, named so that the same offer has the same name; `null` = none or not wanted. */
  readonly documentsBasis: string | null;
  readonly auditReportBasis: string | null;
};

/**
 * Stores an outcome in one statement, which is one transaction. Idempotent and monotone:
 * - an outcome whose start lies before the last one stored changes nothing;
 * - `completed` stays completed, counters don't fall, a decided code doesn't go back to `processing`, an attempt once
 *   seen stays (only stand-ins for a missing list yield to the list);
 * - documents and audit report become due when there is something new to fetch.
 *
 * The obligation itself is ended by the caller.
 *
 * @returns what became due by it; nothing where a later start has already stored its outcome.
 */
export async function recordOutcome(db: Queries, outcome: Outcome, leaseMs: number): Promise<Wake[]> {
  const { facts, settlement } = outcome;
  const tasks = JSON.stringify(taskRows(outcome));
  const attempts = JSON.stringify(outcome.attempts.map(attemptRow));
  const obligations = JSON.stringify(obligationRows(outcome));
  const { rows } = await sql<{ kind: ObligationKind; generation: number }>`
    with tx as (
      update transactions t set
        state = case when t.state = 'completed' then t.state else ${facts.state} end,
        created_at = ${facts.createdAt}, expires_at = coalesce(${facts.expiresAt}::timestamptz, t.expires_at),
        completed_at = coalesce(${facts.completedAt}::timestamptz, t.completed_at),
        fetched_at = ${outcome.fetchedAt}::timestamptz,
        result_fetched_at = case when ${outcome.resultFetched} then ${outcome.fetchedAt}::timestamptz else t.result_fetched_at end,
        settled = t.settled or ${settlement.settled}, fence = ${outcome.fence}
      where t.id = ${facts.transactionId} and t.fence < ${outcome.fence}
      returning t.id
    ), task as (
      insert into tasks as k (transaction_id, task_type, state, level, vendor_attempts, vendor_attempts_invoiced, scan_list_missing)
      select tx.id, j.task_type, j.state, j.level, j.vendor_attempts, j.vendor_attempts_invoiced, j.scan_list_missing
      from tx, jsonb_to_recordset(${tasks}::jsonb) as j (task_type text, state text, level text,
        vendor_attempts integer, vendor_attempts_invoiced integer, scan_list_missing boolean)
      on conflict (transaction_id, task_type) do update set
        state = case when k.state = 'completed' then k.state else coalesce(excluded.state, k.state) end,
        level = coalesce(excluded.level, k.level),
        vendor_attempts = greatest(k.vendor_attempts, excluded.vendor_attempts),
        vendor_attempts_invoiced = greatest(k.vendor_attempts_invoiced, excluded.vendor_attempts_invoiced),
        scan_list_missing = excluded.scan_list_missing
      returning transaction_id, task_type
    ), stand_in as (
      delete from attempts a
      using tx, jsonb_to_recordset(${tasks}::jsonb) as j (task_type text, scan_list_missing boolean, listed integer)
      where a.transaction_id = tx.id and a.task_type = j.task_type and not j.scan_list_missing
        and a.ordinal > j.listed and a.evidence in ('counter_invoiced', 'counter_not_invoiced', 'count_only')
    ), attempt as (
      insert into attempts as a (transaction_id, task_type, ordinal, attempted_at, time_basis, evidence, code, linked,
        capture_source, invoiced, reason, rule_table_version)
      select task.transaction_id, j.task_type, j.ordinal, j.attempted_at, j.time_basis, j.evidence, j.code, j.linked,
        j.capture_source, j.invoiced, j.reason, j.rule_table_version
      from task join jsonb_to_recordset(${attempts}::jsonb) as j (task_type text,
        ordinal integer, attempted_at timestamptz, time_basis text, evidence text, code text, linked boolean,
        capture_source text, invoiced boolean, reason text, rule_table_version text) using (task_type)
      on conflict (transaction_id, task_type, ordinal) do update set
        attempted_at = excluded.attempted_at, time_basis = excluded.time_basis, evidence = excluded.evidence,
        code = excluded.code, linked = excluded.linked, capture_source = excluded.capture_source,
        invoiced = excluded.invoiced, reason = excluded.reason, rule_table_version = excluded.rule_table_version
      where (a.attempted_at, a.time_basis, a.evidence, a.code, a.linked, a.capture_source, a.invoiced, a.reason, a.rule_table_version)
        is distinct from (excluded.attempted_at, excluded.time_basis, excluded.evidence, excluded.code, excluded.linked,
          excluded.capture_source, excluded.invoiced, excluded.reason, excluded.rule_table_version)
        and not (excluded.code is not distinct from 'processing' and a.code is distinct from 'processing' and a.evidence = 'scan_list')
        and not (a.time_basis = 'transaction_completed' and excluded.time_basis in ('last_scan_created', 'transaction_created'))
        and not (a.evidence = 'scan_list' and excluded.evidence <> 'scan_list')
        and not (a.evidence in ('counter_invoiced', 'counter_not_invoiced') and excluded.evidence = 'count_only')
    ), due as (
      insert into obligations as o (transaction_id, kind, basis, sweep_at)
      select tx.id, j.kind, j.basis, now() + ${leaseMs} * interval '1 millisecond'
      from tx, jsonb_to_recordset(${obligations}::jsonb) as j (kind text, basis text)
      on conflict (transaction_id, kind) do update set basis = excluded.basis, state = 'due', due_at = now(),
        sweep_at = excluded.sweep_at, generation = o.generation + 1, fence = o.fence + 1, starts = 0, attempts_made = 0, updated_at = now()
      where o.basis is distinct from excluded.basis
      returning kind, generation
    )
    select kind, generation from due`.execute(db);
  return rows.map(({ kind, generation }) => ({ transactionId: facts.transactionId, kind, generation }));
}

function taskRows({ facts }: Outcome) {
  return facts.tasks.map((task) => ({
    task_type: task.type,
    state: task.state,
    level: task.level,
    vendor_attempts: task.attempts,
    vendor_attempts_invoiced: task.attemptsInvoiced,
    scan_list_missing: isScanListMissing(task),
    listed: task.scans?.length ?? 0,
  }));
}

function obligationRows({ documentsBasis, auditReportBasis }: Outcome) {
  return [
    { kind: 'documents', basis: documentsBasis },
    { kind: 'audit_report', basis: auditReportBasis },
  ].filter(({ basis }) => basis !== null);
}

function attemptRow(attempt: DecidedAttempt) {
  return {
    task_type: attempt.taskType,
    ordinal: attempt.ordinal,
    attempted_at: attempt.attemptedAt,
    time_basis: attempt.timeBasis,
    evidence: attempt.evidence,
    code: attempt.code,
    linked: attempt.linked,
    capture_source: attempt.captureSource,
    invoiced: attempt.invoiced,
    reason: attempt.reason,
    rule_table_version: attempt.ruleTableVersion,
  };
}

/** Ends a look that left something open: due again at `nextFetchAt`, with a fresh count of attempts. */
export async function postponeResult(
  db: Queries,
  transactionId: string,
  fence: string,
  nextFetchAt: Date,
): Promise<void> {
  await sql`
    update obligations set due_at = ${nextFetchAt}::timestamptz, sweep_at = ${nextFetchAt}::timestamptz,
      starts = 0, attempts_made = 0, last_error_code = null, last_error_at = null, updated_at = now()
    where transaction_id = ${transactionId} and kind = 'result' and state = 'due' and fence = ${fence}`.execute(db);
}

/** What earlier answers listed, per task type, for an answer that lists nothing. */
export async function knownScans(db: Queries, transactionId: string): Promise<Map<string, KnownScans>> {
  const { rows } = await sql<{ task_type: string; listed: number; invoiced: number; unclassified: number }>`
    select task_type, count(*)::int as listed, (count(*) filter (where invoiced))::int as invoiced,
      (count(*) filter (where invoiced is null or code = 'processing'))::int as unclassified
    from attempts where transaction_id = ${transactionId} and evidence = 'scan_list' group by task_type`.execute(db);
  return new Map(rows.map(({ task_type, ...known }) => [task_type, known]));
}
