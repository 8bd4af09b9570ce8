import type { Evidence } from './attempts.ts';

/**
 * One version of the vendor's invoicing rules. Dates are days in the billing time zone; a table is in force from the
 * start of `effectiveFrom` until the start of `effectiveTo` (`null` = open end).
 */
export type RuleTable = {
  readonly version: string;
  readonly effectiveFrom: string;
  readonly effectiveTo: string | null;
  readonly source: string;
  readonly rules: readonly {
    readonly taskType: string;
    readonly outcomeCode: string | null;
    readonly invoiced: boolean;
  }[];
  /** Task types of which every executed task is decided alike, whatever its final state. */
  readonly executedTasks: readonly { readonly taskType: string; readonly invoiced: boolean }[];
};

/** What the decision depends on, and nothing else. */
export type Classifiable = { readonly taskType: string; readonly evidence: Evidence; readonly code: string | null };

export const reasons = [
  'success_invoiced',
  'success_not_invoiced',
  'code_invoiced',
  'code_not_invoiced',
  'executed_task_invoiced',
  'executed_task_not_invoiced',
  'vendor_counter_invoiced',
  'vendor_counter_not_invoiced',
  'code_without_rule',
  'execution_unknown',
  'scan_not_listed',
  'task_type_without_rule',
  'no_rule_table_in_force',
] as const;
export type Reason = (typeof reasons)[number];

/** `invoiced` is `null` for an unclassified attempt: never silently yes or no. */
export type Decision = {
  readonly invoiced: boolean | null;
  readonly reason: Reason;
  readonly ruleTableVersion: string | null;
};

/**
 * Decides one attempt. Pure and total: the same attempt and table give the same decision, and every attempt gets one.
 *
 * @param table the table in force at the attempt's time, `undefined` where there is none.
 */
export function classify(attempt: Classifiable, table: RuleTable | undefined): Decision {
  if (table === undefined) return { invoiced: null, reason: 'no_rule_table_in_force', ruleTableVersion: null };
  const decide = (invoiced: boolean | null, reason: Reason): Decision => ({
    invoiced,
    reason,
    ruleTableVersion: table.version,
  });
  if (!isTaskTypeCovered(attempt.taskType, table)) return decide(null, 'task_type_without_rule');
  switch (attempt.evidence) {
    case 'scan_list':
      return byCode(attempt, table, decide) ?? decide(null, 'code_without_rule');
    case 'task_completed_transaction':
      return byExecution(attempt, table, decide) ?? decide(null, 'code_without_rule');
    case 'task_open_transaction':
      // A state that no rule names may mean that the task was never begun: only a named one counts as executed.
      return byCode(attempt, table, decide) ?? decide(null, 'execution_unknown');
    case 'counter_invoiced':
      return decide(true, 'vendor_counter_invoiced');
    case 'counter_not_invoiced':
      return decide(false, 'vendor_counter_not_invoiced');
    case 'count_only':
      return decide(null, 'scan_not_listed');
    default:
      return attempt.evidence satisfies never;
  }
}

type Decide = (invoiced: boolean | null, reason: Reason) => Decision;

function byCode(attempt: Classifiable, table: RuleTable, decide: Decide): Decision | undefined {
  const rule = table.rules.find((one) => one.taskType === attempt.taskType && one.outcomeCode === attempt.code);
  if (!rule) return undefined;
  if (isExecutedTask(attempt.taskType, table))
    return decide(rule.invoiced, rule.invoiced ? 'executed_task_invoiced' : 'executed_task_not_invoiced');
  if (attempt.code === null) return decide(rule.invoiced, rule.invoiced ? 'success_invoiced' : 'success_not_invoiced');
  return decide(rule.invoiced, rule.invoiced ? 'code_invoiced' : 'code_not_invoiced');
}

function byExecution(attempt: Classifiable, table: RuleTable, decide: Decide): Decision | undefined {
  const executed = table.executedTasks.find((one) => one.taskType === attempt.taskType);
  return (
    byCode(attempt, table, decide) ??
    (executed && decide(executed.invoiced, executed.invoiced ? 'executed_task_invoiced' : 'executed_task_not_invoiced'))
  );
}

const isExecutedTask = (taskType: string, table: RuleTable): boolean =>
  table.executedTasks.some((one) => one.taskType === taskType);

const isTaskTypeCovered = (taskType: string, table: RuleTable): boolean =>
  isExecutedTask(taskType, table) || table.rules.some((one) => one.taskType === taskType);
