import { sql } from 'kysely';
import { type Attempt, isScanListMissing, type KnownScans } from '../domain/attempts.ts';
import type { Decision } from '../domain/classify.ts';
import type { TransactionFacts } from '../domain/facts.ts';
import type { Settlement } from '../domain/settlement.ts';
import { executePrepared, plannedRows, type Queries } from './database.ts';
import { isDue, type ObligationEnd, type Wake, withoutFailures } from './obligations.ts';
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
  /** How the obligation to look ends with it; `null` = not yet: something of the look failed. */
  readonly end: ObligationEnd | null;
  /** Of {@link knownScans}, if the outcome rests on it; else `null`. */
  readonly seenFence: string | null;
};

/** What becomes of a stored transaction `t` by a look at it. */
const replacedTransaction = sql`
  state = case when t.state = 'completed' or (look.state = 'pending' and t.state is not null) then t.state else look.state end,
  created_at = look.created_at, expires_at = coalesce(look.expires_at, t.expires_at),
  completed_at = coalesce(look.completed_at, t.completed_at), fetched_at = look.fetched_at,
  result_fetched_at = case when look.result_fetched then look.fetched_at else t.result_fetched_at end,
  settled = t.settled or look.settled, fence = look.fence`;

/** What becomes of a stored task `k` by the same one in an answer (`excluded`). A list that is whole again is not missing. */
const replacedTask = sql`
  level = coalesce(excluded.level, k.level),
  state = case when k.state = 'completed' or (excluded.state = 'pending' and k.state is not null) then k.state
    else coalesce(excluded.state, k.state) end,
  vendor_attempts = greatest(k.vendor_attempts, excluded.vendor_attempts),
  vendor_attempts_invoiced = greatest(k.vendor_attempts_invoiced, excluded.vendor_attempts_invoiced),
  scan_list_missing = excluded.scan_list_missing or k.scan_list_missing and (
    select j.listed is null or j.listed < coalesce(greatest(k.vendor_attempts, excluded.vendor_attempts),
    greatest(k.vendor_attempts_invoiced, excluded.vendor_attempts_invoiced), 0)
    from listed j where j.transaction_id = excluded.transaction_id and j.task_type = excluded.task_type)`;

/** What becomes of a stored attempt `a` by the same one in an answer (`excluded`), which may come from a copy that lags. */
const replacedAttempt = sql`
  attempted_at = excluded.attempted_at, time_basis = excluded.time_basis, evidence = excluded.evidence,
  code = excluded.code, linked = excluded.linked, capture_source = excluded.capture_source,
  invoiced = excluded.invoiced, reason = excluded.reason, rule_table_version = excluded.rule_table_version
  where (a.attempted_at, a.time_basis, a.evidence, a.code, a.linked, a.capture_source, a.invoiced, a.reason, a.rule_table_version)
    is distinct from (excluded.attempted_at, excluded.time_basis, excluded.evidence, excluded.code, excluded.linked,
      excluded.capture_source, excluded.invoiced, excluded.reason, excluded.rule_table_version)
    and not (a.evidence = 'scan_list' and excluded.evidence <> 'scan_list')
    and not (a.evidence in ('counter_invoiced', 'counter_not_invoiced') and excluded.evidence = 'count_only')
    and not (a.evidence = 'scan_list' and a.code is distinct from 'processing' and excluded.code is not distinct from 'processing')
    and not (a.time_basis = 'transaction_completed' and excluded.time_basis in ('last_scan_created', 'transaction_created'))
    and not (a.time_basis = 'last_scan_created' and excluded.time_basis = 'transaction_created')
    and not (a.time_basis = 'last_scan_created' and excluded.time_basis = 'last_scan_created'
      and excluded.attempted_at < a.attempted_at)`;

/**
 * Stores outcomes in one statement, which is one transaction. Idempotent and monotone:
 * - an outcome whose start lies before the last one stored changes nothing;
 * - `completed` stays completed, counters don't fall, a decided code doesn't go back to `processing`, an attempt once
 *   seen stays (only stand-ins for a missing list yield to the list);
 * - documents and audit report become due when there is something new to fetch;
 * - the obligation to look ends with it, unless a later start has taken over.
 *
 * @param outcomes of different transactions.
 * @returns for each, in their order, what became due by it, nothing where a later start has already stored its outcome;
 * `undefined` where an earlier one did so just now, between what was read and this write: to be decided and stored again.
 */
export async function recordOutcomes(
  db: Queries,
  outcomes: readonly Outcome[],
  leaseMs: number,
): Promise<(Wake[] | undefined)[]> {
  const looks = JSON.stringify(outcomes.map(lookRow));
  const tasks = JSON.stringify(outcomes.flatMap(taskRows));
  const attempts = JSON.stringify(outcomes.flatMap(attemptRows));
  const obligations = JSON.stringify(outcomes.flatMap(obligationRows));
  const planned = plannedRows(outcomes.length);
  const statement = sql<LookedAt>`
    with look as materialized (
      select j.*, seen.fence as stored_fence
      -- The limit says how many there are: otherwise Postgres plans for a hundred, and may read all transactions for them.
      from (select * from jsonb_to_recordset(${looks}::jsonb) as j (id text, state text, created_at timestamptz,
        expires_at timestamptz, completed_at timestamptz, fetched_at timestamptz, result_fetched boolean, settled boolean,
        fence bigint, seen_fence bigint, is_ended boolean, next_at timestamptz) limit ${sql.lit(planned)}) j
      join transactions seen on seen.id = j.id
    ), listed as materialized (
      select * from jsonb_to_recordset(${tasks}::jsonb) as j (transaction_id text, task_type text, state text, level text,
        vendor_attempts integer, vendor_attempts_invoiced integer, scan_list_missing boolean, listed integer, own_attempts integer, own_invoiced integer)
    ), tx as (
      update transactions t set ${replacedTransaction}
      from look
      where t.id = look.id and t.fence < look.fence and t.fence = coalesce(look.seen_fence, look.stored_fence)
      returning t.id, look.fence, look.is_ended, look.next_at
    ), task as (
      insert into tasks as k (transaction_id, task_type, state, level, vendor_attempts, vendor_attempts_invoiced, scan_list_missing,
        own_attempts, own_invoiced)
      select tx.id, j.task_type, j.state, j.level, j.vendor_attempts, j.vendor_attempts_invoiced, j.scan_list_missing,
        j.own_attempts, j.own_invoiced
      from tx join listed j on j.transaction_id = tx.id
      on conflict (transaction_id, task_type) do update set ${replacedTask}
      returning transaction_id, task_type, scan_list_missing
    ), stand_in as (
      delete from attempts a
      using task join listed j using (transaction_id, task_type)
      where a.transaction_id = task.transaction_id and a.task_type = task.task_type
        and not task.scan_list_missing and a.ordinal > j.listed and a.evidence in ('counter_invoiced', 'counter_not_invoiced', 'count_only')
    ), attempt as (
      insert into attempts as a (transaction_id, task_type, ordinal, attempted_at, time_basis, evidence, code, linked,
        capture_source, invoiced, reason, rule_table_version)
      select task.transaction_id, j.task_type, j.ordinal, j.attempted_at, j.time_basis, j.evidence, j.code, j.linked,
        j.capture_source, j.invoiced, j.reason, j.rule_table_version
      from task join jsonb_to_recordset(${attempts}::jsonb) as j (transaction_id text, task_type text,
        ordinal integer, attempted_at timestamptz, time_basis text, evidence text, code text, linked boolean,
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
        due_at = coalesce(tx.next_at, o.due_at), sweep_at = tx.next_at, ${withoutFailures}
      from tx
      where tx.is_ended and o.transaction_id = tx.id and o.kind = 'result' and ${isDue} and o.fence = tx.fence
    )
    select look.id, tx.id is null and look.stored_fence < look.fence as is_beaten, due.kind, due.generation
    from look left join tx using (id) left join due on due.transaction_id = look.id`;
  const { rows } = await executePrepared(db, `record_outcomes_${planned}`, statement);
  const byId = Map.groupBy(rows, ({ id }) => id);
  return outcomes.map(({ facts: { transactionId } }) => becameDue(transactionId, byId.get(transactionId) ?? []));
}

type LookedAt = { id: string; is_beaten: boolean; kind: ObligationKind | null; generation: number };

function becameDue(transactionId: string, found: readonly LookedAt[]): Wake[] | undefined {
  if (found.some(({ is_beaten: isBeaten }) => isBeaten)) return undefined;
  return found.flatMap(({ kind, generation }) => (kind === null ? [] : [{ transactionId, kind, generation }]));
}

function lookRow({ facts, end, ...outcome }: Outcome) {
  return {
    id: facts.transactionId,
    state: facts.state,
    created_at: facts.createdAt,
    expires_at: facts.expiresAt,
    completed_at: facts.completedAt,
    fetched_at: outcome.fetchedAt,
    result_fetched: outcome.resultFetched,
    settled: outcome.settlement.settled,
    fence: outcome.fence,
    seen_fence: outcome.seenFence,
    is_ended: end !== null,
    next_at: end?.end === 'postponed' ? end.dueAt : null,
  };
}

function taskRows({ facts, attempts }: Outcome) {
  return facts.tasks.map((task) => {
    const own = attempts.filter(({ taskType }) => taskType === task.type);
    return {
      transaction_id: facts.transactionId,
      task_type: task.type,
      state: task.state,
      level: task.level,
      vendor_attempts: task.attempts,
      vendor_attempts_invoiced: task.attemptsInvoiced,
      /** Whether attempts stand in for scans that are not listed. */
      scan_list_missing: isScanListMissing(task) && own.length > 0,
      listed: isScanListMissing(task) ? null : (task.scans?.length ?? 0),
      /** For a task that is new; of others the database counts anew. */
      own_attempts: own.length,
      own_invoiced: own.filter(({ invoiced }) => invoiced === true).length,
    };
  });
}

function obligationRows({ facts: { transactionId }, documentsBasis, auditReportBasis }: Outcome) {
  return [
    { transaction_id: transactionId, kind: 'audit_report', basis: auditReportBasis },
    { transaction_id: transactionId, kind: 'documents', basis: documentsBasis },
  ].filter(({ basis }) => basis !== null);
}

function attemptRows({ facts: { transactionId }, attempts }: Outcome) {
  return attempts.map((attempt) => ({
    transaction_id: transactionId,
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
  }));
}

/** What earlier answers said, for an answer that lists nothing: the scans per task type, and the fence as of then. */
export async function knownScans(
  db: Queries,
  transactionId: string,
): Promise<{ fence: string | null; byTaskType: Map<string, KnownScans> }> {
  const { rows } = await sql<KnownScans & { fence: string; task_type: string | null }>`
    select t.fence, k.task_type, count(a.ordinal)::int as listed, (count(*) filter (where a.invoiced))::int as invoiced,
      (count(a.ordinal) filter (where a.invoiced is null or a.code = 'processing'))::int as unclassified,
      k.vendor_attempts as attempts, k.vendor_attempts_invoiced as "attemptsInvoiced"
    from transactions t left join tasks k on k.transaction_id = t.id
      left join attempts a on a.transaction_id = t.id and a.task_type = k.task_type and a.evidence = 'scan_list'
    where t.id = ${transactionId} group by t.id, k.transaction_id, k.task_type`.execute(db);
  const byTaskType = new Map<string, KnownScans>();
  for (const row of rows) if (row.task_type !== null) byTaskType.set(row.task_type, row);
  return { fence: rows[0]?.fence ?? null, byTaskType };
}
