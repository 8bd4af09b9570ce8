import { expect, test } from 'vitest';
import { decisionChecker } from '../../src/reports/verify/decisions.ts';
import type { KnownReport } from '../../src/reports/verify/manifest.ts';
import type { Row } from '../../src/reports/verify/reading.ts';

type Cells = Readonly<Record<string, string>>;

const report = { manifest: { as_of: null } } as KnownReport;
const scan = { task_type: 'document_scan', outcome_code: '', rule_table_version: 'r1', is_correction: 'false' };
const success = { ...scan, invoiced: 'true', reason: 'success_invoiced' };
const blurry = { ...scan, outcome_code: 'blurry', invoiced: 'false', reason: 'code_not_invoiced' };
const charged = { ...blurry, invoiced: 'true', reason: 'code_invoiced' };

/** What is said of the decisions of rows, each on a line of its own, and about which column. */
function said(rows: readonly Cells[], of = report): string[] {
  const problems: string[] = [];
  const check = decisionChecker(of);
  for (const [at, cells] of rows.entries()) {
    const row: Row = { line: at + 2, columns: new Map(), cell: (header) => cells[header] ?? '' };
    check(row, (column, problem) => problems.push(`${at + 2} [${column}] ${problem}`));
  }
  return problems;
}

test('decisions that one rule table may come to are not compared', () => {
  const counted = { ...blurry, reason: 'vendor_counter_not_invoiced' };
  const face = { ...success, task_type: 'face_match', reason: 'executed_task_invoiced' };
  const none = { ...scan, invoiced: '', outcome_code: 'x', rule_table_version: '', reason: 'no_rule_table_in_force' };
  const spelled = { ...blurry, task_type: 'document_sca', outcome_code: 'nblurry' };
  const rows = [
    ...[success, blurry, face, none, { ...none, outcome_code: '' }],
    ...[counted, { ...counted, invoiced: 'true', reason: 'vendor_counter_invoiced' }],
    { ...charged, rule_table_version: 'r2' },
    { ...charged, is_correction: 'true' },
    { ...charged, task_type: 'document_scan2' },
    { ...charged, task_type: 'document_scanb', outcome_code: 'lurry' },
    { ...spelled, rule_table_version: 'r1d' },
    { ...face, rule_table_version: 'r', task_type: '1document_scan' },
  ];
  expect(said(rows)).toEqual([]);
  expect(said([blurry, charged], { manifest: { as_of: '2026-10-20T10:00:00.000Z' } } as KnownReport)).toEqual([]);
});

test('decisions that contradict their reason, or those of other rows, are told with their columns', () => {
  expect(
    said([
      success,
      blurry,
      charged,
      { ...success, reason: 'goodwill' },
      { ...success, reason: 'toString' },
      { ...success, invoiced: 'false' },
      { ...success, outcome_code: 'x' },
      { ...success, rule_table_version: '', task_type: 'x' },
      { ...blurry, outcome_code: '', reason: 'code_not_invoiced' },
      { ...success, reason: 'executed_task_invoiced' },
      { ...blurry, task_type: 'y', invoiced: '', reason: 'task_type_without_rule' },
      { ...blurry, task_type: 'y' },
    ]),
  ).toEqual([
    '4 [invoiced] invoiced is true, row 3 says otherwise of the same task_type and outcome_code by the same rules (r1)',
    '5 [reason] reason is goodwill, which is not a known reason',
    '6 [reason] reason is toString, which is not a known reason',
    '7 [invoiced] invoiced is false, which the reason success_invoiced contradicts',
    '7 [invoiced] invoiced is false, row 2 says otherwise of the same task_type and outcome_code by the same rules (r1)',
    '8 [outcome_code] outcome_code is x, which the reason success_invoiced contradicts',
    '9 [rule_table_version] rule_table_version is empty, which the reason success_invoiced contradicts',
    '10 [outcome_code] outcome_code is empty, which the reason code_not_invoiced contradicts',
    '10 [invoiced] invoiced is false, row 2 says otherwise of the same task_type and outcome_code by the same rules (r1)',
    '11 [reason] reason is executed_task_invoiced, row 2 says that r1 treats document_scan otherwise',
    '13 [reason] reason is code_not_invoiced, row 12 says that r1 treats y otherwise',
  ]);
});
