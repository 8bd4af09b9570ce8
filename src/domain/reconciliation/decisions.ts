import type { Cube } from './cube.ts';
import { type Act, acts, type Hypothesis, isBilled } from './readings.ts';
import type { Tally } from './tally.ts';

const masks = 2 ** acts.length;
const actsIn = (mask: number): Act[] => acts.filter((_, bit) => (mask >> bit) % 2 === 1);

/** Hypotheses on what is billed, made ready so that any set of them is applied in a few steps. */
export type Decisions = {
  /** Each has its own effect, and all readings with that effect and cause. */
  readonly hypotheses: readonly (readonly Hypothesis[])[];
  /** Per hypothesis, the classes that it concerns, and per class the act upon it as a bit. */
  readonly concerned: readonly Int32Array[];
  readonly bits: readonly Uint8Array[];
  /** Per class, whether the books bill it (1 or 0). */
  readonly isBilled: Int8Array;
  /** Per class and set of acts, how much more is billed than in the books: -1, 0 or 1 a unit. */
  readonly change: Int8Array;
  /** Those that were asked for already. */
  readonly interactions: Map<number, Interaction>;
};

export function decisionsOf({ basis }: Cube, { classes }: Tally, hypotheses: readonly Hypothesis[]): Decisions {
  const known = new Map<string, { readings: Hypothesis[]; bits: Uint8Array }>();
  for (const hypothesis of hypotheses) {
    const { change, cause } = hypothesis;
    if (change.of !== 'decisions') continue;
    const bit = 2 ** acts.indexOf(change.act);
    const bits = Uint8Array.from(classes, ({ row }) => (change.concerns(row) ? bit : 0));
    if (!bits.some((one) => one !== 0)) continue;
    const same = known.get(`${cause} ${bits.join('')}`);
    if (same) same.readings.push(hypothesis);
    else known.set(`${cause} ${bits.join('')}`, { readings: [hypothesis], bits });
  }
  const kept = [...known.values()];
  const own = Int8Array.from(classes, ({ row }) => (isBilled(row, basis, []) ? 1 : 0));
  const change = new Int8Array(classes.length * masks);
  for (const [place, { row }] of classes.entries())
    for (let mask = 1; mask < masks; mask += 1)
      change[place * masks + mask] = (isBilled(row, basis, actsIn(mask)) ? 1 : 0) - (own[place] ?? 0);
  return {
    hypotheses: kept.map(({ readings }) => readings),
    concerned: kept.map(({ bits }) => Int32Array.from([...bits.keys()].filter((place) => bits[place] !== 0))),
    bits: kept.map(({ bits }) => bits),
    isBilled: own,
    change,
    interactions: new Map(),
  };
}

/** What some hypotheses together add to what fewer of them add, per class that it is not 0 of. */
export type Interaction = { readonly places: Int32Array; readonly adds: Int8Array };

/**
 * Effects do not add: attempts that several hypotheses concern are billed once or not at all. What a set does is the sum
 * of the interactions of all its subsets, and most interactions concern few attempts or none.
 */
export function interactionOf(decisions: Decisions, members: readonly number[]): Interaction {
  const base = decisions.hypotheses.length + 1;
  const key = members.reduce((joined, member) => joined * base + member + 1, 0);
  const known = decisions.interactions.get(key);
  if (known) return known;
  const [places, adds]: [number[], number[]] = [[], []];
  for (const place of decisions.concerned[members[0] ?? 0] ?? []) {
    const add = members.every((member) => decisions.bits[member]?.[place] !== 0)
      ? addedAt(decisions, members, place)
      : 0;
    if (add === 0) continue;
    places.push(place);
    adds.push(add);
  }
  const interaction = { places: Int32Array.from(places), adds: Int8Array.from(adds) };
  decisions.interactions.set(key, interaction);
  return interaction;
}

function addedAt({ bits, change }: Decisions, members: readonly number[], place: number): number {
  let add = 0;
  for (let subset = 1; subset < 2 ** members.length; subset += 1) {
    let [mask, left] = [0, members.length];
    for (const [index, member] of members.entries()) {
      if ((subset >> index) % 2 === 0) continue;
      mask |= bits[member]?.[place] ?? 0;
      left -= 1;
    }
    add += (left % 2 === 0 ? 1 : -1) * (change[place * masks + mask] ?? 0);
  }
  return add;
}

/** All subsets of a few members but the empty one. */
function subsetsOf(members: readonly number[]): number[][] {
  const subsets: number[][] = [];
  for (let subset = 1; subset < 2 ** members.length; subset += 1)
    subsets.push(members.filter((_, index) => (subset >> index) % 2 === 1));
  return subsets;
}

/** Per class, whether it is billed under a set of hypotheses (1 or 0). */
export function billedUnder(decisions: Decisions, members: readonly number[]): Int8Array {
  const billed = decisions.isBilled.slice();
  for (const subset of subsetsOf(members)) {
    const { places, adds } = interactionOf(decisions, subset);
    for (const [index, place] of places.entries()) billed[place] = (billed[place] ?? 0) + (adds[index] ?? 0);
  }
  return billed;
}
