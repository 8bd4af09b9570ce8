import { type Evidence, evidences } from './attempts.ts';

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

/** The entry of a rule table that a decision rests on: for one code of a task type, or for all its executed tasks. */
export type DecidingRule =
  | {
      readonly kind: 'code';
      readonly taskType: string;
      readonly outcomeCode: string | null;
      readonly invoiced: boolean;
    }
  | { readonly kind: 'executed_task'; readonly taskType: string; readonly invoiced: boolean };

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
  const rule = decidingRule(attempt, table);
  if (rule) return decide(rule.invoiced, reasonOf(attempt, rule, table));
  switch (attempt.evidence) {
    case 'scan_list':
    case 'task_completed_transaction':
      return decide(null, 'code_without_rule');
    case 'task_open_transaction':
      return decide(null, 'execution_unknown');
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

/**
 * The very rule that decides an attempt. {@link classify} decides by it.
 *
 * @returns `undefined` where none does: the attempt is unclassified, or the vendor's counter decides.
 */
export function decidingRule(attempt: Classifiable, table: RuleTable | undefined): DecidingRule | undefined {
  switch (attempt.evidence) {
    case 'scan_list':
    // A state that no rule names may mean that the task was never begun: only a named one counts as executed.
    case 'task_open_transaction':
      return ruleForCode(attempt, table);
    case 'task_completed_transaction':
      return ruleForCode(attempt, table) ?? ruleForExecution(attempt, table);
    case 'counter_invoiced':
    case 'counter_not_invoiced':
    case 'count_only':
      return undefined;
    default:
      return attempt.evidence satisfies never;
  }
}

/**
 * Finds what a decision rests on whose evidence was not kept with it, as in the lines of closed months. Whatever
 * evidence leads to the same decision does so by the same rule.
 *
 * @returns `undefined` where the table cannot have led to this decision.
 */
export function decisionBehind(
  decided: Omit<Classifiable, 'evidence'> & Decision,
  table: RuleTable | undefined,
): { readonly rule: DecidingRule | undefined } | undefined {
  const { taskType, code } = decided;
  for (const evidence of evidences) {
    const { invoiced, reason, ruleTableVersion } = classify({ taskType, evidence, code }, table);
    if (invoiced === decided.invoiced && reason === decided.reason && ruleTableVersion === decided.ruleTableVersion)
      return { rule: decidingRule({ taskType, evidence, code }, table) };
  }
  return undefined;
}

function ruleForCode({ taskType, code }: Classifiable, table: RuleTable | undefined): DecidingRule | undefined {
  const rule = table?.rules.find((one) => one.taskType === taskType && one.outcomeCode === code);
  return rule && { kind: 'code', ...rule };
}

function ruleForExecution({ taskType }: Classifiable, table: RuleTable | undefined): DecidingRule | undefined {
  const rule = table?.executedTasks.find((one) => one.taskType === taskType);
  return rule && { kind: 'executed_task', ...rule };
}

function reasonOf({ taskType, code }: Classifiable, { invoiced }: DecidingRule, table: RuleTable): Reason {
  if (isExecutedTask(taskType, table)) return invoiced ? 'executed_task_invoiced' : 'executed_task_not_invoiced';
  if (code === null) return invoiced ? 'success_invoiced' : 'success_not_invoiced';
  return invoiced ? 'code_invoiced' : 'code_not_invoiced';
}

const isExecutedTask = (taskType: string, table: RuleTable): boolean =>
  table.executedTasks.some((one) => one.taskType === taskType);

const isTaskTypeCovered = (taskType: string, table: RuleTable): boolean =>
  isExecutedTask(taskType, table) || table.rules.some((one) => one.taskType === taskType);

/** What each reason says of the decision that it gives, and of the code that it rests on. */
const saidBy: Readonly<Record<Reason, Pick<Decision, 'invoiced'> & { readonly code: 'none' | 'some' | 'any' }>> = {
  success_invoiced: { invoiced: true, code: 'none' },
  success_not_invoiced: { invoiced: false, code: 'none' },
  code_invoiced: { invoiced: true, code: 'some' },
  code_not_invoiced: { invoiced: false, code: 'some' },
  executed_task_invoiced: { invoiced: true, code: 'any' },
  executed_task_not_invoiced: { invoiced: false, code: 'any' },
  vendor_counter_invoiced: { invoiced: true, code: 'any' },
  vendor_counter_not_invoiced: { invoiced: false, code: 'any' },
  code_without_rule: { invoiced: null, code: 'any' },
  execution_unknown: { invoiced: null, code: 'any' },
  scan_not_listed: { invoiced: null, code: 'any' },
  task_type_without_rule: { invoiced: null, code: 'any' },
  no_rule_table_in_force: { invoiced: null, code: 'any' },
};

/** Which part of a decision its own reason contradicts. */
export type Contradiction = 'reason' | 'invoiced' | 'code' | 'ruleTableVersion';

/**
 * Finds what of a decision cannot be, whatever the rule table: no call of {@link classify} gives it.
 *
 * @returns `undefined` where some rule table may have led to it.
 */
export function contradictionIn(
  decided: Omit<Decision, 'reason'> & { readonly reason: string; readonly code: string | null },
): Contradiction | undefined {
  const reason = reasons.find((one) => one === decided.reason);
  if (reason === undefined) return 'reason';
  const said = saidBy[reason];
  if (decided.invoiced !== said.invoiced) return 'invoiced';
  if (said.code !== 'any' && (decided.code === null) !== (said.code === 'none')) return 'code';
  if ((decided.ruleTableVersion === null) !== (reason === 'no_rule_table_in_force')) return 'ruleTableVersion';
  return undefined;
}
