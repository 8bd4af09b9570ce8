import { sql } from 'kysely';
import type { Queries } from './database.ts';
import { decisionOf, type FindingDecision, type StoredDecision } from './reconciliations.ts';
import { isRunCounting } from './vendor-file-withdrawals.ts';

/** The last decision about a finding that the month has no more, and what the finding was. */
export type GoneDecision = FindingDecision & {
  readonly effect: string;
  readonly cause: string;
  readonly subject: string;
  readonly currency: string;
  /** The last run that had the finding. */
  readonly run: string;
};

/**
 * What was decided about findings of a month that are found no longer, in that order.
 *
 * @param found the IDs of those that are.
 */
export async function goneDecisions(db: Queries, period: string, found: readonly string[]): Promise<GoneDecision[]> {
  const { rows } = await sql<StoredDecision & Pick<GoneDecision, 'run' | 'effect' | 'cause' | 'subject' | 'currency'>>`
    select d.id, d.finding, d.amount_difference::text as amount, d.left_amount::text as left, d.decision, d.reason, d.decided_at, d.decided_by,
      f.run, f.effect, f.cause, f.subject, f.currency
    from (
      select distinct on (finding) id, finding, amount_difference, left_amount, decision, reason, decided_at, decided_by
      from finding_decisions where period = ${period} and finding <> all(${found}::text[]) order by finding, id desc
    ) d
    join lateral (
      select r.id as run, r.currency, f.effect, f.cause, f.subject
      from reconciliations r join reconciliation_findings f on f.reconciliation_id = r.id
      where r.period = ${period} and f.finding = d.finding order by r.id desc limit 1
    ) f on true
    order by d.id`.execute(db);
  return rows.map((row) => decisionOf(row));
}

/** The IDs of the findings of a month's last run that counts. */
export async function lastFindingIds(db: Queries, period: string): Promise<string[]> {
  const { rows } = await sql<{ finding: string }>`
    select finding from reconciliation_findings where reconciliation_id = (
      select max(id) from reconciliations r where period = ${period} and ${isRunCounting('r')})`.execute(db);
  return rows.map(({ finding }) => finding);
}
