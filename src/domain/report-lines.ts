import { type Micros, roundToMinorUnit } from './money.ts';
import { type PriceList, unitPriceAt } from './prices.ts';

/** Attempts of a month that are alike in everything the cost depends on, counted by the database. */
export type AttemptGroup = {
  readonly taskType: string;
  readonly level: string | null;
  /** `null` = success. */
  readonly code: string | null;
  /** An instant within the stretch of the month that these attempts fall in, between two price changes. */
  readonly pricedAt: Date;
  readonly ruleTableVersion: string | null;
  readonly attempts: bigint;
  readonly invoiced: bigint;
  readonly notInvoiced: bigint;
  readonly unclassified: bigint;
  /** The share of the vendor's counters that falls on these attempts; `null` where no task has one. */
  readonly vendorCounter: bigint | null;
};

export type Quantities = Pick<AttemptGroup, 'attempts' | 'invoiced' | 'notInvoiced' | 'unclassified'>;

/** A line of the summary. `amount` is rounded to the minor unit; `null` = no price is known for something invoiced. */
export type SummaryLine = Quantities & {
  readonly taskType: string;
  readonly level: string | null;
  readonly unitPrice: Micros | null;
  readonly amount: Micros | null;
  readonly vendorCounter: bigint | null;
  readonly ruleTableVersion: string | null;
};

/** A line of the codes file. `amount` is the exact sum, unrounded. */
export type CodeLine = Pick<Quantities, 'attempts' | 'invoiced'> & {
  readonly taskType: string;
  readonly code: string | null;
  readonly amount: Micros | null;
};

export type Totals = Quantities & {
  /** Sum of the rounded lines: what the invoice says. `null` without a price list or with unpriced invoiced attempts. */
  readonly amount: Micros | null;
  /** Sum of the unrounded amounts, what the detail file adds up to. */
  readonly unroundedAmount: Micros | null;
  readonly vendorCounter: bigint | null;
  /** Invoiced attempts for which the price list has no price. */
  readonly unpriced: bigint;
};

export type ReportLines = { summary: SummaryLine[]; codes: CodeLine[]; totals: Totals };

type Pricing = { readonly list: PriceList | undefined; readonly timeZone: string };

/** Prices and adds up a month's groups. Rounds once per summary line, half away from zero. */
export function reportLines(groups: readonly AttemptGroup[], pricing: Pricing): ReportLines {
  const priced = groups.map((group) => ({ ...group, unitPrice: priceOf(group, pricing) }));
  const summary = gather(priced, (g) => [g.taskType, g.level, g.unitPrice?.toString() ?? null, g.ruleTableVersion]).map(
    ([first, same]): SummaryLine => ({
      taskType: first.taskType,
      level: first.level,
      unitPrice: first.unitPrice,
      ruleTableVersion: first.ruleTableVersion,
      ...quantities(same),
      vendorCounter: sumOrNull(same.map((g) => g.vendorCounter)),
      amount: rounded(exactAmount(same, pricing), pricing),
    }),
  );
  const codes = gather(priced, (g) => [g.taskType, g.code]).map(([first, same]): CodeLine => ({
    taskType: first.taskType,
    code: first.code,
    attempts: sum(same.map((g) => g.attempts)),
    invoiced: sum(same.map((g) => g.invoiced)),
    amount: exactAmount(same, pricing),
  }));
  return {
    summary,
    codes,
    totals: {
      ...quantities(priced),
      amount: pricing.list ? addUp(summary.map((line) => line.amount)) : null,
      unroundedAmount: exactAmount(priced, pricing),
      vendorCounter: sumOrNull(priced.map((g) => g.vendorCounter)),
      unpriced: sum(priced.filter((g) => g.unitPrice === null).map((g) => g.invoiced)),
    },
  };
}

/** The unit price of a group's attempts; `null` = none is known. */
export function priceOf(group: Pick<AttemptGroup, 'taskType' | 'level' | 'pricedAt'>, pricing: Pricing): Micros | null {
  if (!pricing.list) return null;
  return unitPriceAt(pricing.list, group.taskType, group.level, group.pricedAt, pricing.timeZone) ?? null;
}

/** What does not add up in a set of counts: `invoiced + not_invoiced + unclassified = attempts`. Empty = balanced. */
export function imbalances(lines: readonly Quantities[], totals: Quantities): string[] {
  const problems: string[] = [];
  for (const [index, line] of [...lines, totals].entries())
    if (line.invoiced + line.notInvoiced + line.unclassified !== line.attempts)
      problems.push(
        `${index < lines.length ? `line ${index + 1}` : 'the total'}: ${line.invoiced} + ${line.notInvoiced} + ${line.unclassified} is not ${line.attempts}`,
      );
  for (const key of ['attempts', 'invoiced', 'notInvoiced', 'unclassified'] as const) {
    const added = sum(lines.map((line) => line[key]));
    if (added !== totals[key]) problems.push(`${key}: the lines add up to ${added}, the total is ${totals[key]}`);
  }
  return problems;
}

type PricedGroup = AttemptGroup & { readonly unitPrice: Micros | null };

/** Groups by key and orders the groups bytewise by it, `null` first. */
function gather(groups: PricedGroup[], key: (group: PricedGroup) => (string | null)[]): [PricedGroup, PricedGroup[]][] {
  const byKey = Map.groupBy(groups, (group) => JSON.stringify(key(group)));
  return [...byKey.values()]
    .flatMap((same): [PricedGroup, PricedGroup[]][] => (same[0] ? [[same[0], same]] : []))
    .sort(([a], [b]) => compareKeys(key(a), key(b)));
}

function compareKeys(a: readonly (string | null)[], b: readonly (string | null)[]): number {
  for (const [index, left] of a.entries()) {
    const right = b[index] ?? null;
    if (left === right) continue;
    if (left === null) return -1;
    if (right === null) return 1;
    return compareBytes(left, right);
  }
  return 0;
}

/** Orders text as its UTF-8 bytes do, which is code point order. */
export function compareBytes(a: string, b: string): number {
  const codePoints = (text: string) => Array.from(text, (character) => character.codePointAt(0) ?? 0);
  const left = codePoints(a);
  const right = codePoints(b);
  for (const [index, point] of left.entries()) {
    const other = right[index];
    if (other === undefined) return 1;
    if (point !== other) return point - other;
  }
  return left.length - right.length;
}

function exactAmount(groups: readonly PricedGroup[], pricing: Pricing): Micros | null {
  if (!pricing.list) return null;
  return addUp(groups.map((g) => (g.invoiced === 0n ? 0n : g.unitPrice === null ? null : g.invoiced * g.unitPrice)));
}

function rounded(amount: Micros | null, pricing: Pricing): Micros | null {
  return amount === null || !pricing.list ? null : roundToMinorUnit(amount, pricing.list.minorDigits);
}

const sum = (values: readonly bigint[]): bigint => values.reduce((total, value) => total + value, 0n);

/** One unknown makes the sum unknown. */
function addUp(amounts: readonly (Micros | null)[]): Micros | null {
  return amounts.reduce<Micros | null>((total, one) => (total === null || one === null ? null : total + one), 0n);
}

/** Unknowns are left out; `null` only if there is nothing but unknowns. */
function sumOrNull(values: readonly (bigint | null)[]): bigint | null {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : sum(known);
}

function quantities(groups: readonly Quantities[]): Quantities {
  return {
    attempts: sum(groups.map((g) => g.attempts)),
    invoiced: sum(groups.map((g) => g.invoiced)),
    notInvoiced: sum(groups.map((g) => g.notInvoiced)),
    unclassified: sum(groups.map((g) => g.unclassified)),
  };
}
