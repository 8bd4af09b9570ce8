import type { World } from '../options.ts';
import type { TaskType, Transaction } from '../transaction.ts';
import { type Attempt, attemptsOf } from './attempts.ts';
import { chargedAttempts } from './charged.ts';
import { type Contract, contractOf, firstDayAfter, type Price } from './contract.ts';
import { type Micros, parseMicros, roundMicros } from './micros.ts';
import type { BillingMistake } from './mistakes.ts';

export type BillLine = {
  readonly kind: 'usage' | 'minimum' | 'fee' | 'discount';
  readonly description: string;
  readonly taskType: TaskType | null;
  readonly level: string | null;
  readonly quantity: number | null;
  /** `null` = the line shows none. */
  readonly unitPrice: Micros | null;
  readonly amount: Micros;
};

/** An attempt that is charged, at its price. */
type Charge = { readonly attempt: Attempt; readonly unitPrice: Micros };

/** What the vendor sends for a month, before it is written in some form. */
export type Bill = {
  readonly month: string;
  readonly number: string;
  /** `YYYY-MM-DD` */
  readonly issueDate: string;
  readonly currency: string;
  readonly minorDigits: number;
  readonly lines: readonly BillLine[];
  /** As the document states them. */
  readonly net: Micros;
  readonly tax: Micros;
  readonly total: Micros;
  readonly usage: readonly Charge[];
  /** The mistakes that changed something: a month without tiers cannot have them wrong. */
  readonly made: readonly BillingMistake[];
};

export type BillRequest = {
  /** The text of a price list in the form of `examples/prices.json`. */
  readonly priceList: string;
  readonly month: string;
  readonly mistakes?: readonly BillingMistake[];
};

export const taxPercent = 21n;
const platformFee = parseMicros('25.00');
const loyaltyDiscount = parseMicros('10.00');
const addedToPrice = parseMicros('0.05');

/** Bills a month of the world, with mistakes if they are asked for. The same world and request give the same bill. */
export function billFor(
  world: World,
  { priceList, month, mistakes = [] }: BillRequest,
  played: readonly Transaction[] = [],
): Bill {
  const contract = contractOf(priceList, month);
  const attempts = attemptsOf(world, played);
  const billWith = (some: readonly BillingMistake[]) => billed(world, attempts, contract, month, new Set(some));
  const bill = billWith(mistakes);
  const textOf = (one: unknown): string =>
    JSON.stringify(one, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value));
  const made = mistakes.filter((one) => textOf(billWith(mistakes.filter((other) => other !== one))) !== textOf(bill));
  return { ...bill, made };
}

/** Throws a `RangeError` that names the mistakes which a bill could not have. */
export function requireMade({ month, made }: Bill, mistakes: readonly BillingMistake[]): void {
  const missing = mistakes.filter((one) => !made.includes(one));
  if (missing.length > 0)
    throw new RangeError(`${missing.join(', ')}: nothing in ${month}, or in the price list, can be wrong like that.`);
}

function billed(
  world: World,
  attempts: readonly Attempt[],
  contract: Contract,
  month: string,
  mistakes: ReadonlySet<BillingMistake>,
): Omit<Bill, 'made'> {
  const { currency, minorDigits } = contract;
  const usage = priced(contract, chargedAttempts(world, attempts, month, mistakes), mistakes);
  const lines = [...usageLines(usage, minorDigits, mistakes.has('rounding'))];
  const sum = sumOf(lines);
  const least = contract.minimum * (mistakes.has('minimum') ? 2n : 1n);
  if (least > sum) lines.push(otherLine('minimum', 'Aanvulling tot minimumafname', least - sum));
  if (mistakes.has('fee')) lines.push(otherLine('fee', 'Platformkosten', platformFee));
  if (mistakes.has('discount')) lines.push(otherLine('discount', 'Korting', -loyaltyDiscount));
  const net = sumOf(lines);
  const tax = roundMicros((net * taxPercent) / 100n, minorDigits);
  return {
    month,
    number: `SIM-${month}`,
    issueDate: firstDayAfter(month),
    currency,
    minorDigits,
    lines,
    net: mistakes.has('tax') ? net + tax : net,
    tax,
    total: net + tax,
    usage,
  };
}

const sumOf = (lines: readonly BillLine[]): Micros => lines.reduce((total, { amount }) => total + amount, 0n);

const otherLine = (kind: BillLine['kind'], description: string, amount: Micros): BillLine => ({
  kind,
  description,
  taskType: null,
  level: null,
  quantity: null,
  unitPrice: null,
  amount,
});

/** Prices attempts one by one, in order of time. */
function priced(contract: Contract, charged: readonly Attempt[], mistakes: ReadonlySet<BillingMistake>): Charge[] {
  const entries = charged.map((attempt) => ({ attempt, price: priceOf(contract, attempt) }));
  const totals = Map.groupBy(entries, ({ price }) => price);
  const counted = new Map<Price, number>();
  const charges = entries.map(({ attempt, price }): Charge => {
    const nth = (counted.get(price) ?? 0) + 1;
    counted.set(price, nth);
    return { attempt, unitPrice: unitPriceOf(price, nth, totals.get(price)?.length ?? 0, mistakes) };
  });
  return mistakes.has('price') ? withWrongPrice(charges) : charges;
}

export function priceOf({ prices }: Contract, { taskType, level }: Pick<Attempt, 'taskType' | 'level'>): Price {
  const ofType = prices.filter((price) => price.taskType === taskType);
  const price = ofType.find((one) => one.level === level) ?? ofType.find((one) => one.level === null);
  if (!price) throw new RangeError(`The price list has none for ${taskType}, level ${level ?? 'none'}.`);
  return price;
}

function unitPriceOf(price: Price, nth: number, units: number, mistakes: ReadonlySet<BillingMistake>): Micros {
  const free = mistakes.has('allowance') ? 0 : price.free;
  if (nth <= free) return 0n;
  const isGraduated = (price.model === 'graduated') !== mistakes.has('tier');
  const number = (isGraduated ? nth : units) - free;
  return price.tiers.find(({ upTo }) => number <= upTo)?.unitPrice ?? 0n;
}

/** What most units cost, costs more. */
function withWrongPrice(charges: readonly Charge[]): Charge[] {
  const sameLine = ({ attempt, unitPrice }: Charge): string =>
    `${attempt.taskType} ${attempt.level ?? ''} ${unitPrice}`;
  const lines = Map.groupBy(
    charges.filter(({ unitPrice }) => unitPrice > 0n),
    sameLine,
  );
  const [most] = [...lines].sort(([, a], [, b]) => b.length - a.length)[0] ?? [];
  return charges.map((one) => (sameLine(one) === most ? { ...one, unitPrice: one.unitPrice + addedToPrice } : one));
}

const taskTypes: readonly TaskType[] = ['document_scan', 'face_liveness', 'face_match'];
const descriptions: Readonly<Record<TaskType, string>> = {
  document_scan: 'Documentscan',
  face_liveness: 'Liveness-controle',
  face_match: 'Gezichtsvergelijking',
};

/** A line for each task type, level and price. Where every attempt is rounded by itself, lines show no price. */
function usageLines(usage: readonly Charge[], minorDigits: number, isEachRounded: boolean): BillLine[] {
  const keyOf = ({ attempt: { taskType, level }, unitPrice }: Charge): string =>
    `${taskTypes.indexOf(taskType)} ${level ?? ''} ${String(unitPrice).padStart(12, '0')}`;
  const groups = [...Map.groupBy(usage, keyOf)].sort(([a], [b]) => (a < b ? -1 : 1));
  return groups.flatMap(([, [first, ...others]]): BillLine[] => {
    if (!first) return [];
    const { attempt, unitPrice } = first;
    const quantity = others.length + 1;
    const isRoundedOff = isEachRounded && roundMicros(unitPrice, minorDigits) !== unitPrice;
    return [
      {
        kind: 'usage',
        description: [descriptions[attempt.taskType], attempt.level].filter((one) => one !== null).join(' '),
        taskType: attempt.taskType,
        level: attempt.level,
        quantity,
        unitPrice: isRoundedOff ? null : unitPrice,
        amount: isRoundedOff
          ? BigInt(quantity) * roundMicros(unitPrice, minorDigits)
          : roundMicros(BigInt(quantity) * unitPrice, minorDigits),
      },
    ];
  });
}
