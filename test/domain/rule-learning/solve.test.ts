import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Constraint } from '../../../src/domain/rule-learning/constraints.ts';
import { isForced, isSolvable, shortened, solve } from '../../../src/domain/rule-learning/solve.ts';

const unknowns = 6;

/** Every way to give the unknowns values that keeps all constraints. */
function allSolutions(constraints: readonly Constraint[]): boolean[][] {
  return Array.from({ length: 2 ** unknowns }, (_, bits) =>
    Array.from({ length: unknowns }, (__, unknown) => ((bits >> unknown) & 1) === 1),
  ).filter((values) =>
    constraints.every(({ terms, low, high }) => {
      const charged = terms.reduce((sum, { unknown, count }) => sum + (values[unknown] ? count : 0), 0);
      return low <= charged && charged <= high;
    }),
  );
}

const terms = fc
  .uniqueArray(fc.record({ unknown: fc.nat(unknowns - 1), count: fc.integer({ min: 1, max: 3 }) }), {
    selector: ({ unknown }) => unknown,
    minLength: 1,
    maxLength: 4,
  })
  .chain((some) => {
    const most = some.reduce((sum, { count }) => sum + count, 0);
    return fc.record({ terms: fc.constant(some), low: fc.integer({ min: 0, max: most }), slack: fc.nat(1) });
  })
  .map(({ terms, low, slack }): Constraint => ({ terms, low, high: low + (slack === 1 && low % 2 === 0 ? 1 : 0) }));
const systems = fc.array(terms, { minLength: 1, maxLength: 7 });

describe('a system of counters', () => {
  test('is solved as trying all values does', () => {
    fc.assert(
      fc.property(systems, (constraints) => {
        const solutions = allSolutions(constraints);
        const solved = solve(constraints);
        expect(solved.isConsistent).toBe(solutions.length > 0);
        expect(isSolvable(constraints)).toBe(solutions.length > 0);
        if (!solved.isConsistent) return;
        expect(solved.undecided.size).toBe(0);
        const occurring = new Set(constraints.flatMap(({ terms }) => terms.map(({ unknown }) => unknown)));
        for (const unknown of occurring) {
          const values = new Set(solutions.map((one) => one[unknown]));
          expect(solved.forced.get(unknown)?.value).toBe(values.size === 1 ? [...values][0] : undefined);
        }
      }),
      { numRuns: 1_000, seed: 36 },
    );
  });

  test('has proofs that prove, of which nothing can be left out', () => {
    fc.assert(
      fc.property(systems, (constraints) => {
        const pick = (places: Iterable<number>) => [...places].map((place) => constraints[place]!);
        const solved = solve(constraints);
        if (!solved.isConsistent) {
          expect(allSolutions(pick(solved.conflict))).toEqual([]);
          const core = shortened(
            solved.conflict,
            (a, b) => a - b,
            (rest) => isSolvable(pick(rest)) === false,
          );
          expect(allSolutions(pick(core))).toEqual([]);
          for (const place of core)
            expect(allSolutions(pick(core.filter((one) => one !== place))).length).toBeGreaterThan(0);
          return;
        }
        for (const [unknown, { value, proof }] of solved.forced) {
          const proves = (places: Iterable<number>) =>
            allSolutions(pick(places)).every((one) => one[unknown] === value);
          expect(proves(proof)).toBe(true);
          const short = shortened(
            proof,
            (a, b) => a - b,
            (rest) => isForced(pick(rest), unknown, value),
          );
          expect(proves(short)).toBe(true);
          for (const place of short) expect(proves(short.filter((one) => one !== place))).toBe(false);
        }
      }),
      { numRuns: 500, seed: 36 },
    );
  });

  test('that is too much work is left open, never guessed', () => {
    // Sums of many equal halves: nothing is forced, and there is no solution that propagation would find.
    const many = Array.from({ length: 30 }, (_, unknown) => ({ unknown, count: 2 }));
    const solved = solve([{ terms: many, low: 31, high: 31 }]);
    expect(solved.isConsistent && solved.forced.size === 0 && solved.undecided.size === 30).toBe(true);
  });
});
