import type { Problem } from '../../reference-data/data-file.ts';
import type { JsonPath, JsonTree } from '../../reference-data/json-tree.ts';
import { listOf, memberOf } from '../../reference-data/relations.ts';
import { normalised } from '../values/cells.ts';

/** What is wrong between the values of a layout, whatever else is wrong with them. */
export function layoutProblems(json: unknown, lineOf: JsonTree['lineOf']): Problem[] {
  const columns = memberOf(json, 'columns');
  const usage = memberOf(json, 'usage');
  return [
    ...columnProblems(columns, ['columns'], ['description', 'amount']),
    ...columnProblems(
      memberOf(usage, 'columns'),
      ['usage', 'columns'],
      ['transaction_id', 'task_type', 'attempted_at'],
    ),
    ...saidTwice(memberOf(json, 'invoice'), columns),
    ...accountProblems(memberOf(memberOf(json, 'invoice'), 'account'), columns),
    ...listOf(json, 'lines').flatMap((rule, index) => ruleProblems(rule, ['lines', index], columns)),
    ...repeatedRules(listOf(json, 'lines'), lineOf),
  ];
}

/** Columns that a table cannot do without, and columns that two fields want. */
function columnProblems(columns: unknown, path: JsonPath, needed: readonly string[]): Problem[] {
  if (typeof columns !== 'object' || columns === null || Array.isArray(columns)) return [];
  const missing = needed.filter((field) => memberOf(columns, field) === undefined);
  const users = new Map<unknown, string>();
  return [
    ...missing.map((field) => ({ path: [...path, field], message: 'is missing: no row can be read without it' })),
    ...Object.entries(columns).flatMap(([field, column]): Problem[] => {
      const before = users.get(column);
      users.set(column, field);
      if (before === undefined) return [];
      return [{ path: [...path, field], message: `is the column of ${before}, too` }];
    }),
  ];
}

const bothWays = { number: 'invoice_number', issue_date: 'issue_date', currency: 'currency', period: 'period' };

function saidTwice(invoice: unknown, columns: unknown): Problem[] {
  return Object.entries(bothWays).flatMap(([key, column]): Problem[] => {
    if (memberOf(invoice, key) === undefined || memberOf(columns, column) === undefined) return [];
    return [{ path: ['invoice', key], message: `is said by columns.${column}, too: leave out one of them` }];
  });
}

/** A table says its account once, and the layout which one it has to be. */
function accountProblems(account: unknown, columns: unknown): Problem[] {
  const path = ['invoice', 'account'];
  const hasColumn = memberOf(columns, 'account') !== undefined;
  const hasLabel = memberOf(account, 'label') !== undefined;
  if (account === undefined && hasColumn)
    return [{ path, message: 'is missing: which account has the column to say?' }];
  if (hasLabel && hasColumn)
    return [{ path, message: 'has a label, and columns.account says it, too: leave out one of them' }];
  if (account !== undefined && columns !== undefined && !hasColumn && !hasLabel)
    return [{ path, message: 'stands nowhere: map columns.account, or name its label' }];
  return [];
}

/** A rule for usage says which task type; a rule for anything that is no line says nothing else. */
function ruleProblems(rule: unknown, path: JsonPath, columns: unknown): Problem[] {
  const kind = memberOf(rule, 'kind');
  const hasTaskType = memberOf(rule, 'task_type') !== undefined;
  if (kind === 'usage' && !hasTaskType && memberOf(columns, 'task_type') === undefined)
    return [{ path: [...path, 'task_type'], message: 'is missing: usage is of a task type' }];
  const isNoLine = kind === 'net' || kind === 'tax_total' || kind === 'total' || kind === 'ignore';
  return isNoLine && hasTaskType ? [{ path: [...path, 'task_type'], message: `has no meaning beside "${kind}"` }] : [];
}

/** A rule that an earlier one always comes before. */
function repeatedRules(rules: readonly unknown[], lineOf: JsonTree['lineOf']): Problem[] {
  const first = new Map<string, number>();
  return rules.flatMap((rule, index): Problem[] => {
    const description = memberOf(rule, 'description');
    if (typeof description !== 'string') return [];
    const level = memberOf(rule, 'file_level');
    const key = JSON.stringify([normalised(description).toLowerCase(), typeof level === 'string' ? level : null]);
    const before = first.get(key);
    if (before === undefined) first.set(key, index);
    if (before === undefined) return [];
    const path = ['lines', index, 'description'];
    return [{ path, message: `is never reached: the rule on line ${lineOf(['lines', before])} has the same pattern` }];
  });
}
