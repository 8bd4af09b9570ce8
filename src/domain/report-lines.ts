import { type Micros, roundToMinorUnit } from './money.ts';
import { addedCounts, type VendorCounts } from './vendor-counts.ts';

/** Lines of a month that are alike in everything the cost depends on, counted by the database; reversals count -1. */
export type AttemptGroup = VendorCounts & {
  /** The closed month that these lines correct; `null` = the report's own. */
  readonly correctsPeriod: string | null;
  readonly taskType: string;
  readonly level: string | null;
  /** `null` = success. */
  readonly code: string | null;
  /** `null` = no price is known, or nothing of it is invoiced and so none applies. */
  readonly unitPrice: Micros | null;
  readonly ruleTableVersion: string | null;
  readonly priceListVersion: string | null;
  readonly attempts: bigint;
  readonly invoiced: bigint;
  readonly notInvoiced: bigint;
  readonly unclassified: bigint;
  /** Rows of the detail file. */
  readonly lines: bigint;
  /** Those of them that are invoiced and have no price. Reversals are not among them: what had no price takes none back. */
  readonly unpriced: bigint;
};

export type Quantities = Pick<AttemptGroup, 'attempts' | 'invoiced' | 'notInvoiced' | 'unclassified'>;

/** A line of the summary. `amount` is rounded to the minor unit; `null` = no price is known for something invoiced. */
export type SummaryLine = Quantities &
  VendorCounts & {
    readonly correctsPeriod: string | null;
    readonly taskType: string;
    readonly level: string | null;
    readonly unitPrice: Micros | null;
    readonly amount: Micros | null;
    readonly ruleTableVersion: string | null;
    readonly priceListVersion: string | null;
  };

/** A line of the codes file. `amount` is the exact sum, unrounded, of what is invoiced for certain. */
export type CodeLine = Quantities & {
  readonly correctsPeriod: string | null;
  readonly taskType: string;
  readonly code: string | null;
  readonly amount: Micros | null;
};

export type Totals = Quantities &
  VendorCounts & {
    /** Sum of the rounded lines: what the invoice says. `null` without a price list or with unpriced invoiced attempts. */
    readonly amount: Micros | null;
    /** Sum of the unrounded amounts, what the detail file adds up to. */
    readonly unroundedAmount: Micros | null;
    /** Invoiced attempts for which the price list has no price. */
    readonly unpriced: bigint;
    /** Rows of the detail file, and how many of them correct closed months. */
    readonly lines: bigint;
    readonly corrections: bigint;
  };

export type ReportLines = { summary: SummaryLine[]; codes: CodeLine[]; totals: Totals };

/** What a month costs apart from its attempts: what tops it up to its minimum. */
export type Charge = { readonly correctsPeriod: string | null; readonly amount: Micros };

/** The summary's name for a {@link Charge}; no task type of the vendor's. */
export const monthlyMinimum = 'monthly_minimum';

export type Pricing = {
  /** `undefined` = there is no price list, and so there are no amounts. */
  readonly minorDigits: number | undefined;
  readonly charges?: readonly Charge[];
};

/** Adds up a month's groups. Rounds once per summary line, half away from zero. */
export function reportLines(groups: readonly AttemptGroup[], pricing: Pricing): ReportLines {
  const ofAttempts = gather(groups, (g) => [
    g.correctsPeriod,
    g.taskType,
    g.level,
    g.unitPrice?.toString() ?? null,
    g.ruleTableVersion,
    g.priceListVersion,
  ]).map(([first, same]): SummaryLine => ({
    correctsPeriod: first.correctsPeriod,
    taskType: first.taskType,
    level: first.level,
    unitPrice: first.unitPrice,
    ruleTableVersion: first.ruleTableVersion,
    priceListVersion: first.priceListVersion,
    ...quantities(same),
    ...addedCounts(same),
    amount: rounded(exactAmount(same, pricing), pricing),
  }));
  const summary = inOrder(ofAttempts, pricing.charges ?? []);
  const codes = gather(groups, (g) => [g.correctsPeriod, g.taskType, g.code]).map(([first, same]): CodeLine => ({
    correctsPeriod: first.correctsPeriod,
    taskType: first.taskType,
    code: first.code,
    ...quantities(same),
    amount: exactAmount(same, pricing),
  }));
  return {
    summary,
    codes,
    totals: {
      ...quantities(groups),
      amount: pricing.minorDigits === undefined ? null : addUp(summary.map((line) => line.amount)),
      unroundedAmount: exactAmount(groups, pricing),
      ...addedCounts(groups),
      unpriced: sum(groups.map((g) => g.unpriced)),
      lines: sum(groups.map((g) => g.lines)),
      corrections: sum(groups.filter((g) => g.correctsPeriod !== null).map((g) => g.lines)),
    },
  };
}

/** Puts each charge behind the lines of the month that it belongs to. */
function inOrder(lines: readonly SummaryLine[], charges: readonly Charge[]): SummaryLine[] {
  const charged = charges.map(({ correctsPeriod, amount }): SummaryLine => ({
    correctsPeriod,
    taskType: monthlyMinimum,
    level: null,
    unitPrice: null,
    amount,
    attempts: 0n,
    invoiced: 0n,
    notInvoiced: 0n,
    unclassified: 0n,
    ...addedCounts([]),
    ruleTableVersion: null,
    priceListVersion: null,
  }));
  // Sorting is stable: within a month the lines keep their order, charges last.
  return [...lines, ...charged].sort((a, b) => compareKeys([a.correctsPeriod], [b.correctsPeriod]));
}

/** What tops a month's own lines up to its minimum; `0` where they reach it, `null` where their amount is unknown. */
export function shortfall(lines: readonly SummaryLine[], minimum: Micros): Micros | null {
  const amount = addUp(lines.filter((line) => line.correctsPeriod === null).map((line) => line.amount));
  if (amount === null) return null;
  return amount < minimum ? minimum - amount : 0n;
}

/** An amount as far as it is known: not where something unclassified is in it, which may be invoiced yet. */
export const statedAmount = ({ amount, unclassified }: Pick<CodeLine, 'amount' | 'unclassified'>): Micros | null =>
  unclassified > 0n ? null : amount;

/** What a month's own attempts come to, without corrections of other months and without what tops it up. */
export function ownTotals({ summary }: Pick<ReportLines, 'summary'>): Pick<Totals, 'attempts' | 'amount'> {
  const own = summary.filter((line) => line.correctsPeriod === null && line.taskType !== monthlyMinimum);
  return { attempts: sum(own.map((line) => line.attempts)), amount: addUp(own.map((line) => line.amount)) };
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

/** Groups by key and orders the groups bytewise by it, `null` first. */
function gather(
  groups: readonly AttemptGroup[],
  key: (group: AttemptGroup) => (string | null)[],
): [AttemptGroup, AttemptGroup[]][] {
  const byKey = Map.groupBy(groups, (group) => JSON.stringify(key(group)));
  return [...byKey.values()]
    .flatMap((same): [AttemptGroup, AttemptGroup[]][] => (same[0] ? [[same[0], same]] : []))
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

function exactAmount(groups: readonly AttemptGroup[], pricing: Pricing): Micros | null {
  if (pricing.minorDigits === undefined) return null;
  return addUp(groups.map((g) => (g.unpriced > 0n ? null : g.invoiced * (g.unitPrice ?? 0n))));
}

function rounded(amount: Micros | null, pricing: Pricing): Micros | null {
  return amount === null || pricing.minorDigits === undefined ? null : roundToMinorUnit(amount, pricing.minorDigits);
}

const sum = (values: readonly bigint[]): bigint => values.reduce((total, value) => total + value, 0n);

/** One unknown makes the sum unknown. */
function addUp(amounts: readonly (Micros | null)[]): Micros | null {
  return amounts.reduce<Micros | null>((total, one) => (total === null || one === null ? null : total + one), 0n);
}

function quantities(groups: readonly Quantities[]): Quantities {
  return {
    attempts: sum(groups.map((g) => g.attempts)),
    invoiced: sum(groups.map((g) => g.invoiced)),
    notInvoiced: sum(groups.map((g) => g.notInvoiced)),
    unclassified: sum(groups.map((g) => g.unclassified)),
  };
}
