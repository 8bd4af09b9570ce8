import type { Micros } from './money.ts';
import {
  type CodeLine,
  monthlyMinimum,
  type Quantities,
  quantityKeys,
  type ReportLines,
  statedAmount,
  type SummaryLine,
} from './report-lines.ts';

/** Attempts and their cost. `amount` is `null` if it is not known or if any attempt is unclassified. */
export type Part = Quantities & { readonly amount: Micros | null };

/** A month divided by task and outcome. The parts add up to the month. */
export type OutcomeParts = {
  /**
   * The month's own attempts, one line per task and outcome, unrounded; highest cost first, then most invoiced
   * attempts.
   */
  readonly own: readonly (CodeLine & Part)[];
  /** The sum of the own lines beyond the maximum; `null` = none. */
  readonly others: (Part & { readonly lines: number }) | null;
  /** What is booked for closed months, including their minimums; `null` = nothing. */
  readonly corrections: Part | null;
  /** What tops the month up to its own minimum; `null` = nothing. */
  readonly minimum: Micros | null;
  /** The difference that rounding each cost line adds to the exact amounts; `null` = none, or not known. */
  readonly rounding: Micros | null;
  readonly total: Part;
};

/**
 * Divides a month by task and outcome.
 *
 * @param most the maximum number of own lines; the remaining ones are added up.
 * @throws RangeError if the parts do not add up to the month.
 */
export function outcomeParts({ codes, summary, totals }: ReportLines, most: number): OutcomeParts {
  const parts = codes.map((line) => ({ ...line, amount: statedAmount(line) }));
  const sorted = parts
    .filter(isOwn)
    .toSorted((a, b) => compare(b.amount ?? 0n, a.amount ?? 0n) || compare(b.invoiced, a.invoiced));
  const [own, beyond] = [sorted.slice(0, most), sorted.slice(most)];
  const corrected = parts.filter((line) => !isOwn(line));
  const charges = summary.filter(({ taskType }) => taskType === monthlyMinimum);
  const correctedCharges = charges.filter((line) => !isOwn(line));
  const total = { ...quantitiesOf(totals), amount: statedAmount(totals) };
  const exact = {
    others: beyond.length === 0 ? null : { ...added(beyond), lines: beyond.length },
    corrections: corrected.length + correctedCharges.length === 0 ? null : added([...corrected, ...correctedCharges]),
    minimum: addedAmounts(charges.filter(isOwn)) || null,
  };
  const known = added([...own, ...[exact.others, exact.corrections].filter((part) => part !== null)]);
  expectSame(known, total);
  const rounding =
    known.amount === null || total.amount === null ? null : total.amount - known.amount - (exact.minimum ?? 0n);
  return { own, ...exact, rounding: rounding || null, total };
}

const isOwn = ({ correctsPeriod }: Pick<SummaryLine, 'correctsPeriod'>): boolean => correctsPeriod === null;
const compare = (a: bigint, b: bigint): number => (a === b ? 0 : a < b ? -1 : 1);

const quantitiesOf = ({ attempts, invoiced, notInvoiced, unclassified }: Quantities): Quantities => ({
  attempts,
  invoiced,
  notInvoiced,
  unclassified,
});

function added(parts: readonly Part[]): Part {
  const sum = (key: (typeof quantityKeys)[number]) => parts.reduce((all, part) => all + part[key], 0n);
  return {
    attempts: sum('attempts'),
    invoiced: sum('invoiced'),
    notInvoiced: sum('notInvoiced'),
    unclassified: sum('unclassified'),
    amount: addedAmounts(parts),
  };
}

function addedAmounts(parts: readonly Pick<Part, 'amount'>[]): Micros | null {
  return parts.reduce<Micros | null>((all, { amount }) => (all === null || amount === null ? null : all + amount), 0n);
}

function expectSame(parts: Quantities, total: Quantities): void {
  for (const key of quantityKeys)
    if (parts[key] !== total[key])
      throw new RangeError(`${key}: the outcomes add up to ${parts[key]}, the month has ${total[key]}`);
}
