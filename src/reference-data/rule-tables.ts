import { z } from 'zod';
import type { RuleTable } from '../domain/classify.ts';
import { effectiveDateProblems } from '../domain/effective-dates.ts';
import {
  calendarDate,
  type DataFile,
  type Format,
  parseDataFile,
  type Problem,
  readBytes,
  textOf,
  versionName,
} from './data-file.ts';
import type { JsonPath, JsonTree } from './json-tree.ts';
import { dates, entriesOf, listOf, memberOf, placedDateProblems } from './relations.ts';

const name = textOf(200);
const error = 'must be an object in braces';
const invoiced = z.boolean({ error: 'must be true or false' });
const rule = z.strictObject(
  {
    task_type: name,
    outcome_code: textOf(200, 'must be a text of 1 to 200 characters, or null for success').nullable(),
    invoiced,
  },
  { error },
);
const table = z.strictObject(
  {
    version: versionName,
    effective_from: calendarDate,
    effective_to: calendarDate.nullable(),
    source: textOf(10_000, 'must be a text that says where the rules come from'),
    rules: z.array(rule, { error: 'must be a list of rules' }),
    executed_tasks: z.array(z.strictObject({ task_type: name, invoiced }, { error }), {
      error: 'must be a list of task types',
    }),
  },
  { error },
);
const schema = z.strictObject(
  {
    tables: z
      .array(table, { error: 'must be a list of rule tables' })
      .min(1, { error: 'is an empty list: at least one rule table is needed' }),
  },
  { error },
);

const format: Format<z.output<typeof schema>, readonly RuleTable[]> = {
  schema,
  relations: (json, lineOf) => [
    ...dateProblems(json, lineOf),
    ...repeated(
      listOf(json, 'tables').map((one, index) => {
        const version = memberOf(one, 'version');
        return { name: typeof version === 'string' ? version : undefined, path: ['tables', index, 'version'] };
      }),
      lineOf,
      (version) => `version ${version} occurs more than once`,
    ),
    ...listOf(json, 'tables').flatMap((one, index) => ruleProblems(one, ['tables', index], lineOf)),
  ],
  content: ({ tables }) =>
    tables.map((one) => ({
      version: one.version,
      effectiveFrom: one.effective_from,
      effectiveTo: one.effective_to,
      source: one.source,
      rules: one.rules.map(({ task_type, outcome_code, invoiced }) => ({
        taskType: task_type,
        outcomeCode: outcome_code,
        invoiced,
      })),
      executedTasks: one.executed_tasks.map(({ task_type, invoiced }) => ({ taskType: task_type, invoiced })),
    })),
};

function dateProblems(json: unknown, lineOf: JsonTree['lineOf']): Problem[] {
  const tables = entriesOf(json, 'tables', dates);
  const mayHaveMore = tables.length < listOf(json, 'tables').length;
  return placedDateProblems(effectiveDateProblems(tables, 'rule tables'), lineOf, () => mayHaveMore);
}

/** Finds more than one rule for the same question, even if they agree. */
function ruleProblems(one: unknown, path: JsonPath, lineOf: JsonTree['lineOf']): Problem[] {
  const rules = listOf(one, 'rules').map((each, index) => {
    const { data } = z.object({ task_type: name, outcome_code: name.nullable() }).safeParse(each);
    const outcome = data?.outcome_code === null ? 'success' : `code ${data?.outcome_code}`;
    return { name: data && `${data.task_type}, ${outcome}`, path: [...path, 'rules', index] };
  });
  const executed = listOf(one, 'executed_tasks').map((each, index) => {
    const { data } = z.object({ task_type: name }).safeParse(each);
    return { name: data && `${data.task_type}, executed`, path: [...path, 'executed_tasks', index] };
  });
  const version = memberOf(one, 'version');
  const subject = typeof version === 'string' ? `table ${version}: ` : '';
  return repeated([...rules, ...executed], lineOf, (question) => `${subject}more than one rule for ${question}`);
}

/** Reports every name that occurred before, with the line of its first occurrence. */
function repeated(
  named: readonly { readonly name: string | undefined; readonly path: JsonPath }[],
  lineOf: JsonTree['lineOf'],
  message: (name: string) => string,
): Problem[] {
  const first = new Map<string, JsonPath>();
  return named.flatMap(({ name, path }): Problem[] => {
    if (name === undefined) return [];
    const before = first.get(name);
    if (before) return [{ path, message: `${message(name)}, first on line ${lineOf(before)}` }];
    first.set(name, path);
    return [];
  });
}

/**
 * Reads invoicing rules: consecutive tables without gaps or overlaps.
 *
 * @throws LedgerError `data_file_invalid` with every problem and its line.
 */
export const readRuleTables = (path: string): DataFile<readonly RuleTable[]> => parseRuleTables(readBytes(path), path);

/**
 * Parses invoicing rules, such as the copy of a file in the database.
 *
 * @param name what messages call it: its path, or the name of the copy.
 * @throws LedgerError `data_file_invalid` with every problem and its line.
 */
export const parseRuleTables = (bytes: Buffer, name: string): DataFile<readonly RuleTable[]> =>
  parseDataFile(bytes, name, format);

/** Rule tables as a file that {@link readRuleTables} reads, a rule on a line. */
export function ruleTablesFile(tables: readonly RuleTable[]): Buffer {
  const lines = (entries: readonly object[]) =>
    entries.length === 0
      ? '[]'
      : `[\n${entries.map((entry) => `        ${JSON.stringify(entry)}`).join(',\n')}\n      ]`;
  const texts = tables.map(({ version, effectiveFrom, effectiveTo, source, rules, executedTasks }) => {
    const members = {
      version: JSON.stringify(version),
      effective_from: JSON.stringify(effectiveFrom),
      effective_to: JSON.stringify(effectiveTo),
      source: JSON.stringify(source),
      rules: lines(
        rules.map(({ taskType, outcomeCode, invoiced }) => ({
          task_type: taskType,
          outcome_code: outcomeCode,
          invoiced,
        })),
      ),
      executed_tasks: lines(executedTasks.map(({ taskType, invoiced }) => ({ task_type: taskType, invoiced }))),
    };
    const text = Object.entries(members).map(([key, value]) => `      "${key}": ${value}`);
    return `    {\n${text.join(',\n')}\n    }`;
  });
  return Buffer.from(`{\n  "tables": [\n${texts.join(',\n')}\n  ]\n}\n`);
}
