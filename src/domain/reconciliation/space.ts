import { ownMoney } from './hypotheses.ts';
import { edgeDays } from './zones.ts';
import { type Charged, type Priced, type Pricer, pricerFor, type Quantities } from './charges.ts';
import { type Contract, type Cube, priceDays } from './cube.ts';
import { type CutOff, cutOffsOf, refines } from './cutoffs.ts';
import { type Decisions, decisionsOf, billedUnder } from './decisions.ts';
import type { Hypothesis, MoneyReading } from './readings.ts';
import { type Tally, tallyOf } from './tally.ts';

/** A set of hypotheses, by their places in a {@link Space}. `cutOff` 0 = as the books. */
export type HypothesisSet = {
  readonly cutOff: number;
  readonly decisions: readonly number[];
  readonly money: readonly number[];
};

/** Everything that can be read otherwise in a month, made ready to be tried in sets. */
export type Space = {
  readonly tally: Tally;
  readonly month: Priced;
  readonly cutOffs: readonly CutOff[];
  readonly decisions: Decisions;
  readonly money: readonly Hypothesis[];
  readonly ownReading: MoneyReading;
  readonly pricers: Map<string, Pricer>;
};

export const nothing: HypothesisSet = { cutOff: 0, decisions: [], money: [] };

export function spaceOf(cube: Cube, contract: Contract, hypotheses: readonly Hypothesis[]): Space {
  const tally = tallyOf(cube);
  const days = edgeDays(cube.period, priceDays(cube.period, contract));
  return {
    tally,
    month: {
      period: cube.period,
      earlier: cube.earlier,
      cells: tally.cells,
      days: days.slice(0, -1),
      printed: new Map(),
    },
    cutOffs: cutOffsOf(cube, tally, hypotheses, days, contract.timeZone),
    decisions: decisionsOf(cube, tally, hypotheses),
    money: hypotheses.filter(({ change }) => change.of === 'money'),
    ownReading: ownMoney(contract),
    pricers: new Map(),
  };
}

/** The same, with prices that are taken from the invoice. */
export const withPrinted = (space: Space, printed: Priced['printed']): Space => ({
  ...space,
  month: { ...space.month, printed },
  pricers: new Map(),
});

export const costOf = (space: Space, { cutOff, decisions, money }: HypothesisSet): number =>
  (space.cutOffs[cutOff]?.cost ?? 0) + decisions.length + money.length;

/**
 * How many units of each cell are billed in each stretch of the month.
 *
 * @param leftOut places of cells that count as empty.
 */
export function quantitiesOf(
  space: Space,
  { cutOff, decisions }: HypothesisSet,
  leftOut: ReadonlySet<number>,
): number[][] {
  const { tally } = space;
  const billed = billedUnder(space.decisions, decisions);
  const stretches = space.cutOffs[cutOff]?.counts ?? [];
  const quantities = tally.cells.map(() => stretches.map(() => 0));
  for (const [place, { cell }] of tally.classes.entries()) {
    if (billed[place] !== 1 || leftOut.has(cell)) continue;
    const row = quantities[cell] ?? [];
    for (const [stretch, counts] of stretches.entries()) row[stretch] = (row[stretch] ?? 0) + (counts[place] ?? 0);
  }
  return quantities;
}

/** What a month costs by some hypotheses on prices. */
export function chargedBy(space: Space, money: readonly number[], quantities: Quantities): Charged {
  const key = money.join();
  let pricer = space.pricers.get(key);
  if (!pricer) {
    pricer = pricerFor(space.month, readingOf(space, money));
    space.pricers.set(key, pricer);
  }
  return pricer(quantities);
}

function readingOf(space: Space, money: readonly number[]): MoneyReading {
  const changes = money.flatMap((member) => {
    const change = space.money[member]?.change;
    return change?.of === 'money' ? [change.change] : [];
  });
  return changes.reduce<MoneyReading>((reading, change) => ({ ...reading, ...change }), space.ownReading);
}

/** Ways to cut off that hold all that one of them holds: itself, and those that add to it. */
export const cutOffsFrom = (space: Space, cutOff: number): number[] => {
  const base = space.cutOffs[cutOff];
  if (!base || base.cost === 0) return [...space.cutOffs.keys()];
  return [...space.cutOffs.keys()].filter((other) => {
    const fine = space.cutOffs[other];
    return other === cutOff || (fine !== undefined && refines(fine, base));
  });
};

/** The keys of a set's hypotheses, in each of its readings. */
export function keysOf(space: Space, { cutOff, decisions, money }: HypothesisSet): string[][] {
  const others = [
    ...decisions.flatMap((member) => (space.decisions.hypotheses[member] ?? []).map(({ key }) => key)),
    ...money.flatMap((member) => space.money[member]?.key ?? []),
  ];
  return (space.cutOffs[cutOff]?.readings ?? [[]]).map((reading) => [...reading.map(({ key }) => key), ...others]);
}
