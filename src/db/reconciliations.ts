import { sql } from 'kysely';
import type { Finding } from '../domain/reconciliation/findings.ts';
import type { DecisionName } from '../domain/reconciliation/standing.ts';
import { previousPeriod } from '../domain/billing-month.ts';
import { formatAmount } from '../domain/money.ts';
import type { Queries } from './database.ts';

/** What somebody decided about a finding. */
export type FindingDecision = {
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
    position,
    effect: finding.effect,
    cause: finding.cause,
    subject: finding.subject,
    certainty: finding.certainty,
    amount_difference: text(finding.amountDifference),
    likely_wrong: finding.likelyWrong,
  }));
  await sql`
    insert into reconciliation_findings (reconciliation_id, finding, position, effect, cause, subject, certainty,
      amount_difference, likely_wrong)
    select ${rows[0]?.id}, j.* from jsonb_to_recordset(${JSON.stringify(findings)}::jsonb) as j (finding text, position integer,
      effect text, cause text, subject text, certainty text, amount_difference numeric, likely_wrong text)`.execute(db);
}

const text = (amount: bigint): string => formatAmount(amount, 6);

/** The hash of the manifest that a month's last run wrote; `undefined` = it was never reconciled. */
export async function lastManifest(db: Queries, period: string): Promise<string | undefined> {
  const { rows } = await sql<{ sha256: string }>`
    select manifest_sha256 as sha256 from reconciliations where period = ${period} order by id desc limit 1`.execute(
    db,
  );
  return rows[0]?.sha256;
}

/** What explained the month before, by its last run. */
export async function heldLastMonth(db: Queries, period: string): Promise<string[]> {
  const { rows } = await sql<{ held: string[] }>`
    select held from reconciliations where period = ${previousPeriod(period)} order by id desc limit 1`.execute(db);
  return rows[0]?.held ?? [];
}

/** The last decision about each finding of a month. */
export async function findingDecisions(db: Queries, period: string): Promise<Map<string, FindingDecision>> {
  const { rows } = await sql<{
    finding: string;
    decision: DecisionName;
    reason: string;
    decided_at: Date;
    decided_by: string;
  }>`
    select distinct on (finding) finding, decision, reason, decided_at, decided_by
    from finding_decisions where period = ${period} order by finding, id desc`.execute(db);
  return new Map(
    rows.map(({ finding, decision, reason, decided_at: decidedAt, decided_by: decidedBy }) => [
      finding,
      { finding, decision, reason, decidedAt, decidedBy },
    ]),
  );
}

/** Whether the last run of a month has a finding. */
export async function hasFinding(db: Queries, period: string, finding: string): Promise<boolean> {
  const { rows } = await sql`
    select from reconciliation_findings
    where reconciliation_id = (select max(id) from reconciliations where period = ${period}) and finding = ${finding}`.execute(
    db,
  );
  return rows.length > 0;
}

/** Keeps a decision. Earlier ones about the same finding stay, and count no more. */
export async function recordDecision(
  db: Queries,
  period: string,
  { finding, decision, reason, decidedBy }: Omit<FindingDecision, 'decidedAt'>,
): Promise<void> {
  await sql`
    insert into finding_decisions (period, finding, decision, reason, decided_by)
    values (${period}, ${finding}, ${decision}, ${reason}, ${decidedBy})`.execute(db);
}
