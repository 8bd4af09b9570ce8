import type { PriceList } from '../prices.ts';
import { refines } from './cutoffs.ts';
import { billedUnder } from './decisions.ts';
import { forEachUnits, moneySets } from './sets.ts';
import { chargedBy, costOf, type HypothesisSet, nothing, quantitiesOf, type Space } from './space.ts';
import { isReproduced, mayBe, type Target, unprintedOf } from './target.ts';

/** A set may hold as many hypotheses. */
export const mostCost = 3;
/** As many sets are looked through. With more of them, something that would also do may not have been seen. */
const mostSets = 250_000;

export type Question = {
  readonly target: Target;
  /** Places of cells that the invoice has no lines of, and that are left out of the comparison for it. */
  readonly leftOut: ReadonlySet<number>;
  /** What a set may cost. */
  readonly budget: number;
  /** All price lists that are known. */
  readonly lists: readonly PriceList[];
};

export type Found = {
  /** All sets that reproduce the invoice and contain no other of them, the cheapest first. */
  readonly sets: readonly HypothesisSet[];
  readonly tried: number;
  readonly isBounded: boolean;
};

/** Finds every set of hypotheses under which the books would equal the invoice, line by line. */
export function search(space: Space, question: Question): Found {
  const candidates: HypothesisSet[] = [];
  const moneyBySize = Array.from({ length: question.budget + 1 }, (_, size) => moneySets(space, [], size));
  const known = new Map<string, number[][]>();
  const isPossible = quickTest(space, question);
  let tried = 0;
  const isDone = forEachUnits(space, nothing, question.budget, (cutOff, decisions, units) => {
    tried += 1;
    if (tried > mostSets) return false;
    if (!isPossible(units)) return true;
    const set = { cutOff, decisions, money: [] };
    const quantities = quantitiesOf(space, set, question.leftOut);
    const key = quantities.map((row) => row.join()).join(' ');
    let fitting = known.get(key);
    if (!fitting) {
      // Sets come cheapest first: no later one of these quantities may have more hypotheses on prices.
      const tries = moneyBySize.slice(0, question.budget - costOf(space, set) + 1).flat();
      tried += tries.length - 1;
      fitting = tries.filter((money) =>
        isReproduced(question.target, chargedBy(space, money, quantities), question.leftOut),
      );
      known.set(key, fitting);
    }
    for (const money of fitting)
      if (costOf(space, { ...set, money }) <= question.budget) candidates.push({ ...set, money });
    return true;
  });
  const sets = candidates.sort((a, b) => costOf(space, a) - costOf(space, b));
  return {
    sets: withoutCostlier(space, withoutSupersets(space, sets)),
    tried: Math.min(tried, mostSets),
    isBounded: !isDone,
  };
}

/** A test of a set's quantities alone that lets through whatever may reproduce the invoice. */
function quickTest({ tally }: Space, { target, leftOut, lists }: Question): (units: Int32Array) => boolean {
  const tests = tally.cells.flatMap((cell, place) => {
    const known = target.cells[place];
    if (!known || leftOut.has(place)) return [];
    const unprinted = unprintedOf(cell, tally.cells, lists);
    return [{ place, printed: Number(known.quantity), hasFree: known.hasFree, unprinted }];
  });
  return (units) =>
    tests.every(({ place, printed, hasFree, unprinted }) => mayBe(units[place] ?? 0, printed, hasFree, unprinted));
}

/** @param sets the cheapest first. */
function withoutSupersets(space: Space, sets: readonly HypothesisSet[]): HypothesisSet[] {
  const coarser = space.cutOffs.map((fine, place) => [
    ...new Set([0, place, ...[...space.cutOffs.keys()].filter((other) => isCoarser(space, other, fine))]),
  ]);
  const kept = new Set<string>();
  return sets.filter((set) => {
    const isSuperset = [...subsets(set, coarser)].some((key) => kept.has(key));
    if (!isSuperset) kept.add(keyOf(set));
    return !isSuperset;
  });
}

/**
 * Leaves out sets under which the very same attempts are billed as under a cheaper one: they say the same with more
 * words, such as every code by its own for all codes.
 */
function withoutCostlier(space: Space, sets: readonly HypothesisSet[]): HypothesisSet[] {
  if (sets.length < 2) return [...sets];
  const cheapest = new Map<string, number>();
  return sets.filter((set) => {
    const totals = space.cutOffs[set.cutOff]?.totals;
    const billed = billedUnder(space.decisions, set.decisions).map((one, place) => (totals?.[place] === 0 ? 0 : one));
    const key = `${set.cutOff}/${billed.join('')}/${set.money.join()}`;
    const cost = costOf(space, set);
    const least = cheapest.get(key) ?? cost;
    cheapest.set(key, least);
    return cost === least;
  });
}

const isCoarser = ({ cutOffs }: Space, place: number, fine: Space['cutOffs'][number]): boolean => {
  const coarse = cutOffs[place];
  return coarse !== undefined && refines(fine, coarse);
};

const keyOf = ({ cutOff, decisions, money }: HypothesisSet): string => `${cutOff}/${decisions.join()}/${money.join()}`;

/** The keys of all sets that a set contains, itself among them. */
function* subsets({ cutOff, decisions, money }: HypothesisSet, coarser: readonly number[][]): Generator<string> {
  for (const some of partsOf(decisions))
    for (const prices of partsOf(money))
      for (const other of coarser[cutOff] ?? []) yield keyOf({ cutOff: other, decisions: some, money: prices });
}

/** All ways to take some of a few. */
export function partsOf<T>(all: readonly T[]): T[][] {
  return all.reduce<T[][]>((parts, one) => [...parts, ...parts.map((part) => [...part, one])], [[]]);
}
