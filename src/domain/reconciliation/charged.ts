import { type Contract, type Cube, type CubeRow, priceDays, type Side } from './cube.ts';
import { isWithin, type MonthSpan, sideOf, spansOf } from './cutoffs.ts';
import { type Act, acts, type Hypothesis, isBilled } from './readings.ts';
import { edgeDays } from './zones.ts';

/** A way to read the month: its span, and hypotheses on what is billed. */
export type Reading = { readonly span: MonthSpan; readonly decisions: readonly Hypothesis[] };

/** The rows of a cube with a usage statement, ready to be held against any reading. */
export type Charged = {
  readonly cube: Cube;
  /** The books' own first. */
  readonly spans: readonly MonthSpan[];
  /** Those that the statement speaks for. */
  readonly shownSpans: readonly MonthSpan[];
  readonly decisions: readonly Hypothesis[];
  /**
   * Per row, how many attempts there are, and how many of them are charged. Nothing is to be learnt from those that are
   * charged in another month, too.
   */
  readonly counts: readonly { readonly all: number; readonly charged: number }[];
  /** Per decision, which rows it concerns. */
  readonly concerned: ReadonlyMap<Hypothesis, Uint8Array>;
  /** Per row, whether it is billed under each set of acts. */
  readonly isBilledUnder: readonly Uint8Array[];
  /** Per row, the sides to which no other way to cut off moves its attempts out of the month. */
  readonly staysFrom: readonly ReadonlySet<Side>[];
};

const actsIn = (mask: number): Act[] => acts.filter((_, bit) => (mask >> bit) % 2 === 1);

export function chargedOf(cube: Cube, contract: Contract, hypotheses: readonly Hypothesis[]): Charged {
  const days = edgeDays(cube.period, priceDays(cube.period, contract));
  const decisions = hypotheses.filter(({ change }) => change.of === 'decisions');
  const masks = Array.from({ length: 2 ** acts.length }, (_, mask) => actsIn(mask));
  const spans = spansOf(cube, hypotheses, days, contract.timeZone);
  const [own] = spans;
  const counts = cube.rows.map(({ count, usage }) =>
    usage?.isElsewhere ? { all: 0, charged: 0 } : { all: count, charged: usage?.charged ?? 0 },
  );
  return {
    cube,
    spans,
    shownSpans: spans.filter((span) => own && (span === own || isShown(span, own, cube, counts))),
    decisions,
    counts,
    concerned: new Map(
      decisions.map((one) => {
        const { change } = one;
        const bit = change.of === 'decisions' ? 2 ** acts.indexOf(change.act) : 0;
        const concerns = change.of === 'decisions' ? change.concerns : () => false;
        // What another month charges is billed, so that no rule or kind of attempt tells why this one does not.
        const isOpen = (row: CubeRow) => one.cause === 'late' || !row.usage?.chargedIn;
        return [one, Uint8Array.from(cube.rows, (row) => (concerns(row) && isOpen(row) ? bit : 0))];
      }),
    ),
    isBilledUnder: cube.rows.map((row) => Uint8Array.from(masks, (some) => (isBilled(row, cube.basis, some) ? 1 : 0))),
    staysFrom: cube.rows.map(
      (row) => new Set(sides.filter((side) => own && isWithin(row, own) && stays(cube, row, side))),
    ),
  };
}

/**
 * Whether the statements speak for another way to cut off: most of what it takes into the month is charged there, or what
 * it takes out is charged in another month. Attempts that nobody charges may just as well not be billed.
 */
function isShown(span: MonthSpan, own: MonthSpan, { rows, basis }: Cube, counts: Charged['counts']): boolean {
  let [shown, against] = [0, 0];
  for (const [index, row] of rows.entries()) {
    const [isIn, wasIn] = [isWithin(row, span), isWithin(row, own)];
    if (isIn === wasIn || !isBilled(row, basis, [])) continue;
    const { all, charged } = counts[index] ?? { all: 0, charged: 0 };
    if (wasIn) shown += row.usage?.chargedIn ? all : 0;
    else {
      shown += charged;
      against += all - charged;
    }
  }
  return shown > 0 && shown >= against;
}

const sides: readonly Side[] = ['before', 'after'];

/** Whether the statements of other months show that attempts which none charges here are not cut off to one side. */
function stays({ period, statements }: Cube, { usage }: CubeRow, side: Side): boolean {
  if (!usage || usage.charged > 0) return false;
  if (usage.chargedIn) return (usage.chargedIn.period > period ? 'after' : 'before') !== side;
  return statements?.[side] ?? false;
}

/** Per row, whether a reading bills its attempts in the month. */
export function billedBy(
  { cube, concerned, isBilledUnder, staysFrom }: Charged,
  { span, decisions }: Reading,
): Uint8Array {
  const bits = decisions.flatMap((one) => concerned.get(one) ?? []);
  return Uint8Array.from(cube.rows, (row, index) => {
    const side = sideOf(row, span);
    if (side !== null && !staysFrom[index]?.has(side)) return 0;
    let mask = 0;
    for (const of of bits) mask |= of[index] ?? 0;
    return isBilledUnder[index]?.[mask] ?? 0;
  });
}

/** In which of a month's stretches attempts are priced: in the first or last one, if they are outside of it. */
export function stretchOf({ slots }: Pick<CubeRow, 'slots'>, { time, edges }: MonthSpan): number {
  const found = edges.slice(1).findIndex((to) => slots[time] <= to);
  return found === -1 ? edges.length - 2 : found;
}
