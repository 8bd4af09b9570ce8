import { dayStart, type ModelAttempt, type ModelMonth, monthAfter } from './support-months.ts';

/** A contract in words of its own: amounts in micro-units. */
export type ModelPrice = {
  readonly type: ModelAttempt['type'];
  /** `null` = all levels without a price of their own. */
  readonly level: string | null;
  readonly model: 'flat' | 'graduated' | 'volume';
  /** How many units each step holds; the last one any number. */
  readonly steps: readonly { readonly size: number; readonly price: bigint }[];
  readonly free: number;
  /** The first day that it counts on; the next one of the same type and level takes over. */
  readonly from: string;
};
export type ModelList = { readonly version: string; readonly prices: readonly ModelPrice[]; readonly minimum: bigint };

/** How a vendor reads a month. */
export type Billing = {
  readonly timeZone: string;
  readonly time: 'at' | 'created' | 'completed';
  /** Whether an attempt is known, and whether it is billed then. */
  readonly counts: (attempt: ModelAttempt) => boolean;
  readonly bills: (attempt: ModelAttempt) => boolean;
  readonly list: ModelList;
  readonly tiers: 'month' | 'before alone' | 'from before' | 'quarter' | 'year';
  readonly swapped: boolean;
  readonly free: number;
  readonly minimums: bigint;
  readonly rounding: 'line' | 'attempt';
};

type ModelLine = {
  readonly type: ModelAttempt['type'];
  readonly level: string | null;
  readonly price: bigint;
  readonly quantity: bigint;
  readonly amount: bigint;
};
export type ModelInvoice = { readonly lines: readonly ModelLine[]; readonly minimum: bigint };

/** Half away from zero to cents. */
export const cents = (micros: bigint): bigint => ((micros + 5_000n) / 10_000n) * 10_000n;

/** The midnight that a vendor in a zone sees. A price changes at its midnight, too. */
const midnight = (date: string, timeZone: string): number => dayStart(date, timeZone);

/** The attempts that a vendor bills for a month. */
export function billedIn(month: ModelMonth, billing: Billing): ModelAttempt[] {
  const [start, end] = [
    midnight(`${month.period}-01`, billing.timeZone),
    midnight(`${monthAfter(month.period)}-01`, billing.timeZone),
  ];
  return month.attempts.filter(
    (one) => billing.counts(one) && billing.bills(one) && one[billing.time] >= start && one[billing.time] < end,
  );
}

/** Bills a month attempt by attempt, in order of time. */
export function invoiceOf(month: ModelMonth, billing: Billing): ModelInvoice {
  const billed = billedIn(month, billing);
  billed.sort((a, b) => a[billing.time] - b[billing.time]);
  const begins = new Map(
    billing.list.prices.map(({ from }) => [from, from === '' ? -Infinity : midnight(from, billing.timeZone)]),
  );
  const priceOf = (one: ModelAttempt): ModelPrice => {
    const inForce = billing.list.prices.filter(
      (price) => price.type === one.type && begins.get(price.from)! <= one[billing.time],
    );
    return (
      inForce.findLast(({ level }) => level === one.level && level !== null) ??
      inForce.findLast(({ level }) => level === null)!
    );
  };
  const priced = billed.map((one) => ({ one, price: priceOf(one) }));
  const totals = new Map<ModelPrice, number>();
  for (const { price } of priced) totals.set(price, (totals.get(price) ?? 0) + 1);
  const counted = new Map<ModelPrice, number>();
  const lines = new Map<
    string,
    { type: ModelAttempt['type']; level: string | null; price: bigint; quantity: bigint }
  >();
  for (const { one, price } of priced) {
    const nth = (counted.get(price) ?? 0) + 1;
    counted.set(price, nth);
    const unit = unitPrice(price, nth, totals.get(price)!, earlierOf(month, billing, price), billing);
    const key = `${one.type} ${one.level} ${unit}`;
    const line = lines.get(key) ?? { type: one.type, level: one.level, price: unit, quantity: 0n };
    line.quantity += 1n;
    lines.set(key, line);
  }
  const added = [...lines.values()].map((line): ModelLine => ({
    ...line,
    amount: billing.rounding === 'attempt' ? line.quantity * cents(line.price) : cents(line.quantity * line.price),
  }));
  const sum = added.reduce((total, { amount }) => total + amount, 0n);
  const least = billing.list.minimum * billing.minimums;
  return { lines: added, minimum: least > sum ? least - sum : 0n };
}

function unitPrice(price: ModelPrice, nth: number, total: number, earlier: number, billing: Billing): bigint {
  const free = price.free * billing.free;
  if (nth <= free) return 0n;
  const model =
    !billing.swapped || price.model === 'flat' ? price.model : price.model === 'graduated' ? 'volume' : 'graduated';
  if (model === 'flat') return price.steps[0]!.price;
  const isElsewhere = billing.tiers !== 'month' && earlier > 0;
  let number = model === 'graduated' ? nth - free : total - free;
  if (isElsewhere) number = billing.tiers === 'before alone' ? earlier : number + earlier;
  let upTo = 0;
  for (const step of price.steps) {
    upTo += step.size;
    if (number <= upTo) return step.price;
  }
  return price.steps.at(-1)!.price;
}

const earlierKnown = new WeakMap<ModelMonth, Map<string, number>>();

function earlierOf(month: ModelMonth, billing: Billing, price: ModelPrice): number {
  if (billing.tiers === 'month' || price.model === 'flat') return 0;
  const known = earlierKnown.get(month) ?? new Map<string, number>();
  earlierKnown.set(month, known);
  const key = `${billing.tiers} ${billing.list.version} ${billing.list.prices.indexOf(price)}`;
  const before = known.get(key) ?? countEarlier(month, billing, price);
  known.set(key, before);
  return before;
}

function countEarlier({ period, earlier }: ModelMonth, { tiers, list }: Billing, price: ModelPrice): number {
  const [year, number] = [period.slice(0, 4), Number(period.slice(5))];
  const before = [...new Set(earlier.map((one) => one.period))].filter((one) => one < period).sort();
  const last = before.at(-1)!;
  const quarter = `${year}-${String(Math.floor((number - 1) / 3) * 3 + 1).padStart(2, '0')}`;
  const from = tiers === 'quarter' ? quarter : tiers === 'year' ? `${year}-01` : last;
  const hasOwn = (level: string | null) =>
    list.prices.some((one) => one.type === price.type && one.level === level && level !== null);
  return earlier
    .filter((one) => one.period >= from && one.type === price.type)
    .filter(({ level }) => (price.level === null ? !hasOwn(level) : level === price.level))
    .reduce((sum, { units }) => sum + units, 0);
}
