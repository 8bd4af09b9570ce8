import { type Micros, roundToMinorUnit } from './money.ts';
import { addedCounts, type VendorCounts } from './vendor-counts.ts';

/** A month's lines that are equal in everything their cost depends on, counted by the database. Reversals count -1. */
export type AttemptGroup = VendorCounts & {
  /** The closed month that these lines correct; `null` = none, they are the report's own. */
  readonly correctsPeriod: string | null;
  readonly taskType: string;
  readonly level: string | null;
  /** `null` = success. */
  readonly code: string | null;
  /** `null` = no price is known, or nothing is invoiced, so that no price applies. */
  readonly unitPrice: Micros | null;
  readonly ruleTableVersion: string | null;
  readonly priceListVersion: string | null;
  readonly attempts: bigint;
  readonly invoiced: bigint;
  readonly notInvoiced: bigint;
  readonly unclassified: bigint;
  /** Number of rows in the detail file. */
  readonly lines: bigint;
  /** Invoiced rows without a price. Reversals are excluded: a line that had no price takes no amount back. */
  readonly unpriced: bigint;
};

export const quantityKeys = ['attempts', 'invoiced', 'notInvoiced', 'unclassified'] as const;
export type Quantities = Pick<AttemptGroup, (typeof quantityKeys)[number]>;

/** A line of the summary. `amount` is rounded to the minor unit; `null` = an invoiced attempt has no known price. */
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

/**
 * A line of the codes file. `amount` is the exact, unrounded sum for invoiced attempts; unclassified ones add nothing.
 */
export type CodeLine = Quantities & {
  readonly correctsPeriod: string | null;
  readonly taskType: string;
  readonly code: string | null;
  readonly amount: Micros | null;
};

export type Totals = Quantities &
  VendorCounts & {
    /**
     * The sum of the rounded lines, which is what the invoice says. `null` = no price list, or unpriced invoiced
     * attempts.
     */
    readonly amount: Micros | null;
    /** The sum of the unrounded amounts, which is what the detail file adds up to. */
    readonly unroundedAmount: Micros | null;
    /** Invoiced attempts without a price in the price list. */
    readonly unpriced: bigint;
    /** Rows of the detail file, and how many of them correct closed months. */
    readonly lines: bigint;
    readonly corrections: bigint;
  };

export type ReportLines = { summary: SummaryLine[]; codes: CodeLine[]; totals: Totals };

/** A cost of a month that belongs to no attempt: the top-up to its minimum. */
export type Charge = { readonly correctsPeriod: string | null; readonly amount: Micros };

/** The summary's task type for a {@link Charge}. No vendor task type has this name. */
export const monthlyMinimum = 'monthly_minimum';

export type Pricing = {
  /** `undefined` = there is no price list, so there are no amounts. */
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

/** Puts each charge after the lines of its month. */
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
  // The sort is stable: within a month the lines keep their order, charges last.
  return [...lines, ...charged].sort((a, b) => compareKeys([a.correctsPeriod], [b.correctsPeriod]));
}

/** What tops a month's own lines up to its minimum; `0` = they reach it, `null` = their amount is unknown. */
export function shortfall(lines: readonly SummaryLine[], minimum: Micros): Micros | null {
  const amount = addUp(lines.filter((line) => line.correctsPeriod === null).map((line) => line.amount));
  if (amount === null) return null;
  return amount < minimum ? minimum - amount : 0n;
}

/** The amount, if it is final: `null` if an unclassified attempt, which may turn out to be invoiced, is in it. */
export const statedAmount = ({ amount, unclassified }: Pick<CodeLine, 'amount' | 'unclassified'>): Micros | null =>
  unclassified > 0n ? null : amount;

/** The totals of a month's own attempts, without corrections of other months and without the top-up to the minimum. */
export function ownTotals({ summary }: Pick<ReportLines, 'summary'>): Pick<Totals, 'attempts' | 'amount'> {
  const own = summary.filter((line) => line.correctsPeriod === null && line.taskType !== monthlyMinimum);
  return { attempts: sum(own.map((line) => line.attempts)), amount: addUp(own.map((line) => line.amount)) };
}

/** Every violation of `invoiced + not_invoiced + unclassified = attempts` or of the sums. Empty = balanced. */
export function imbalances(lines: readonly Quantities[], totals: Quantities): string[] {
  const problems: string[] = [];
  for (const [index, line] of [...lines, totals].entries())
    if (line.invoiced + line.notInvoiced + line.unclassified !== line.attempts)
      problems.push(
        `${index < lines.length ? `line ${index + 1}` : 'the total'}: ${line.invoiced} + ${line.notInvoiced} + ${line.unclassified} is not ${line.attempts}`,
      );
  for (const key of quantityKeys) {
    const added = sum(lines.map((line) => line[key]));
    if (added !== totals[key]) problems.push(`${key}: the lines add up to ${added}, the total is ${totals[key]}`);
  }
  return problems;
}

/** Groups by key. The groups are in bytewise order of their keys, `null` first. */
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

/** Compares texts by their UTF-8 bytes, which is code point order. */
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

/** The sum is unknown if any amount is. */
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
