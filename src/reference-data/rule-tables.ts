import { z } from 'zod';
import type { RuleTable } from '../domain/classify.ts';
import { effectiveDateProblems } from '../domain/effective-dates.ts';
import { calendarDate, type DataFile, readDataFile, versionName } from './data-file.ts';

const name = z.string().min(1).max(200);

const schema = z.strictObject({
  tables: z
    .array(
      z.strictObject({
        version: versionName,
        effective_from: calendarDate,
        effective_to: calendarDate.nullable(),
        source: z.string().min(1),
        rules: z.array(z.strictObject({ task_type: name, outcome_code: name.nullable(), invoiced: z.boolean() })),
        executed_tasks: z.array(z.strictObject({ task_type: name, invoiced: z.boolean() })),
      }),
    )
    .min(1),
});

/**
 * Reads invoicing rules: tables that follow one another without gap or overlap.
 *
 * @throws LedgerError `data_file_invalid` with every problem.
 */
export function readRuleTables(path: string): DataFile<readonly RuleTable[]> {
  return readDataFile(path, schema, ({ tables }) => ({
    content: tables.map((table) => ({
      version: table.version,
      effectiveFrom: table.effective_from,
      effectiveTo: table.effective_to,
      source: table.source,
      rules: table.rules.map((rule) => ({
        taskType: rule.task_type,
        outcomeCode: rule.outcome_code,
        invoiced: rule.invoiced,
      })),
      executedTasks: table.executed_tasks.map((task) => ({ taskType: task.task_type, invoiced: task.invoiced })),
    })),
    problems: [
      ...effectiveDateProblems(
        tables.map((table) => ({ effectiveFrom: table.effective_from, effectiveTo: table.effective_to })),
        'rule tables',
      ),
      ...repeated(tables.map((table) => table.version)).map((version) => `version ${version} occurs more than once`),
      ...tables.flatMap((table) =>
        [
          ...repeated(
            table.rules.map(
              (rule) => `${rule.task_type}, ${rule.outcome_code === null ? 'success' : `code ${rule.outcome_code}`}`,
            ),
          ),
          ...repeated(table.executed_tasks.map((task) => `${task.task_type}, executed`)),
        ].map((key) => `table ${table.version}: more than one rule for ${key}`),
      ),
    ],
  }));
}

const repeated = (values: readonly string[]): string[] => [
  ...new Set(values.filter((value, index) => values.indexOf(value) !== index)),
];
