import fc from 'fast-check';
import { expect, test } from 'vitest';
import { evidences } from '../../src/domain/attempts.ts';
import {
  classify,
  decidingRule,
  decisionBehind,
  type DecidingRule,
  type RuleTable,
} from '../../src/domain/classify.ts';
import { deepFrozen } from './support.ts';

const taskType = fc.constantFrom('document_scan', 'face_match', 'nfc_read');
const code = fc.constantFrom(null, 'processing', 'failed', '(not listed)', 'new');
const attempt = fc.record({ taskType, evidence: fc.constantFrom(...evidences), code });
const table: fc.Arbitrary<RuleTable> = fc.record({
  version: fc.constant('v1'),
  effectiveFrom: fc.constant('2026-01-01'),
  effectiveTo: fc.constant(null),
  source: fc.constant('generated'),
  rules: fc.uniqueArray(fc.record({ taskType, outcomeCode: code, invoiced: fc.boolean() }), {
    selector: (rule) => JSON.stringify([rule.taskType, rule.outcomeCode]),
  }),
  executedTasks: fc.uniqueArray(fc.record({ taskType, invoiced: fc.boolean() }), { selector: (one) => one.taskType }),
});

type Turnable = { readonly taskType: string; readonly outcomeCode?: string | null; readonly invoiced: boolean };
const isRule = (one: Turnable, rule: DecidingRule) =>
  one.taskType === rule.taskType && one.outcomeCode === (rule.kind === 'code' ? rule.outcomeCode : undefined);
/** The table with some of its rules saying the opposite. */
function turned(rules: RuleTable, isTurned: (one: Turnable) => boolean): RuleTable {
  const turn = <T extends Turnable>(one: T): T => (isTurned(one) ? { ...one, invoiced: !one.invoiced } : one);
  return { ...rules, rules: rules.rules.map(turn), executedTasks: rules.executedTasks.map(turn) };
}

test('the rule that decided is the one on which the decision turns, and the only one', () => {
  fc.assert(
    fc.property(attempt, table, (one, rules) => {
      const decision = classify(deepFrozen(one), deepFrozen(rules));
      const rule = decidingRule(one, rules);
      const others = classify(
        one,
        turned(rules, (other) => !rule || !isRule(other, rule)),
      );
      expect(others).toEqual(decision);
      if (rule) {
        expect(rule.invoiced).toBe(decision.invoiced);
        expect(
          classify(
            one,
            turned(rules, (other) => isRule(other, rule)),
          ).invoiced,
        ).toBe(!rule.invoiced);
      } else expect(decision.invoiced === null || decision.reason.startsWith('vendor_counter_')).toBe(true);
    }),
    { numRuns: 5_000 },
  );
});

test('a decision without its evidence leads back to the same rule', () => {
  fc.assert(
    fc.property(attempt, fc.option(table, { nil: undefined }), (one, rules) => {
      const decided = { taskType: one.taskType, code: one.code, ...classify(one, rules) };
      expect(decisionBehind(decided, rules)).toEqual({ rule: decidingRule(one, rules) });
    }),
    { numRuns: 5_000 },
  );
});

test('a decision that a table cannot have led to leads back to nothing', () => {
  fc.assert(
    fc.property(attempt, table, (one, rules) => {
      const decision = classify(one, rules);
      const behind = (more: object) =>
        decisionBehind({ taskType: one.taskType, code: one.code, ...decision, ...more }, rules);
      expect(behind({ ruleTableVersion: 'v2' })).toBeUndefined();
      if (decision.invoiced !== null) expect(behind({ invoiced: !decision.invoiced })).toBeUndefined();
      else expect(behind({ invoiced: true })).toBeUndefined();
    }),
    { numRuns: 2_000 },
  );
});

test('no rule decides where no table is in force, whatever the evidence', () => {
  for (const evidence of evidences)
    expect(decidingRule({ taskType: 'face_match', evidence, code: null }, undefined)).toBeUndefined();
});

test('a rule is said to be for a code or for all executed tasks', () => {
  const rules: RuleTable = {
    version: 'v1',
    effectiveFrom: '2026-01-01',
    effectiveTo: null,
    source: 'by hand',
    rules: [{ taskType: 'face_match', outcomeCode: 'failed', invoiced: false }],
    executedTasks: [{ taskType: 'face_match', invoiced: true }],
  };
  const ruleFor = (outcome: string | null) =>
    decidingRule({ taskType: 'face_match', evidence: 'task_completed_transaction', code: outcome }, rules);
  expect(ruleFor('failed')).toEqual({ kind: 'code', taskType: 'face_match', outcomeCode: 'failed', invoiced: false });
  expect(ruleFor(null)).toEqual({ kind: 'executed_task', taskType: 'face_match', invoiced: true });
});
