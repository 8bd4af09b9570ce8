import { contradictionIn, rulesSaidBy } from '../../domain/classify.ts';
import type { KnownReport } from './manifest.ts';
import { shown } from './problems.ts';
import type { Row } from './reading.ts';

type Add = (column: string, problem: string) => void;

const booleans: Readonly<Record<string, boolean | null>> = { true: true, false: false, '': null };

const columnOf = { invoiced: 'invoiced', code: 'outcome_code', ruleTableVersion: 'rule_table_version' } as const;

/** Checks a row's decision against the reason that it gives. */
function checkReason(row: Row, add: Add): void {
  const [reason, invoiced, code] = [row.cell('reason'), row.cell('invoiced'), row.cell('outcome_code')];
  const ruleTableVersion = row.cell('rule_table_version');
  const contradiction = contradictionIn({
    reason,
    invoiced: booleans[invoiced] ?? null,
    code: code === '' ? null : code,
    ruleTableVersion: ruleTableVersion === '' ? null : ruleTableVersion,
  });
  if (contradiction === 'reason') add('reason', `reason is ${reason}, which is not a known reason`);
  else if (contradiction) {
    const column = columnOf[contradiction];
    add(column, `${column} is ${shown(row.cell(column))}, which the reason ${reason} contradicts`);
  }
}

/**
 * Checks each decision by itself, and against those of other rows: one rule table decides equal attempts equally.
 * Memory grows with the number of different task types and codes, not of rows. Corrections were decided at other times,
 * and a report of an earlier state may mix decisions from before and after a rule change. These are only checked by
 * themselves.
 */
export function decisionChecker({ manifest }: KnownReport) {
  const decided = new Map<string, { readonly says: string; readonly line: number }>();
  const compare = (key: readonly string[], says: string, line: number): number | undefined => {
    // A line feed is a safe separator, because no cell contains a control character.
    const name = key.join('\n');
    const before = decided.get(name);
    if (!before) decided.set(name, { says, line });
    return before && before.says !== says ? before.line : undefined;
  };
  return (row: Row, add: Add): void => {
    checkReason(row, add);
    if (row.cell('is_correction') === 'true' || manifest.as_of !== null) return;
    const [reason, version, type] = [row.cell('reason'), row.cell('rule_table_version'), row.cell('task_type')];
    const { treatment, kind } = rulesSaidBy(reason);
    const other = treatment && compare([version, type], treatment, row.line);
    if (other !== undefined)
      add('reason', `reason is ${reason}, row ${other} says that ${version} treats ${type} otherwise`);
    if (!kind) return;
    const code = row.cell('outcome_code');
    const alike = compare([version, type, code, kind], row.cell('invoiced'), row.line);
    if (alike !== undefined)
      add(
        'invoiced',
        `invoiced is ${shown(row.cell('invoiced'))}, row ${alike} says otherwise of the same task_type and outcome_code by the same rules (${version})`,
      );
  };
}
