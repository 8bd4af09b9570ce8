import { type Micros, roundToMinorUnit } from '../money.ts';
import { monthlyMinimumAt, type Price, priceAt, type PriceList } from '../prices.ts';
import type { Cube } from './cube.ts';
import type { MoneyReading, TierCount } from './readings.ts';
import type { Cell } from './tally.ts';
import { bandsFrom, firstCounted } from './tiers.ts';

/**
 * What is charged at a price. Mostly of one cell; where several share tiers, which of them a unit of a tier belongs to
 * depends on the order in time, so that such a line is about all of them.
 */
export type ChargedLine = {
  /** Places among the tally's cells. */
  readonly cells: readonly number[];
  /** `null` = no price is known. */
  readonly unitPrice: Micros | null;
  readonly quantity: bigint;
  readonly amount: Micros;
};

/** A month as an invoice would have it. `minimum` is what tops it up to its minimum. */
export type Charged = { readonly lines: readonly ChargedLine[]; readonly minimum: Micros };

/** How many units each cell has in each stretch of the month. */
export type Quantities = readonly (readonly number[])[];

/** Prices a month's quantities. */
export type Pricer = (quantities: Quantities) => Charged;

/** The places of a month that are priced: its cells, and the days on which its stretches begin. */
export type Priced = Pick<Cube, 'period' | 'earlier'> & {
  readonly cells: readonly Cell[];
  readonly days: readonly string[];
  /** Prices that are taken from the invoice, by the places of their cells. */
  readonly printed: ReadonlyMap<number, Micros>;
};

/** Units that are counted together, and what they cost. */
type Scope = {
  readonly price: Price | undefined;
  readonly places: { readonly cell: number; readonly stretch: number }[];
  readonly earlier: bigint;
};

/** Prepares one reading of the prices, to be used on many quantities. */
export function pricerFor(month: Priced, reading: MoneyReading): Pricer {
  const scopes = scopesOf(month, reading);
  const minorDigits = reading.lists[0]?.minorDigits ?? 2;
  const least = minimumOf(month.period, reading);
  return (quantities) => {
    const bands = scopes.flatMap((scope) => linesOf(scope, quantities, reading.tiers));
    const lines = merged(bands).map((line): ChargedLine => ({ ...line, amount: amountOf(line, minorDigits, reading) }));
    const sum = lines.reduce((total, { amount }) => total + amount, 0n);
    const isPriced = lines.every(({ unitPrice }) => unitPrice !== null);
    return { lines, minimum: isPriced && least > sum ? least - sum : 0n };
  };
}

const atMidnight = (day: string): Date => new Date(`${day}T00:00:00Z`);

/** Prices are days, so that the day that a stretch begins on tells which ones are in force, in any time zone. */
const priceOn = (list: PriceList, { taskType, level }: Cell, day: string): Price | undefined =>
  priceAt(list, taskType, level, atMidnight(day), 'UTC');

function scopesOf(month: Priced, reading: MoneyReading): Scope[] {
  const scopes = new Map<string, Scope>();
  for (const [cell, known] of month.cells.entries())
    for (const [stretch, day] of month.days.entries()) {
      const printed = month.printed.get(cell);
      const position = reading.lists.findIndex((one) => priceOn(one, known, day) !== undefined);
      const list = reading.lists[position];
      const price = list && priceOn(list, known, day);
      const key =
        printed !== undefined || !list || !price ? `cell ${cell}` : `${position} ${list.prices.indexOf(price)}`;
      const scope = scopes.get(key) ?? {
        price: printed === undefined ? price && changed(price, reading) : flat(known, printed),
        places: [],
        earlier: list && price ? earlierUnits(month, list, price, reading.tiers) : 0n,
      };
      scope.places.push({ cell, stretch });
      scopes.set(key, scope);
    }
  return [...scopes.values()];
}

const flat = (cell: Cell, unitPrice: Micros): Price => ({
  ...cell,
  effectiveFrom: '',
  effectiveTo: null,
  freeAllowance: 0n,
  model: 'flat',
  unitPrice,
});

function changed(price: Price, { allowances, isModelSwapped }: MoneyReading): Price {
  const freeAllowance = price.freeAllowance * allowances;
  if (price.model === 'flat' || !isModelSwapped) return { ...price, freeAllowance };
  return { ...price, freeAllowance, model: price.model === 'graduated' ? 'volume' : 'graduated' };
}

/** Units of earlier months that a price's tiers are counted on from. */
function earlierUnits({ period, earlier }: Priced, list: PriceList, price: Price, tiers: TierCount): bigint {
  const from = firstCounted(period, tiers);
  if (from === undefined) return 0n;
  return earlier
    .filter((one) => one.period >= from && one.period < period)
    .filter((one) => priceOn(list, one, `${one.period}-01`) === price)
    .reduce((sum, { units }) => sum + BigInt(units), 0n);
}

type Unrounded = Omit<ChargedLine, 'amount'>;

function linesOf({ price, places, earlier }: Scope, quantities: Quantities, tiers: TierCount): Unrounded[] {
  const units = new Map<number, bigint>();
  for (const { cell, stretch } of places) {
    const count = BigInt(quantities[cell]?.[stretch] ?? 0);
    if (count !== 0n) units.set(cell, (units.get(cell) ?? 0n) + count);
  }
  const total = [...units.values()].reduce((sum, count) => sum + count, 0n);
  const ofCells = (unitPrice: Micros | null): Unrounded[] =>
    [...units].map(([cell, quantity]) => ({ cells: [cell], unitPrice, quantity }));
  if (!price) return ofCells(null);
  const bands = bandsFrom(price, total, earlier, tiers);
  const reached = bands.flatMap(({ from, unitPrice }, index) => {
    const next = bands[index + 1]?.from ?? total + 1n;
    const last = next - 1n < total ? next - 1n : total;
    return last >= from ? [{ unitPrice, quantity: last - from + 1n }] : [];
  });
  const [only] = reached;
  if (only && reached.length === 1) return ofCells(only.unitPrice);
  return reached.map((band) => ({ ...band, cells: [...units.keys()] }));
}

/** Lines of the same cells and price are one. */
function merged(lines: readonly Unrounded[]): Unrounded[] {
  const byKey = new Map<string, Unrounded>();
  for (const line of lines) {
    const key = `${line.cells.join()} ${line.unitPrice}`;
    byKey.set(key, { ...line, quantity: line.quantity + (byKey.get(key)?.quantity ?? 0n) });
  }
  return [...byKey.values()];
}

function amountOf({ unitPrice, quantity }: Unrounded, minorDigits: number, { rounding }: MoneyReading): Micros {
  const price = unitPrice ?? 0n;
  if (rounding === 'attempt') return quantity * roundToMinorUnit(price, minorDigits);
  return roundToMinorUnit(quantity * price, minorDigits);
}

function minimumOf(period: string, { lists, minimums }: MoneyReading): Micros {
  const first = atMidnight(`${period}-01`);
  for (const list of lists) {
    const amount = monthlyMinimumAt(list, first, 'UTC');
    if (amount !== undefined) return amount * minimums;
  }
  return 0n;
}
