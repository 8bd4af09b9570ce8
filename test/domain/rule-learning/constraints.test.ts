import { describe, expect, test } from 'vitest';
import { type Constraint, findValues, propagateProving } from '../../../src/domain/rule-learning/constraints.ts';
import { isForced, solve } from '../../../src/domain/rule-learning/solve.ts';

/** Of these unknowns, each named as often as it is counted, so many are charged. */
const sum = (unknowns: readonly number[], low: number, high = low): Constraint => {
  const counts = new Map<number, number>();
  for (const unknown of unknowns) counts.set(unknown, (counts.get(unknown) ?? 0) + 1);
  return { terms: [...counts].map(([unknown, count]) => ({ unknown, count })), low, high };
};
const forcedBy = (...constraints: Constraint[]) =>
  Object.fromEntries(
    [...propagateProving(constraints).forced].map(([unknown, { value, proof }]) => [
      unknown,
      [value, [...proof].sort()],
    ]),
  );

describe('a constraint alone', () => {
  test.each([
    ['all', sum([0, 1], 2), { 0: [true, [0]], 1: [true, [0]] }],
    ['none', sum([0, 1], 0), { 0: [false, [0]], 1: [false, [0]] }],
    ['one of two', sum([0, 1], 1), {}],
    ['one or two of two', sum([0, 1], 1, 2), {}],
    ['more than the pair', sum([0, 0, 1], 1), { 0: [false, [0]], 1: [true, [0]] }],
    ['no less than the pair', sum([0, 0, 1], 2, 3), { 0: [true, [0]] }],
    ['two of a pair and two', sum([0, 0, 1, 2], 2), {}],
  ])('says, where it charges %s, just what it leaves no choice about', (_, constraint, expected) => {
    expect(forcedBy(constraint)).toEqual(expected);
  });
});

describe('constraints together', () => {
  const [yes, no] = [true, false];

  test('are proofs of what they force, one after the other', () => {
    expect(forcedBy(sum([0, 1], 1), sum([1, 2, 2], 2), sum([2, 3], 2))).toEqual({
      3: [yes, [2]],
      2: [yes, [1]],
      1: [no, [1]],
      0: [yes, [0, 1]],
    });
  });

  test.each([
    ['first', [sum([0, 4], 1), sum([0, 1, 2, 4], 3)], [0, 2]],
    ['last', [sum([0, 1, 2, 4], 3), sum([0, 4], 1)], [1, 2]],
  ])('prove a value by the fewest of them, where that comes %s', (_, constraints, proof) => {
    expect(forcedBy(...constraints, sum([0], 1), sum([1], 1), sum([2], 1))[4]).toEqual([no, proof]);
  });

  test('prove a value by the fewest of them, where that takes more steps', () => {
    const facts = [0, 1, 2, 3].map((unknown) => sum([unknown], 1));
    const steps = [sum([5], 0), sum([5, 6], 1), sum([6, 9], 1)];
    expect(forcedBy(...facts, sum([0, 1, 2, 3, 9], 4), ...steps)[9]).toEqual([no, [5, 6, 7]]);
  });

  test('contradict each other, by the fewest of them', () => {
    const facts = [sum([0], 1), sum([1], 1), sum([2], 1)];
    const conflictOf = (...more: Constraint[]) => [...propagateProving([...facts, ...more]).conflict!].sort();
    const [long, short] = [sum([0, 1, 2], 2), sum([0, 0, 3], 0)];
    expect(conflictOf(long)).toEqual([0, 1, 2, 3]);
    expect(conflictOf(sum([0, 1, 2], 0, 2), sum([0], 0))).toEqual([0, 4]);
    expect(conflictOf(sum([0], 0), long)).toEqual([0, 3]);
    expect(propagateProving([...facts, sum([0, 1, 2], 3)]).conflict).toBeUndefined();
    expect(solve([...facts, long])).toMatchObject({ isConsistent: false });
    expect(solve([...facts, short])).toMatchObject({ isConsistent: false });
  });

  test('have values that only a search finds, with a proof of all that is connected', () => {
    // 0 and 2 are both charged, or neither is; both would be too many.
    const connected = [sum([0, 1, 9], 2), sum([1, 2], 1), sum([0, 2, 3], 0, 1)];
    const solved = solve([sum([7, 8], 1), ...connected, sum([9], 1), sum([6], 0)]);
    expect(solved.isConsistent && [...solved.undecided]).toEqual([]);
    const forced = solved.isConsistent ? [...solved.forced] : [];
    expect(forced.map(([unknown, { value, proof }]) => [unknown, value, [...proof].sort()]).sort()).toEqual([
      [0, no, [1, 2, 3, 4]],
      [1, yes, [1, 2, 3, 4]],
      [2, no, [1, 2, 3, 4]],
      [6, no, [5]],
      [9, yes, [4]],
    ]);
    const impossible = solve([sum([7, 8], 1), ...connected, sum([0, 2], 1, 2), sum([9], 1)]);
    expect(!impossible.isConsistent && [...impossible.conflict].sort()).toEqual([1, 2, 3, 4, 5]);
  });
});

describe('values are looked for', () => {
  test('within what is given', () => {
    const constraints = [sum([0, 1], 1)];
    expect(findValues(constraints, new Map([[0, true]]), { left: 100 })).toEqual(
      new Map([
        [0, true],
        [1, false],
      ]),
    );
    expect(
      findValues(
        constraints,
        new Map([
          [0, true],
          [1, true],
        ]),
        { left: 100 },
      ),
    ).toBeNull();
    expect(isForced([...constraints, sum([0, 2], 2)], 1, false)).toBe(true);
    expect(isForced(constraints, 1, false)).toBe(false);
  });

  test.each([
    [0, undefined],
    [1, new Map([[0, true]])],
  ])('until the budget of %d terms is used up', (left, expected) => {
    const budget = { left };
    expect(findValues([sum([0], 1)], new Map(), budget)).toEqual(expected);
    expect(budget.left).toBe(-1);
  });
});
