import { sql } from 'kysely';
import type { Evidence } from '../domain/attempts.ts';
import type { Span } from '../domain/billing-month.ts';
import type { Decision, Reason } from '../domain/classify.ts';
import type { Queries } from './database.ts';

/** Attempts that are equal in everything a decision depends on and that have the same decision. */
export type DecisionGroup = Decision & {
  readonly taskType: string;
  readonly evidence: Evidence;
  readonly code: string | null;
  /** The span between two changes of rules that these attempts fall in. */
  readonly span: Span;
};

const amongTransactions = (among: string | undefined) =>
  among === undefined ? sql<boolean>`true` : sql<boolean>`transaction_id in (${sql.raw(among)})`;

/**
 * The distinct decisions stored for a span in which one rule table is in force.
 *
 * @param among a query of transaction IDs; only those are read.
 */
export async function decisionGroups(db: Queries, span: Span, among?: string): Promise<DecisionGroup[]> {
  const rows = await db
    .selectFrom('attempts')
    .select(['task_type', 'evidence', 'code', 'invoiced', 'reason', 'rule_table_version'])
    .distinct()
    .where('attempted_at', '>=', span.start)
    .where('attempted_at', '<', span.end)
    .where(amongTransactions(among))
    .execute();
  return rows.map((row) => ({
    taskType: row.task_type,
    evidence: row.evidence,
    code: row.code,
    invoiced: row.invoiced,
    reason: row.reason,
    ruleTableVersion: row.rule_table_version,
    span,
  }));
}

/**
 * Replaces the decision of a group.
 *
 * @param among a query of transaction IDs; only those are changed.
 * @returns the number of attempts changed.
 */
export async function redecide(db: Queries, group: DecisionGroup, decision: Decision, among?: string): Promise<number> {
  const same = (column: 'code' | 'invoiced' | 'reason' | 'rule_table_version', value: string | boolean | null) =>
    sql<boolean>`${sql.ref(column)} is not distinct from ${value}`;
  const result = await db
    .updateTable('attempts')
    .set({
      invoiced: decision.invoiced,
      reason: decision.reason satisfies Reason,
      rule_table_version: decision.ruleTableVersion,
    })
    .where('attempted_at', '>=', group.span.start)
    .where('attempted_at', '<', group.span.end)
    .where('task_type', '=', group.taskType)
    .where('evidence', '=', group.evidence)
    .where(same('code', group.code))
    .where(same('invoiced', group.invoiced))
    .where(same('reason', group.reason))
    .where(same('rule_table_version', group.ruleTableVersion))
    .where(amongTransactions(among))
    .executeTakeFirst();
  return Number(result.numUpdatedRows);
}
