import { interactionOf } from './decisions.ts';
import { cutOffsFrom, type HypothesisSet, type Space } from './space.ts';

/** All ways to add `size` numbers below `count` to some that are given, in order. */
function* additions(given: readonly number[], count: number, size: number, from = 0): Generator<number[]> {
  if (size === 0) yield [...given].sort((a, b) => a - b);
  else
    for (let next = from; next < count; next += 1)
      if (!given.includes(next)) yield* additions([...given, next], count, size - 1, next + 1);
}

/** Calls back with how many units each cell has under a set; the array is used again. `false` ends the search. */
export type VisitUnits = (cutOff: number, decisions: readonly number[], units: Int32Array) => boolean;

/**
 * Goes through all sets of hypotheses on quantities that contain one of them and cost no more than allowed, the cheapest
 * first.
 *
 * @returns `false` if the visitor ended it.
 */
export function forEachUnits(space: Space, base: HypothesisSet, budget: number, visit: VisitUnits): boolean {
  const { cutOffs, decisions } = space;
  const units = new Int32Array(space.tally.cells.length);
  const bySize = Array.from({ length: budget + 1 }, (_, size) => [
    ...additions(base.decisions, decisions.hypotheses.length, size),
  ]);
  const allowed = cutOffsFrom(space, base.cutOff).map((place) => new UnitsIn(space, place));
  for (let cost = 0; cost <= budget; cost += 1)
    for (const unitsIn of allowed) {
      const more = cost - (cutOffs[unitsIn.cutOff]?.cost ?? 0) - base.decisions.length;
      for (const members of bySize[more] ?? []) {
        unitsIn.under(members, units);
        if (!visit(unitsIn.cutOff, members, units)) return false;
      }
    }
  return true;
}

/** How many units each cell has in a month that is cut off in some way. */
class UnitsIn {
  readonly cutOff: number;
  readonly #space: Space;
  readonly #own: Int32Array;
  readonly #totals: Int32Array;
  /** What one hypothesis adds, and what two of them add to that. */
  readonly #known = new Map<number, Int32Array>();

  constructor(space: Space, cutOff: number) {
    this.cutOff = cutOff;
    this.#space = space;
    this.#own = unitsInBooks(space, cutOff);
    this.#totals = space.cutOffs[cutOff]?.totals ?? new Int32Array();
  }

  /** Counts the units under a set of hypotheses into an array. */
  under(members: readonly number[], units: Int32Array): void {
    units.set(this.#own);
    const [first = 0, second = 0, third = 0] = members;
    const base = this.#space.decisions.hypotheses.length + 1;
    for (const member of members) addTo(units, this.#ofFew(member + 1, member));
    if (members.length < 2) return;
    addTo(units, this.#ofFew(base * (first + 1) + second + 1, first, second));
    if (members.length < 3) return;
    addTo(units, this.#ofFew(base * (first + 1) + third + 1, first, third));
    addTo(units, this.#ofFew(base * (second + 1) + third + 1, second, third));
    this.#add(members, units);
  }

  #ofFew(key: number, ...members: readonly number[]): Int32Array {
    const known = this.#known.get(key);
    if (known) return known;
    const added = new Int32Array(this.#own.length);
    this.#add(members, added);
    this.#known.set(key, added);
    return added;
  }

  #add(members: readonly number[], units: Int32Array): void {
    const { places, adds } = interactionOf(this.#space.decisions, members);
    const { classes } = this.#space.tally;
    for (let index = 0; index < places.length; index += 1) {
      const place = places[index] ?? 0;
      const cell = classes[place]?.cell ?? 0;
      units[cell] = (units[cell] ?? 0) + (adds[index] ?? 0) * (this.#totals[place] ?? 0);
    }
  }
}

function addTo(units: Int32Array, added: Int32Array): void {
  for (let cell = 0; cell < units.length; cell += 1) units[cell] = (units[cell] ?? 0) + (added[cell] ?? 0);
}

function unitsInBooks({ tally, decisions, cutOffs }: Space, cutOff: number): Int32Array {
  const units = new Int32Array(tally.cells.length);
  const totals = cutOffs[cutOff]?.totals;
  for (const [place, { cell }] of tally.classes.entries())
    units[cell] = (units[cell] ?? 0) + (decisions.isBilled[place] ?? 0) * (totals?.[place] ?? 0);
  return units;
}

/** Sets of hypotheses on prices that contain some given ones and change nothing twice. */
export function moneySets(space: Space, given: readonly number[], size: number): number[][] {
  const fields = (member: number): string[] => {
    const change = space.money[member]?.change;
    return change?.of === 'money' ? Object.keys(change.change) : [];
  };
  return [...additions(given, space.money.length, size)].filter((members) => {
    const changed = members.flatMap(fields);
    return new Set(changed).size === changed.length;
  });
}
