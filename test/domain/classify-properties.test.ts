import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { evidences } from '../../src/domain/attempts.ts';
import { classify, type Reason, contradictionIn, reasons, type RuleTable } from '../../src/domain/classify.ts';
import { deepFrozen } from './support.ts';
import { documented, faces, shipped } from './shipped-rules.ts';

const unclassifiedReasons: Reason[] = [
  'code_without_rule',
  'execution_unknown',
  'scan_not_listed',
  'task_type_without_rule',
  'no_rule_table_in_force',
];

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
