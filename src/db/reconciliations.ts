import { sql } from 'kysely';
import type { Finding } from '../domain/reconciliation/findings.ts';
import type { GivenName } from '../domain/reconciliation/naming.ts';
import type { DecidedAmounts, DecisionName } from '../domain/reconciliation/standing.ts';
import { previousPeriod } from '../domain/billing-month.ts';
import { formatAmount, storedAmount } from '../domain/money.ts';
import type { Queries } from './database.ts';
import { isRunCounting } from './vendor-file-withdrawals.ts';

/** What somebody decided about a finding. */
export type FindingDecision = DecidedAmounts & {
  readonly id: string;
  readonly finding: string;
  readonly decision: DecisionName;
  readonly reason: string;
  readonly decidedAt: Date;
  readonly decidedBy: string;
};

export type ReconciliationRun = {
  readonly period: string;
  readonly basis: 'closed' | 'restated';
  readonly isProvisional: boolean;
  readonly invoices: readonly string[];
  readonly currency: string;
  readonly total: { readonly ownAmount: bigint; readonly vendorAmount: bigint; readonly amountDifference: bigint };
  readonly findings: readonly Finding[];
  /** Keys of the hypotheses that explain it: the next month's are looked for among them first. */
  readonly held: readonly string[];
  readonly manifestSha256: string;
  readonly ranBy: string;
};

/** Notes a run with its findings. */
export async function recordReconciliation(db: Queries, run: ReconciliationRun): Promise<void> {
  const { total } = run;
  const { rows } = await sql<{ id: string }>`
    insert into reconciliations (period, basis, is_provisional, invoices, currency, own_amount, vendor_amount,
      amount_difference, held, manifest_sha256, ran_by)
    values (${run.period}, ${run.basis}, ${run.isProvisional}, ${run.invoices}::bigint[], ${run.currency},
      ${text(total.ownAmount)}, ${text(total.vendorAmount)}, ${text(total.amountDifference)}, ${run.held}::text[], ${run.manifestSha256}, ${run.ranBy})
    returning id`.execute(db);
  const findings = run.findings.map((finding, position) => ({
    finding: finding.id,
    about: finding.about,
    place: finding.place,
    position,
    effect: finding.effect,
    cause: finding.cause,
    subject: finding.subject,
    certainty: finding.certainty,
    amount_difference: text(finding.amountDifference),
    likely_wrong: finding.likelyWrong,
  }));
  await sql`
    insert into reconciliation_findings (reconciliation_id, finding, about, place, position, effect, cause, subject,
      certainty, amount_difference, likely_wrong)
    select ${rows[0]?.id}, j.* from jsonb_to_recordset(${JSON.stringify(findings)}::jsonb) as j (finding text, about text,
      place text, position integer, effect text, cause text, subject text, certainty text, amount_difference numeric, likely_wrong text)`.execute(
    db,
  );
}

const text = (amount: bigint): string => formatAmount(amount, 6);

/** The hash of the manifest that a month's last run wrote; `undefined` = it was never reconciled. */
export const lastManifest = async (db: Queries, period: string): Promise<string | undefined> =>
  (await lastRun(db, period))?.manifestSha256;

/** The last run of a month that counts. */
export type LastRun = Pick<ReconciliationRun, 'basis' | 'isProvisional' | 'currency' | 'manifestSha256'> & {
  /** What the books came to. */
  readonly ownAmount: bigint;
};

/** @returns `undefined` if the month was never reconciled with what counts. */
export async function lastRun(db: Queries, period: string): Promise<LastRun | undefined> {
  const { rows } = await sql<{
    basis: LastRun['basis'];
    is_provisional: boolean;
    currency: string;
    own_amount: string;
    manifest_sha256: string;
  }>`
    select basis, is_provisional, currency, own_amount::text, manifest_sha256
    from reconciliations r where period = ${period} and ${isRunCounting('r')} order by id desc limit 1`.execute(db);
  return rows.map((row) => ({
    basis: row.basis,
    isProvisional: row.is_provisional,
    currency: row.currency,
    ownAmount: storedAmount(row.own_amount),
    manifestSha256: row.manifest_sha256,
  }))[0];
}

/** What all findings that a month ever had were called, each with what it was last, the last one last. */
export async function givenNames(db: Queries, period: string): Promise<GivenName[]> {
  const { rows } = await sql<Omit<GivenName, 'amount'> & { readonly amount: string }>`
    select id, about, place, amount from (
      select distinct on (f.finding) f.finding as id, f.about, f.place, f.amount_difference::text as amount, r.id as run,
        f.position
      from reconciliations r join reconciliation_findings f on f.reconciliation_id = r.id
      where r.period = ${period} order by f.finding, r.id desc
    ) last order by run, position`.execute(db);
  return rows.map((row) => ({ ...row, amount: storedAmount(row.amount) }));
}

/** What explained the month before, by its last run. */
export async function heldLastMonth(db: Queries, period: string): Promise<string[]> {
  const { rows } = await sql<{ held: string[] }>`
    select held from reconciliations r where period = ${previousPeriod(period)} and ${isRunCounting('r')}
    order by id desc limit 1`.execute(db);
  return rows[0]?.held ?? [];
}

/** A decision as queries give it. */
export type StoredDecision = {
  readonly id: string;
  readonly finding: string;
  readonly amount: string | null;
  readonly left: string | null;
  readonly decision: DecisionName;
  readonly reason: string;
  readonly decided_at: Date;
  readonly decided_by: string;
};

export const decisionOf = <Row extends StoredDecision>({
  amount,
  left,
  decided_at: decidedAt,
  decided_by: decidedBy,
  ...row
}: Row) => ({ ...row, amount: microsOrNull(amount), left: microsOrNull(left), decidedAt, decidedBy });

const microsOrNull = (amount: string | null): bigint | null => (amount === null ? null : storedAmount(amount));

/** All decisions about each finding of a month, whatever amount they were about, the last one first. */
export async function findingDecisions(db: Queries, period: string): Promise<Map<string, FindingDecision[]>> {
  const { rows } = await sql<StoredDecision>`
    select id, finding, amount_difference::text as amount, left_amount::text as left, decision, reason, decided_at, decided_by
    from finding_decisions where period = ${period} order by id desc`.execute(db);
  return Map.groupBy(rows.map(decisionOf), ({ finding }) => finding);
}

/** What a finding comes to by the last run of its month; `undefined` = that has no such finding. */
export async function findingAmount(db: Queries, period: string, finding: string): Promise<bigint | undefined> {
  const { rows } = await sql<{ amount: string }>`
    select amount_difference::text as amount from reconciliation_findings
    where reconciliation_id = (select max(id) from reconciliations r where period = ${period} and ${isRunCounting('r')})
      and finding = ${finding}`.execute(db);
  return rows[0] && storedAmount(rows[0].amount);
}

/**
 * Keeps a decision about what a finding comes to. Earlier ones about the same finding stay, and count no more.
 *
 * @returns its ID.
 */
export async function recordDecision(
  db: Queries,
  period: string,
  {
    finding,
    amount,
    left,
    decision,
    reason,
    decidedBy,
  }: Omit<FindingDecision, 'id' | 'decidedAt' | 'amount' | 'left'> & { readonly amount: bigint; readonly left: bigint },
): Promise<string> {
  const { rows } = await sql<{ id: string }>`
    insert into finding_decisions (period, finding, amount_difference, left_amount, decision, reason, decided_by)
    values (${period}, ${finding}, ${text(amount)}, ${text(left)}, ${decision}, ${reason}, ${decidedBy}) returning id`.execute(
    db,
  );
  return rows[0]?.id ?? '';
}
