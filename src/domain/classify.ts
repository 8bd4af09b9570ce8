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
  /** Task types whose executed tasks are all decided alike, whatever their final state. */
  readonly executedTasks: readonly { readonly taskType: string; readonly invoiced: boolean }[];
};

/** Everything a decision depends on. */
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

/** `invoiced` is `null` for an unclassified attempt. */
export type Decision = {
  readonly invoiced: boolean | null;
  readonly reason: Reason;
  readonly ruleTableVersion: string | null;
};

/**
 * The rule table entry that gives a decision: for one code of a task type, or for all executed tasks of a task type.
 */
export type DecidingRule =
  | {
      readonly kind: 'code';
      readonly taskType: string;
      readonly outcomeCode: string | null;
      readonly invoiced: boolean;
    }
  | { readonly kind: 'executed_task'; readonly taskType: string; readonly invoiced: boolean };

/**
 * Decides one attempt. Pure and total: equal attempts and tables give equal decisions, and every attempt gets one.
 *
 * @param table the table in force at the attempt's time; `undefined` = none is.
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
 * The rule by which {@link classify} decides an attempt.
 *
 * @returns `undefined` if no rule applies: the attempt is unclassified, or the vendor's counter decides.
 */
export function decidingRule(attempt: Classifiable, table: RuleTable | undefined): DecidingRule | undefined {
  switch (attempt.evidence) {
    case 'scan_list':
    // A state without a rule may mean that the task was never begun. Only a state with a rule counts as executed.
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
 * Finds the rule behind a decision that was stored without its evidence, as in the lines of closed months. All kinds of
 * evidence that lead to the same decision do so by the same rule.
 *
 * @returns `undefined` if the table cannot have led to this decision.
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

type Implied = Pick<Decision, 'invoiced'> & {
  /** Whether the attempt has an outcome code. */
  readonly code: 'none' | 'some' | 'any';
  /** How the rule table treats the task type. */
  readonly treatment?: 'by code' | 'as executed' | 'by no rule';
  /** By which of its rules a code is decided alike everywhere. */
  readonly kind?: DecidingRule['kind'];
};

/** What each reason implies. The vendor's counter implies nothing of the rule table. */
const impliedBy: Readonly<Record<Reason, Implied>> = {
  success_invoiced: { invoiced: true, code: 'none', treatment: 'by code', kind: 'code' },
  success_not_invoiced: { invoiced: false, code: 'none', treatment: 'by code', kind: 'code' },
  code_invoiced: { invoiced: true, code: 'some', treatment: 'by code', kind: 'code' },
  code_not_invoiced: { invoiced: false, code: 'some', treatment: 'by code', kind: 'code' },
  executed_task_invoiced: { invoiced: true, code: 'any', treatment: 'as executed', kind: 'executed_task' },
  executed_task_not_invoiced: { invoiced: false, code: 'any', treatment: 'as executed', kind: 'executed_task' },
  vendor_counter_invoiced: { invoiced: true, code: 'any' },
  vendor_counter_not_invoiced: { invoiced: false, code: 'any' },
  code_without_rule: { invoiced: null, code: 'any', kind: 'code' },
  execution_unknown: { invoiced: null, code: 'any', kind: 'code' },
  scan_not_listed: { invoiced: null, code: 'any' },
  task_type_without_rule: { invoiced: null, code: 'any', treatment: 'by no rule' },
  no_rule_table_in_force: { invoiced: null, code: 'any' },
};

/** What a reason says of the rule table that led to it; of a reason that is none, nothing. */
export function rulesSaidBy(reason: string): Pick<Implied, 'treatment' | 'kind'> {
  const known = reasons.find((one) => one === reason);
  return known === undefined ? {} : impliedBy[known];
}

/** The part of a decision that contradicts its reason. */
export type Contradiction = 'reason' | 'invoiced' | 'code' | 'ruleTableVersion';

/**
 * Finds what is impossible in a decision: {@link classify} never returns it, whatever the rule table.
 *
 * @returns `undefined` if some rule table can lead to this decision.
 */
export function contradictionIn(
  decided: Omit<Decision, 'reason'> & { readonly reason: string; readonly code: string | null },
): Contradiction | undefined {
  const reason = reasons.find((one) => one === decided.reason);
  if (reason === undefined) return 'reason';
  const implied = impliedBy[reason];
  if (decided.invoiced !== implied.invoiced) return 'invoiced';
  if (implied.code !== 'any' && (decided.code === null) !== (implied.code === 'none')) return 'code';
  if ((decided.ruleTableVersion === null) !== (reason === 'no_rule_table_in_force')) return 'ruleTableVersion';
  return undefined;
}
