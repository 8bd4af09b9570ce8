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

describe('months of tasks with a hidden table', { timeout: 900_000 }, () => {
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
        if (linkedCodes === 0) expect(spans[0]!.contradictions, `seed ${seed}, ${size} tasks`).toEqual([]);
        expect(wrongAmong(spans[0]!.codes, tasks, charges), `seed ${seed}, ${size} tasks`).toEqual([]);
      }
  });

  test('all codes that occur are determined from 140 tasks on, in 98 of 100 months', () => {
    let [months, whole] = [0, 0];
    for (let seed = 1; seed <= runs; seed += 1)
      for (const size of [140, 200, 400]) {
        const tasks = simulatedMonth(seed, documentedCodes, hiddenTable(seed, documentedCodes), size);
        const occurring = new Set(tasks.flatMap(({ scans }) => scans.map(({ code }) => code))).size;
        months += 1;
        if (determined(learn(observationsOf(tasks)).spans[0]!.codes) === occurring) whole += 1;
      }
    expect(whole / months).toBeGreaterThanOrEqual(0.98);
    if (runs === 20) expect(whole).toBe(months);
  });

  test('a code that is charged by whether it is linked is said value by value', () => {
    let said = 0;
    for (let seed = 1; seed <= runs; seed += 1) {
      const charges = hiddenTable(seed, documentedCodes, 1);
      const tasks = simulatedMonth(seed, documentedCodes, charges, 1_000);
      const scoped = learn(observationsOf(tasks)).spans[0]!.codes.filter(({ scope }) => 'linked' in scope);
      if (scoped.length === 2 && scoped[0]!.charged === !scoped[1]!.charged) said += 1;
      expect(wrongAmong(scoped, tasks, charges)).toEqual([]);
    }
    expect(said / runs).toBeGreaterThanOrEqual(0.95);
  });

  test('a change in mid-month is found with its day, ± 1, and both sides are right', () => {
    for (let seed = 1; seed <= runs / 2; seed += 1) {
      const chance = chances(seed);
      const changeDay = 8 + chance.below(16);
      const code = chance.oneOf(documentedCodes);
      const before = hiddenTable(seed, documentedCodes);
      const charges: HiddenTable = (scan, day) =>
        scan.code === code && day >= changeDay ? !before(scan, day) : before(scan, day);
      const tasks = simulatedMonth(seed, documentedCodes, charges, 4_000);
      expect(mayHaveChanged(observationsOf(tasks))).toBe(true);
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

  test('one faulty counter is not taken for a change, and leads to nothing wrong', () => {
    let said = 0;
    for (let seed = 1; seed <= runs; seed += 1) {
      const charges = hiddenTable(seed, documentedCodes);
      const tasks = simulatedMonth(seed, documentedCodes, charges, 400);
      const chance = chances(seed);
      const at = chance.below(tasks.length);
      const off = tasks[at]!.charged === 0 || chance.next() < 0.5 ? 1 : -1;
      const observations = observationsOf(tasks.with(at, { ...tasks[at]!, charged: tasks[at]!.charged + off }));
      expect(mayHaveChanged(observations), `seed ${seed}`).toBe(false);
      const { codes, contradictions } = learn(observations).spans[0]!;
      expect(wrongAmong(codes, tasks, charges), `seed ${seed}`).toEqual([]);
      if (contradictions.length > 0) said += 1;
    }
    expect(said / runs).toBeGreaterThanOrEqual(0.95);
  });
});
