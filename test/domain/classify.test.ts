import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { evidences, type Evidence } from '../../src/domain/attempts.ts';
import {
  classify,
  contradictionIn,
  type Decision,
  type Reason,
  reasons,
  type RuleTable,
} from '../../src/domain/classify.ts';
import { readRuleTables } from '../../src/reference-data/rule-tables.ts';
import { deepFrozen } from './support.ts';

const shipped = deepFrozen(
  readRuleTables(fileURLToPath(new URL('../../rules/id-scan.json', import.meta.url))).content,
)[0]!;

/** The vendor's invoicing table as documented, written down a second time. */
const documented: [code: string | null, isInvoiced: boolean][] = [
  ['processing', false],
  ['unknown_type_front', false],
  ['unknown_type_back', false],
  ['expiration_criteria_not_met', true],
  ['unable_to_determine_date_of_expiry', true],
  ['text_fields_analysis_failed', true],
  ['age_criteria_not_met', true],
  ['unable_to_determine_age', true],
  ['field_validation_failed', true],
  ['front_side_provided_back_side_required', true],
  ['back_side_provided_front_side_required', true],
  [null, true],
];
const unclassifiedReasons: Reason[] = [
  'code_without_rule',
  'execution_unknown',
  'scan_not_listed',
  'task_type_without_rule',
  'no_rule_table_in_force',
];
const faces = ['face_liveness', 'face_match'];

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
      ...(['face_match', 'task_completed_transaction', 'failed', false, 'executed_task_not_invoiced'] as const),
    ],
    [
      'states without a rule of their own follow the rule for every state',
      ...(['face_match', 'task_completed_transaction', 'expired', true, 'executed_task_invoiced'] as const),
    ],
    [
      'executed tasks may be free',
      ...(['face_liveness', 'task_completed_transaction', null, false, 'executed_task_not_invoiced'] as const),
    ],
    [
      'the rule for every state does not tell that a task of an open transaction was executed',
      ...(['face_liveness', 'task_open_transaction', null, null, 'execution_unknown'] as const),
    ],
    [
      'a rule of another task type does not apply',
      ...(['document_scan', 'scan_list', 'failed', null, 'code_without_rule'] as const),
    ],
    [
      'the vendor’s counter decides a scan it calls invoiced',
      ...(['document_scan', 'counter_invoiced', '(not listed)', true, 'vendor_counter_invoiced'] as const),
    ],
    [
      'the vendor’s counter decides a scan it calls not invoiced',
      ...(['document_scan', 'counter_not_invoiced', '(not listed)', false, 'vendor_counter_not_invoiced'] as const),
    ],
    [
      'a mere count decides nothing',
      ...(['document_scan', 'count_only', '(not listed)', null, 'scan_not_listed'] as const),
    ],
  ])('%s', (_, taskType, evidence, code, invoiced, reason) => {
    expect(decided(taskType, evidence, code)).toEqual([invoiced, reason, 'reverse']);
  });
});

describe('for every attempt and table', () => {
  const taskType = fc.oneof(fc.constantFrom('document_scan', ...faces), fc.string());
  const code = fc.oneof(fc.constantFrom(...documented.map(([one]) => one), 'failed', '(missing)'), fc.string());
  const attempt = fc.record({ taskType, evidence: fc.constantFrom(...evidences), code });
  const anyTable: fc.Arbitrary<RuleTable> = fc.record({
    version: fc.string({ minLength: 1 }),
    effectiveFrom: fc.constant('2026-01-01'),
    effectiveTo: fc.constant(null),
    source: fc.constant('generated'),
    rules: fc.uniqueArray(fc.record({ taskType, outcomeCode: code, invoiced: fc.boolean() }), {
      selector: (rule) => JSON.stringify([rule.taskType, rule.outcomeCode]),
    }),
    executedTasks: fc.uniqueArray(fc.record({ taskType, invoiced: fc.boolean() }), { selector: (one) => one.taskType }),
  });
  const table = fc.option(fc.oneof(fc.constant(shipped), anyTable), { nil: undefined });

  test('there is one decision, of the closed union, and null exactly where it is unclassified', () => {
    fc.assert(
      fc.property(attempt, table, (one, rules) => {
        const { invoiced, reason, ruleTableVersion, ...rest } = classify(deepFrozen(one), deepFrozen(rules));
        expect(rest).toEqual({});
        expect(reasons).toContain(reason);
        expect(invoiced === null).toBe(unclassifiedReasons.includes(reason));
        if (invoiced !== null) expect(invoiced).toBe(!reason.endsWith('_not_invoiced'));
        expect(ruleTableVersion).toBe(rules?.version ?? null);
      }),
      { numRuns: 5_000 },
    );
  });

  test('no decision contradicts itself, and one that is not of its reason does', () => {
    fc.assert(
      fc.property(attempt, table, (one, rules) => {
        const decided = { ...classify(one, rules), code: one.code };
        expect(contradictionIn(decided)).toBeUndefined();
        for (const invoiced of [true, false, null].filter((other) => other !== decided.invoiced))
          expect(contradictionIn({ ...decided, invoiced })).toBe('invoiced');
        const ruleTableVersion = decided.ruleTableVersion === null ? 'r1' : null;
        expect(contradictionIn({ ...decided, ruleTableVersion })).toBe('ruleTableVersion');
        expect(contradictionIn({ ...decided, reason: 'goodwill' })).toBe('reason');
      }),
      { numRuns: 2_000 },
    );
  });

  test('the decision depends on nothing else: neither on repetition nor on the order of the rules', () => {
    fc.assert(
      fc.property(attempt, anyTable, (one, rules) => {
        const turned = { ...rules, rules: rules.rules.toReversed(), executedTasks: rules.executedTasks.toReversed() };
        expect(classify({ ...one }, turned)).toEqual(classify(one, rules));
        expect(classify(one, rules)).toEqual(classify(one, rules));
      }),
      { numRuns: 2_000 },
    );
  });

  test('a decision that is not null rests on a rule of the table or on the vendor’s counter', () => {
    fc.assert(
      fc.property(attempt, anyTable, (one, rules) => {
        const { invoiced } = classify(one, rules);
        const answers = [
          ...rules.rules.filter((rule) => rule.taskType === one.taskType && rule.outcomeCode === one.code),
          ...rules.executedTasks.filter((rule) => rule.taskType === one.taskType),
        ].map((rule) => rule.invoiced);
        if (one.evidence.startsWith('counter_')) answers.push(one.evidence === 'counter_invoiced');
        if (invoiced !== null) expect(answers).toContain(invoiced);
      }),
      { numRuns: 2_000 },
    );
  });
});
