import type { Charged, Quantities } from './charges.ts';
import { partsOf } from './search.ts';
import { forEachUnits, moneySets } from './sets.ts';
import { chargedBy, costOf, type HypothesisSet, quantitiesOf, type Space } from './space.ts';

/** Below this, what was found is no chance. */
const bound = 0.002;

/** A hypothesis of a set, or its way to cut off. */
export type Member = `cutOff` | `decision ${number}` | `money ${number}`;

export function membersOf({ cutOff, decisions, money }: HypothesisSet): Member[] {
  const all: Member[] = [
    ...decisions.map((one): Member => `decision ${one}`),
    ...money.map((one): Member => `money ${one}`),
  ];
  return cutOff === 0 ? all : ['cutOff', ...all];
}

/**
 * Finds which parts of a set are no chance: for every group of parts with one of them in it, what the group adds to the
 * rest is compared with all that other hypotheses might have added. What lies so close together that one of them was
 * bound to be hit says nothing.
 *
 * @param leftOut places of cells that do not count.
 */
export function certainMembers(space: Space, set: HypothesisSet, leftOut: ReadonlySet<number>): Set<Member> {
  const certain = new Set(membersOf(set));
  for (const group of partsOf(membersOf(set))) {
    if (group.length === 0 || !group.some((member) => certain.has(member))) continue;
    // A way to cut off by a zone and by a time counts as two.
    const parts = group.length + (group.includes('cutOff') ? (space.cutOffs[set.cutOff]?.cost ?? 1) - 1 : 0);
    const doubt = parts - 1 + (group.some((member) => isOnFreeUnits(space, member)) ? 2 : 0);
    if (expectedByChance(space, set, group, leftOut) * 10 ** doubt < bound) continue;
    for (const member of group) certain.delete(member);
  }
  return certain;
}

/**
 * Free units may be left unprinted, so that a quantity fits that is not the printed one: it is easier to be hit by chance.
 * Of 9,459 months with faults that no hypothesis is about, the three wrong causes were all of this kind.
 */
function isOnFreeUnits({ money }: Space, member: Member): boolean {
  const [kind, place] = member.split(' ');
  return kind === 'money' && money[Number(place)]?.cause === 'allowance';
}

/** What a set adds to another one: units of each cell, and where the prices differ also minor units, the minimum last. */
type Added = readonly number[];

/** How many sets would be expected to add exactly what a group adds, if what sets add were spread by chance. */
function expectedByChance(
  space: Space,
  set: HypothesisSet,
  group: readonly Member[],
  leftOut: ReadonlySet<number>,
): number {
  const base = without(set, group);
  const comparison = { space, base, leftOut, baseUnits: unitsOf(quantitiesOf(space, base, leftOut)) };
  const counter = new NeighbourCount(addedBy(comparison, set));
  const budget = costOf(space, set);
  const isOnPrices = base.money.length < set.money.length;
  const isOnUnits = costOf(space, base) - base.money.length < budget - set.money.length;
  const prices = Array.from({ length: isOnPrices ? budget + 1 : 1 }, (_, more) => moneySets(space, base.money, more));
  const mostOnUnits = isOnUnits ? budget - base.money.length : costOf(space, base) - base.money.length;
  forEachUnits(space, base, mostOnUnits, (cutOff, decisions, units) => {
    if (!counter.mayBeNear(comparison.baseUnits.map((own, cell) => (leftOut.has(cell) ? 0 : (units[cell] ?? 0) - own))))
      return true;
    const left = budget - costOf(space, { cutOff, decisions, money: base.money });
    for (const money of prices.slice(0, left + 1).flat())
      counter.count(addedBy(comparison, { cutOff, decisions, money }));
    return true;
  });
  return counter.expected();
}

function without({ cutOff, decisions, money }: HypothesisSet, group: readonly Member[]): HypothesisSet {
  return {
    cutOff: group.includes('cutOff') ? 0 : cutOff,
    decisions: decisions.filter((one) => !group.includes(`decision ${one}`)),
    money: money.filter((one) => !group.includes(`money ${one}`)),
  };
}

type Comparison = {
  readonly space: Space;
  readonly base: HypothesisSet;
  readonly baseUnits: readonly number[];
  readonly leftOut: ReadonlySet<number>;
};

function addedBy({ space, base, baseUnits, leftOut }: Comparison, set: HypothesisSet): Added {
  const quantities = quantitiesOf(space, set, leftOut);
  const units = unitsOf(quantities).map((one, cell) => one - (baseUnits[cell] ?? 0));
  if (base.money.length === set.money.length) return [...units, ...units.map(() => 0), 0];
  const was = minorUnits(space, chargedBy(space, base.money, quantities));
  const is = minorUnits(space, chargedBy(space, set.money, quantities));
  return [...units, ...is.map((one, place) => one - (was[place] ?? 0))];
}

const unitsOf = (quantities: Quantities): number[] => quantities.map((row) => row.reduce((sum, one) => sum + one, 0));

/** What each cell costs, in minor units, and what tops it up. A line that cells share counts to the first of them. */
function minorUnits({ tally, ownReading }: Space, { lines, minimum }: Charged): number[] {
  const amounts = [...tally.cells.map(() => 0n), minimum];
  for (const { cells, amount } of lines) {
    const [cell = 0] = cells;
    amounts[cell] = (amounts[cell] ?? 0n) + amount;
  }
  const unit = 10n ** BigInt(6 - (ownReading.lists[0]?.minorDigits ?? 2));
  return amounts.map((amount) => Number(amount / unit));
}

/** Counts what different sets add near to what one group adds. */
class NeighbourCount {
  readonly #wanted: Added;
  readonly #lines: readonly number[];
  /** What was added within half and double, within three roots, and within one root: each only once. */
  readonly #near = [new Set<string>(), new Set<string>(), new Set<string>()] as const;

  constructor(wanted: Added) {
    this.#wanted = wanted;
    this.#lines = [...wanted.keys()].filter((line) => wanted[line] !== 0);
  }

  /** Whether the units alone let it be counted. */
  mayBeNear(units: readonly number[]): boolean {
    return units.every((unit, cell) => {
      const wanted = this.#wanted[cell] ?? 0;
      return Math.sign(unit) === Math.sign(wanted) && isWithin(unit, wanted, farthest);
    });
  }

  count(added: Added): void {
    if (added.some((one, line) => Math.sign(one) !== Math.sign(this.#wanted[line] ?? 0))) return;
    const key = added.join();
    for (const [place, near] of neighbourhoods.entries())
      if (this.#lines.every((line) => isWithin(added[line] ?? 0, this.#wanted[line] ?? 0, near)))
        this.#near[place]?.add(key);
  }

  expected(): number {
    if (this.#lines.length === 0) return Number.POSITIVE_INFINITY;
    const [double, roots, root] = this.#near;
    const per = (count: number, place: number): number =>
      this.#lines.reduce((left, line) => left / volume(this.#wanted[line] ?? 0, place), count);
    return Math.max(per(double.size, 0), per(roots.size - 1, 1), per(root.size - 1, 2));
  }
}

/** How far from an amount its neighbours lie, without its sign. */
type Neighbourhood = (magnitude: number) => readonly [least: number, most: number];

const neighbourhoods: readonly Neighbourhood[] = [
  (magnitude) => [magnitude / 2, 2 * magnitude],
  (magnitude) => [magnitude - 3 * Math.sqrt(magnitude), magnitude + 3 * Math.sqrt(magnitude)],
  (magnitude) => [magnitude - Math.sqrt(magnitude), magnitude + Math.sqrt(magnitude)],
];
const farthest: Neighbourhood = (magnitude) => [
  Math.min(magnitude / 2, magnitude - 3 * Math.sqrt(magnitude)),
  Math.max(2 * magnitude, magnitude + 3 * Math.sqrt(magnitude)),
];

function isWithin(one: number, wanted: number, near: Neighbourhood): boolean {
  const [least, most] = near(Math.abs(wanted));
  return Math.abs(one) >= least && Math.abs(one) <= most;
}

/** How many whole numbers of the same sign a neighbourhood holds; of the first one its length, which is less. */
function volume(wanted: number, place: number): number {
  const magnitude = Math.abs(wanted);
  const near = neighbourhoods[place];
  if (!near || place === 0) return 1.5 * magnitude;
  const [least, most] = near(magnitude);
  return Math.floor(most) - Math.max(1, Math.ceil(least)) + 1;
}
