import type { PriceList } from '../prices.ts';
import type { Cause } from './causes.ts';
import type { CubeRow, TimeOfAttempt } from './cube.ts';
import type { Zone } from './zones.ts';

/**
 * What a hypothesis does to attempts of a kind.
 * - `turn`: they are billed where our rules say no, and not where they say yes.
 * - `counter`: they are billed as the vendor's counter says.
 * - `take_in`, `leave_out`: they are billed, or are not, whatever the rules say.
 * - `late`: what came since the month was closed counts, or does not, the other way round than in the books.
 */
export const acts = ['turn', 'counter', 'take_in', 'leave_out', 'late'] as const;
export type Act = (typeof acts)[number];

/** Where tiers begin to count: with the month, or with units of earlier months before it. */
export const tierCounts = ['month', 'month_before_alone', 'from_month_before', 'from_quarter', 'from_year'] as const;
export type TierCount = (typeof tierCounts)[number];

/** How quantities become money. */
export type MoneyReading = {
  /** The first list that has a price for something is the one. */
  readonly lists: readonly PriceList[];
  readonly tiers: TierCount;
  /** Graduated prices are read as volume prices, and the other way round. */
  readonly isModelSwapped: boolean;
  /** How many times free units are given, and the monthly minimum asked for. */
  readonly allowances: bigint;
  readonly minimums: bigint;
  readonly rounding: 'line' | 'attempt';
};

/** One change to our reading of a month. */
export type Change =
  | { readonly of: 'zone'; readonly zone: Zone }
  | { readonly of: 'time'; readonly time: Exclude<TimeOfAttempt, 'attempt'> }
  | { readonly of: 'decisions'; readonly act: Act; readonly concerns: (row: CubeRow) => boolean }
  | { readonly of: 'money'; readonly change: Partial<MoneyReading> };

/** A change to our reading under which the books may equal the invoice. Each costs 1. */
export type Hypothesis = {
  /** Names it for good: the same in every month. */
  readonly key: string;
  readonly cause: Cause;
  readonly subject: string;
  /** The task type whose rule it turns; `null` = it is about no single one. */
  readonly taskType: string | null;
  readonly change: Change;
};

/** Whether an attempt is in the books at all. */
const isInBooks = ({ late }: Pick<CubeRow, 'late'>, basis: 'closed' | 'restated'): boolean =>
  late === 'no' || (late === 'came') === (basis === 'restated');

/**
 * Whether attempts are billed in their month under all acts upon them together. Of acts that contradict each other the
 * later one counts: `turn`, `counter`, `take_in`, `leave_out`.
 */
export function isBilled(row: CubeRow, basis: 'closed' | 'restated', acts: readonly Act[]): boolean {
  if (isInBooks(row, basis) === acts.includes('late')) return false;
  if (acts.includes('leave_out')) return false;
  if (acts.includes('take_in')) return true;
  if (acts.includes('counter')) return row.counter === 'charged';
  if (acts.includes('turn')) return row.invoiced === false;
  return row.invoiced === true;
}
