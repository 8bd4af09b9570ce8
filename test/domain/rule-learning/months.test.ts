import { describe, expect, test } from 'vitest';
import { attributes, type CodeFinding } from '../../../src/domain/rule-learning/findings.ts';
import { learn, learnChange, mayHaveChanged } from '../../../src/domain/rule-learning/learn.ts';
import type { ScanClass } from '../../../src/domain/rule-learning/observations.ts';
import {
  chances,
  type Code,
  dayText,
  documentedCodes,
  type HiddenTable,
  hiddenTable,
  manyCodes,
  observationsOf,
  type SimulatedTask,
  simulatedMonth,
} from './support-months.ts';

/** `RULE_MONTHS=full` for the long form. */
const runs = process.env['RULE_MONTHS'] === 'full' ? 1_000 : 20;

/** Findings that are wrong about a scan that occurs, but for values that are said to be unproven. */
function wrongAmong(codes: readonly CodeFinding[], tasks: readonly SimulatedTask[], charges: HiddenTable) {
  return codes.filter(
    (finding) =>
      finding.charged !== null &&
      tasks.some(({ scans, day }) =>
        scans.some((scan) => isConcluded(finding, scan) && charges(scan, day) !== finding.charged),
      ),
  );
}

const has = (scan: ScanClass, scope: object) =>
  attributes.every(
    (attribute) => !(attribute in scope) || (scope as Partial<ScanClass>)[attribute] === scan[attribute],
  );
const isConcluded = ({ code, scope, unproven }: CodeFinding, scan: ScanClass) =>
  scan.code === code && has(scan, scope) && !unproven.some((one) => has(scan, one));

const determined = (codes: readonly CodeFinding[]) =>
  new Set(codes.filter(({ charged }) => charged !== null).map(({ code }) => code)).size;

describe('months of tasks with a hidden table', () => {
  const months: [what: string, codes: readonly Code[], linkedCodes: number][] = [
    ['12 codes', documentedCodes, 0],
    ['25 codes', manyCodes, 0],
    ['a charge that depends on linked', documentedCodes, 2],
  ];

  test.each(months)('%s: nothing wrong is concluded, however many tasks there are', (_, codes, linkedCodes) => {
    for (let seed = 1; seed <= runs; seed += 1)
      for (const size of [5, 20, 60, 140, 400]) {
        const charges = hiddenTable(seed, codes, linkedCodes);
        const tasks = simulatedMonth(seed, codes, charges, size);
        const { spans } = learn(observationsOf(tasks));
        expect(spans[0]!.contradictions, `seed ${seed}, ${size} tasks`).toEqual([]);
        expect(wrongAmong(spans[0]!.codes, tasks, charges), `seed ${seed}, ${size} tasks`).toEqual([]);
      }
  });

  test('all 12 codes are determined from 140 tasks on', () => {
    for (let seed = 1; seed <= runs; seed += 1)
      for (const size of [140, 200, 400]) {
        const tasks = simulatedMonth(seed, documentedCodes, hiddenTable(seed, documentedCodes), size);
        const { codes } = learn(observationsOf(tasks)).spans[0]!;
        expect(determined(codes), `seed ${seed}, ${size} tasks`).toBe(12);
      }
  });

  test('a code that is charged by whether it is linked is said value by value', () => {
    for (let seed = 1; seed <= runs; seed += 1) {
      const charges = hiddenTable(seed, documentedCodes, 1);
      const tasks = simulatedMonth(seed, documentedCodes, charges, 1_000);
      const scoped = learn(observationsOf(tasks)).spans[0]!.codes.filter(({ scope }) => 'linked' in scope);
      expect(scoped.map(({ scope, charged }) => [scope, charged])).toHaveLength(2);
      expect(scoped.map(({ charged }) => charged).sort()).toEqual([false, true]);
    }
  });

  test('a change in mid-month is found with its day, ± 1, and both sides are right', () => {
    for (let seed = 1; seed <= runs; seed += 1) {
      const chance = chances(seed);
      const changeDay = 8 + chance.below(16);
      const code = chance.oneOf(documentedCodes);
      const before = hiddenTable(seed, documentedCodes);
      const charges: HiddenTable = (scan, day) =>
        scan.code === code && day >= changeDay ? !before(scan, day) : before(scan, day);
      const tasks = simulatedMonth(seed, documentedCodes, charges, 1_500);
      const whole = learn(observationsOf(tasks));
      expect(mayHaveChanged(whole)).toBe(true);
      const { change, spans } = learnChange(observationsOf(tasks, true))!;
      for (const day of [change!.earliest, change!.latest])
        expect(
          Math.abs(Number(day.slice(-2)) - changeDay),
          `seed ${seed}: ${day} for ${dayText(changeDay)}`,
        ).toBeLessThanOrEqual(1);
      const [first, second] = spans.map(({ codes }) => codes.find((one) => one.code === code)?.charged);
      expect([first, second], `seed ${seed}`).toEqual([!second, second]);
      const isEarly = ({ day }: SimulatedTask) => dayText(day) < change!.earliest;
      const isLate = ({ day }: SimulatedTask) => dayText(day) >= change!.latest;
      expect(wrongAmong(spans[0]!.codes, tasks.filter(isEarly), charges)).toEqual([]);
      expect(wrongAmong(spans[1]!.codes, tasks.filter(isLate), charges)).toEqual([]);
    }
  });

  test('one faulty counter is said, not taken for a change, and concludes nothing wrong', () => {
    let wrong = 0;
    for (let seed = 1; seed <= runs; seed += 1) {
      const charges = hiddenTable(seed, documentedCodes);
      const tasks = simulatedMonth(seed, documentedCodes, charges, 400);
      const chance = chances(seed);
      const at = chance.below(tasks.length);
      const faulty = tasks.map((task, index) =>
        index === at ? { ...task, charged: task.charged + (task.charged === 0 || chance.next() < 0.5 ? 1 : -1) } : task,
      );
      const learned = learn(observationsOf(faulty));
      expect(mayHaveChanged(learned), `seed ${seed}`).toBe(false);
      const { contradictions, codes } = learned.spans[0]!;
      wrong += wrongAmong(codes, tasks, charges).length;
    }
    expect(wrong).toBe(0);
  });
});
