import { describe, expect, test } from 'vitest';
import { evidences, type Evidence } from '../../src/domain/attempts.ts';
import { classify, type Decision, type Reason, type RuleTable } from '../../src/domain/classify.ts';
import { deepFrozen } from './support.ts';
import { documented, faces, shipped } from './shipped-rules.ts';

const ofScan = (code: string | null): Decision =>
  classify({ taskType: 'document_scan', evidence: 'scan_list', code }, shipped);

describe('document scans under the shipped rules', () => {
  test.each(documented)('code %s: invoiced %s, as documented', (code, invoiced) => {
    const kind = code === null ? 'success' : 'code';
    const reason = `${kind}_${invoiced ? 'invoiced' : 'not_invoiced'}`;
    expect(ofScan(code)).toEqual({ invoiced, reason, ruleTableVersion: 'id-scan-1' });
  });

  test('no code beyond the documented ones has a rule', () => {
    const ruled = shipped.rules.filter(({ taskType }) => taskType === 'document_scan');
    expect(ruled.map(({ outcomeCode }) => String(outcomeCode)).sort()).toEqual(
      documented.map(([code]) => String(code)).sort(),
    );
  });

  test.each([
    '(missing)',
    '(empty)',
    '(not listed)',
    '',
    'null',
    'success',
    'completed',
    'failed',
    'pending',
    'PROCESSING',
    'Unknown_Type_Front',
    'FIELD_VALIDATION_FAILED',
    ' processing',
    'processing ',
    'unknown_type',
    'some_code_of_2027',
    'toString',
    '__proto__',
  ])('code %j is unclassified: never silently yes or no', (code) => {
    expect(ofScan(code)).toEqual({ invoiced: null, reason: 'code_without_rule', ruleTableVersion: 'id-scan-1' });
  });
});

describe.each(faces)('%s under the shipped rules', (taskType) => {
  test.each([null, 'failed', 'expired', 'FAILED', 'abandoned', 'processing', '(missing)'])(
    'state %s in a completed transaction was executed, so it is invoiced',
    (code) => {
      const decision = classify({ taskType, evidence: 'task_completed_transaction', code }, shipped);
      expect(decision).toEqual({
        invoiced: true,
        reason: 'executed_task_invoiced',
        ruleTableVersion: 'id-scan-1',
      });
    },
  );

  test.each([null, 'failed'])('state %s in an open transaction was executed, so it is invoiced', (code) => {
    const decision = classify({ taskType, evidence: 'task_open_transaction', code }, shipped);
    expect(decision).toMatchObject({ invoiced: true, reason: 'executed_task_invoiced' });
  });

  test.each(['expired', 'started', 'Failed', 'FAILED', 'cancelled', 'processing', '(missing)', ''])(
    'state %j in an open transaction may mean that it never began: unclassified',
    (code) => {
      const decision = classify({ taskType, evidence: 'task_open_transaction', code }, shipped);
      expect(decision).toEqual({ invoiced: null, reason: 'execution_unknown', ruleTableVersion: 'id-scan-1' });
    },
  );
});

describe('whatever the attempt', () => {
  test.each(evidences)('a task type without any rule is unclassified (evidence %s)', (evidence) => {
    for (const taskType of ['nfc_read', 'Document_Scan', 'document_scans', 'constructor', ''])
      for (const code of [null, 'processing', 'failed'])
        expect(classify({ taskType, evidence, code }, shipped)).toEqual({
          invoiced: null,
          reason: 'task_type_without_rule',
          ruleTableVersion: 'id-scan-1',
        });
  });

  test.each(evidences)('without a table in force it is unclassified and names no version (evidence %s)', (evidence) => {
    for (const taskType of ['document_scan', ...faces])
      expect(classify({ taskType, evidence, code: null }, undefined)).toEqual({
        invoiced: null,
        reason: 'no_rule_table_in_force',
        ruleTableVersion: null,
      });
  });
});

describe('how a table is read', () => {
  const table: RuleTable = deepFrozen({
    version: 'reverse',
    effectiveFrom: '2026-01-01',
    effectiveTo: null,
    source: 'a test',
    rules: [
      { taskType: 'document_scan', outcomeCode: null, invoiced: false },
      { taskType: 'face_match', outcomeCode: 'failed', invoiced: false },
    ],
    executedTasks: [
      { taskType: 'face_match', invoiced: true },
      { taskType: 'face_liveness', invoiced: false },
    ],
  });
  const decided = (taskType: string, evidence: Evidence, code: string | null): unknown[] => {
    const { invoiced, reason, ruleTableVersion } = classify({ taskType, evidence, code }, table);
    return [invoiced, reason, ruleTableVersion];
  };

  test.each<[rule: string, string, Evidence, string | null, boolean | null, Reason]>([
    ['success may be free', 'document_scan', 'scan_list', null, false, 'success_not_invoiced'],
    [
      'a rule for a state goes before the rule for every state',
      'face_match',
      'task_completed_transaction',
      'failed',
      false,
      'executed_task_not_invoiced',
    ],
    [
      'states without a rule of their own follow the rule for every state',
      'face_match',
      'task_completed_transaction',
      'expired',
      true,
      'executed_task_invoiced',
    ],
    [
      'executed tasks may be free',
      'face_liveness',
      'task_completed_transaction',
      null,
      false,
      'executed_task_not_invoiced',
    ],
    [
      'the rule for every state does not tell that a task of an open transaction was executed',
      'face_liveness',
      'task_open_transaction',
      null,
      null,
      'execution_unknown',
    ],
    ['a rule of another task type does not apply', 'document_scan', 'scan_list', 'failed', null, 'code_without_rule'],
    [
      'the vendor’s counter decides a scan it calls invoiced',
      'document_scan',
      'counter_invoiced',
      '(not listed)',
      true,
      'vendor_counter_invoiced',
    ],
    [
      'the vendor’s counter decides a scan it calls not invoiced',
      'document_scan',
      'counter_not_invoiced',
      '(not listed)',
      false,
      'vendor_counter_not_invoiced',
    ],
    ['a mere count decides nothing', 'document_scan', 'count_only', '(not listed)', null, 'scan_not_listed'],
  ])('%s', (_, taskType, evidence, code, invoiced, reason) => {
    expect(decided(taskType, evidence, code)).toEqual([invoiced, reason, 'reverse']);
  });
});
