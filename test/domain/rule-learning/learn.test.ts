import { describe, expect, test } from 'vitest';
import { attributes, codeFindings, type Scope } from '../../../src/domain/rule-learning/findings.ts';
import { learn, mayHaveChanged } from '../../../src/domain/rule-learning/learn.ts';
import { type Observation, systemOf } from '../../../src/domain/rule-learning/observations.ts';
import { settle } from '../../../src/domain/rule-learning/settle.ts';
import { idsOf, observed, said, scanOf } from './support-observations.ts';

const spanOf = (observations: readonly Observation[]) => learn(observations).spans[0]!;
const codesOf = (observations: readonly Observation[]) => spanOf(observations).codes;

describe('what counters say of a code', () => {
  test('has the shortest proof, its tasks and the first of them', () => {
    const observations = [
      observed('more', ['back', null], 1, { tasks: 5, day: 2 }),
      observed('one', [null], 1, { tasks: 3, day: 4 }),
      observed('long way', ['back', 'x'], 0, { tasks: 2, day: 3 }),
      observed('other', ['back', null, null], 2, { tasks: 4, day: 3 }),
    ];
    const at = (day: number) => new Date(`2026-10-0${day}T12:00:00Z`);
    const about = { taskType: 'document_scan', scope: {}, ground: 'proven', unproven: [] };
    expect(learn(observations)).toEqual({
      spans: [
        {
          fromDay: null,
          toDay: null,
          codes: [
            {
              ...about,
              code: null,
              charged: true,
              proof: [{ transactionId: 'one', tasks: 3 }],
              tasks: 12,
              firstAt: at(2),
            },
            {
              ...about,
              code: 'back',
              charged: false,
              proof: [{ transactionId: 'long way', tasks: 2 }],
              tasks: 11,
              firstAt: at(2),
            },
            {
              ...about,
              code: 'x',
              charged: false,
              proof: [{ transactionId: 'long way', tasks: 2 }],
              tasks: 2,
              firstAt: at(3),
            },
          ],
          contradictions: [],
        },
      ],
      change: undefined,
    });
  });

  test('names every task of a proof that cannot be left out, those with the fewest behind them first', () => {
    const codes = codesOf([
      observed('both', ['a', 'b'], 1, { tasks: 7 }),
      observed('known', ['b'], 0, { tasks: 9 }),
      observed('also', ['a', 'b', 'c'], 2, { tasks: 2 }),
    ]);
    const proofs = codes.map(({ code, charged, proof }) => [
      code,
      charged,
      proof.map(({ transactionId }) => transactionId),
    ]);
    expect(proofs).toEqual([
      ['a', true, ['both', 'known']],
      ['b', false, ['known']],
      ['c', true, ['also', 'known']],
    ]);
  });

  test('is in order of task type and code, success first', () => {
    const [selfie, success] = [scanOf('b', { taskType: 'face_match' }), scanOf(null, { taskType: 'face_match' })];
    const codes = codesOf([observed('1', [selfie, success, 'c', 'B', null, 'b'], 6)]);
    expect(codes.map(({ taskType, code }) => [taskType, code])).toEqual([
      ['document_scan', null],
      ['document_scan', 'B'],
      ['document_scan', 'b'],
      ['document_scan', 'c'],
      ['face_match', null],
      ['face_match', 'b'],
    ]);
  });

  test('is nothing where counters are right either way, contradict each other, or ask for too much work', () => {
    expect(said(codesOf([observed('1', ['x', 'y'], 1)]))).toEqual([
      ['x', {}, 'inseparable'],
      ['y', {}, 'inseparable'],
    ]);
    expect(codesOf([observed('1', ['x'], 1), observed('2', ['x'], 0)])).toMatchObject([
      { code: 'x', charged: null, ground: 'contradictory', proof: [], unproven: [], tasks: 2 },
    ]);
    const system = systemOf([observed('1', ['x', scanOf('x', { linked: true }), 'y'], 1)]);
    const solution = { isConsistent: true, forced: new Map(), undecided: new Set([0]) } as const;
    const settled = { solution, active: new Map(), contradictions: [], untrusted: new Set<number>() };
    expect(said(codeFindings(system, settled))).toEqual([
      ['x', {}, 'too_much_work'],
      ['y', {}, 'inseparable'],
    ]);
  });
});

describe('a charge that depends on more than the code', () => {
  /** Scans with all values, each in some tasks of its own; charged where an odd number of the named attributes is set. */
  const scans = [0, 1, 2, 3, 4, 5, 6, 7].map((bits) => ({
    level: bits & 1 ? 'basic' : 'advanced',
    linked: (bits & 2) !== 0,
    captureSource: bits & 4 ? 'file' : 'camera',
  }));
  const isSet = { level: 'basic', linked: true, captureSource: 'file' };

  test.each([
    [['linked']],
    [['level']],
    [['captureSource']],
    [['level', 'linked']],
    [['linked', 'captureSource']],
    [['level', 'captureSource']],
    [attributes],
  ] as (readonly (keyof Scope)[])[][])('on %j is said by just these', (by) => {
    const charges = (scan: Scope) => by.filter((one) => scan[one] === isSet[one]).length % 2 === 1;
    const codes = codesOf(
      scans.map((scan, index) => observed(`${index}`, [scanOf('x', scan)], charges(scan) ? 1 : 0, { tasks: 3 })),
    );
    expect(codes).toHaveLength(2 ** by.length);
    for (const { scope, charged, ground, unproven } of codes) {
      expect([Object.keys(scope), charged, ground]).toEqual([by, charges(scope), 'proven']);
      expect(unproven).toEqual([]);
    }
    expect(codes.map(({ scope }) => JSON.stringify(Object.values(scope)))).toEqual(
      codes.map(({ scope }) => JSON.stringify(Object.values(scope))).sort(),
    );
  });

  const byLinked = (linked: number, others: number, more: readonly Observation[] = []) =>
    codesOf([
      observed('linked', [scanOf('x', { linked: true })], 0, { tasks: linked }),
      observed('not', [scanOf('x')], 1, { tasks: others }),
      ...more,
    ]);

  test('is not taken for a rule where no more than two counters say so: nothing is proven of such scans', () => {
    expect(said(byLinked(3, 30))).toEqual([
      ['x', { linked: false }, true],
      ['x', { linked: true }, false],
    ]);
    expect(byLinked(2, 30)).toMatchObject([{ scope: {}, charged: true, unproven: [{ linked: true }], tasks: 32 }]);
    expect(byLinked(30, 2)).toMatchObject([{ scope: {}, charged: false, unproven: [{ linked: false }], tasks: 32 }]);
    // Too few to say which of them is wrong.
    expect(said(byLinked(2, 2))).toEqual([['x', {}, 'contradictory']]);
  });

  test('leaves open what follows from it alone', () => {
    const more = [observed('with y', [scanOf('x', { linked: true }), 'y'], 1, { tasks: 4 }), observed('z', ['z'], 1)];
    // If the two counters are wrong, y is not charged.
    expect(said(byLinked(2, 30, more))).toEqual([
      ['x', {}, true],
      ['y', {}, 'contradictory'],
      ['z', {}, true],
    ]);
  });

  test('names values that nothing is proven about, those of the fewest attributes', () => {
    const codes = codesOf([
      observed('1', [scanOf('x')], 1),
      observed('2', [scanOf('x', { level: 'basic' }), 'y'], 1),
      observed('3', [scanOf('x', { level: 'basic', linked: true }), 'y'], 1),
    ]);
    expect(codes[0]).toMatchObject({ code: 'x', charged: true, unproven: [{ linked: true }, { level: 'basic' }] });
  });
});

describe('counters in contradiction', () => {
  test.each([
    [10, 1, true, ['few']],
    [9, 1, 'contradictory', ['few', 'many']],
    [20, 2, true, ['few']],
    [19, 2, 'contradictory', ['few', 'many']],
  ])('%d tasks against %d: %s, set aside: %j', (many, few, expected, aside) => {
    const { codes, contradictions } = spanOf([
      observed('many', ['x'], 1, { tasks: many }),
      observed('few', ['x'], 0, { tasks: few }),
    ]);
    expect(said(codes)).toEqual([['x', {}, expected]]);
    expect(contradictions.map((one) => [idsOf(one.observations), idsOf(one.setAside)])).toEqual([
      [['few', 'many'], aside],
    ]);
  });

  test('leave the other codes of their tasks open, and say the rest', () => {
    const { codes, contradictions } = spanOf([
      observed('1', ['x'], 1),
      observed('2', ['x'], 0),
      observed('3', ['x', 'y'], 1),
      observed('4', ['x', 'z', 'z'], 3),
      observed('5', ['w'], 1),
    ]);
    expect(said(codes)).toEqual([
      ['w', {}, true],
      ['x', {}, 'contradictory'],
      ['y', {}, 'inseparable'],
      ['z', {}, true],
    ]);
    expect(contradictions).toHaveLength(1);
  });

  test('more than a hundred times: nothing is said at all', () => {
    const contradicting = (count: number) =>
      Array.from({ length: count }, (_, index) => [
        observed(`${index}`, [`c${index}`], 0),
        observed('', [`c${index}`], 1),
      ]);
    const untrusted = (count: number) =>
      settle(systemOf([...contradicting(count).flat(), observed('w', ['w'], 1)])).untrusted.size;
    expect([100, 101].map(untrusted)).toEqual([100, 102]);
    const grounds = new Set(codesOf(contradicting(101).flat()).map(({ ground }) => ground));
    expect([...grounds]).toEqual(['contradictory']);
  });

  test('may be a change from the third task on', () => {
    const against = (tasks: number) => [observed('1', ['x'], 1, { tasks: 30 }), observed('2', ['x'], 0, { tasks })];
    expect([2, 3].map((tasks) => mayHaveChanged(against(tasks)))).toEqual([false, true]);
    const twice = [...against(2), observed('3', ['y'], 1, { tasks: 30 }), observed('4', ['y'], 0)];
    expect(mayHaveChanged(twice)).toBe(true);
  });
});
