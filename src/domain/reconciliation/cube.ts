import { startOfDay } from '../billing-month.ts';
import type { PriceList } from '../prices.ts';
import { edgeDays, midnightsIn, zonesIn } from './zones.ts';

/** The times that may decide an attempt's month. The books go by `attempt`. */
export const timesOfAttempts = ['attempt', 'created', 'completed'] as const;
export type TimeOfAttempt = (typeof timesOfAttempts)[number];

/**
 * A number of attempts that are alike in everything that a hypothesis depends on. One SQL statement groups them: every
 * field but `count` is grouped by.
 */
export type CubeRow = {
  /** `task_type`, `level` and `code` of the attempt as the books have them; a code of `null` = success. */
  readonly taskType: string;
  readonly level: string | null;
  readonly code: string | null;
  /** Our decision; `null` = unclassified. */
  readonly invoiced: boolean | null;
  /**
   * What the vendor's counter says of it.
   * - `absent`: the task has no `attemptsInvoiced`.
   * - `agrees`: it is the number that we count, or the difference does not fall on this attempt.
   * - `charged`, `not_charged`: it says the opposite of our decision. Of a task whose counter is d above our count, the d
   *   attempts with the highest ordinals that we do not invoice are `charged`; of one whose counter is d below, the d
   *   with the highest ordinals that we invoice are `not_charged`.
   */
  readonly counter: 'absent' | 'agrees' | 'charged' | 'not_charged';
  /** The vendor's `linked`; unknown = `false`. */
  readonly linked: boolean;
  /** The state of the transaction, or of one of its tasks, is `failed`. */
  readonly failed: boolean;
  /** The transaction has no result ID. */
  readonly abandoned: boolean;
  /**
   * What became of it since the month was closed. An attempt that changed is two rows: as it was, `went`, and as it is
   * now, `came`. Of a month that is not closed all are `no`.
   */
  readonly late: 'no' | 'came' | 'went';
  /**
   * Where the attempt's three times lie among the cube's marks: how many marks are not after the time, which is SQL's
   * `width_bucket(time, marks)`.
   * - `attempt`: `attempted_at`.
   * - `created`: the transaction's `created_at`, else `attempted_at`.
   * - `completed`: the transaction's `completed_at`, else its `expires_at`, else `attempted_at`.
   */
  readonly slots: Readonly<Record<TimeOfAttempt, number>>;
  readonly count: number;
  /** What the usage statement charges for them; absent = there is none. */
  readonly usage?: UsageOfRow;
};

/** Of the attempts of a row, how many a usage statement charges, and what it charges for them beyond once. */
type UsageOfRow = {
  readonly charged: number;
  /** Units beyond one an attempt, and the attempts that have some. */
  readonly extra: number;
  readonly chargedAgain: number;
  /** The level that they are charged at, where it is another one than the books have; `null` = the same, or not said. */
  readonly otherLevel: string | null;
  /** They are of another month, and charged for the second time: in their own month or an earlier one, too. */
  readonly isElsewhere: boolean;
  /**
   * They are of this month, and the statement of another one charges them instead. `isNear`: it is the month before or
   * after, and has all of their times that this month does not have.
   */
  readonly chargedIn: { readonly period: string; readonly isNear: boolean } | null;
};

/**
 * What a usage statement has beside the attempts that it charges.
 * - `unknown`: charges that match no attempt of the books.
 * - `credit`: rows that take back units, of an attempt of the books.
 * - `unknown_credit`: rows that take back units, and match nothing.
 */
export type UnmatchedKind = 'unknown' | 'credit' | 'unknown_credit';

export type UnmatchedUsage = {
  readonly kind: UnmatchedKind;
  readonly taskType: string;
  readonly level: string | null;
  /** Where their time lies among the cube's marks, as in {@link CubeRow}. */
  readonly slot: number;
  /** Rows of the statement, and the units that they charge; negative where they take them back. */
  readonly rows: number;
  readonly units: number;
};

/** The month before, and the one after. */
export type Side = 'before' | 'after';

/** Invoiced attempts of a task type and level in an earlier month: what tiers may be counted on from. */
export type EarlierUnits = {
  readonly period: string;
  readonly taskType: string;
  readonly level: string | null;
  readonly units: number;
};

/**
 * A month in as few rows as an explanation needs. It has every attempt that has one of its three times from the first
 * mark on and before the last one, those of the days around the month among them, and with a usage statement every
 * attempt that it charges.
 */
export type Cube = {
  readonly period: string;
  /** `closed`: the books are as the month was closed, `late` attempts that `came` are not in them. */
  readonly basis: 'closed' | 'restated';
  /** As {@link cubeMarks} gives them. */
  readonly marks: readonly Date[];
  readonly rows: readonly CubeRow[];
  /**
   * Of the month before and of all earlier months of the calendar year; months without units may be left out, and all of
   * them where no price has tiers.
   */
  readonly earlier: readonly EarlierUnits[];
  /** What the usage statement charges beside the rows; absent = there is none. */
  readonly unmatched?: readonly UnmatchedUsage[];
  /** Whether usage statements of the month before and of the one after are kept; absent = they are not. */
  readonly statements?: Readonly<Record<Side, boolean>>;
};

/** What a month's books are priced by. */
export type Contract = {
  /** The billing time zone. */
  readonly timeZone: string;
  /** The lists that the books are priced by: the first one that has a price for something is the one. Empty = none. */
  readonly lists: readonly PriceList[];
  /** All other lists that are known. */
  readonly otherLists: readonly PriceList[];
};

/** Whether what a unit costs may depend on units of earlier months: only tiers count on from them. */
export const hasTiers = ({ lists, otherLists }: Contract): boolean =>
  [...lists, ...otherLists].some(({ prices }) => prices.some(({ model }) => model !== 'flat'));

/** The days of a month on which some price begins or ends, in order. */
export function priceDays(period: string, { lists, otherLists }: Contract): string[] {
  const prices = [...lists, ...otherLists].flatMap((list) => list.prices);
  const days = new Set(prices.flatMap((price) => [price.effectiveFrom, price.effectiveTo ?? price.effectiveFrom]));
  return edgeDays(period, [...days].sort()).slice(1, -1);
}

/**
 * The instants at which the month, or a price in it, begins or ends: in the books, and under any hypothesis. Between two
 * of them no hypothesis tells attempts apart by their time, so that most of a month shares one slot.
 *
 * @returns instants in order, each once.
 */
export function cubeMarks(period: string, contract: Contract): Date[] {
  const days = edgeDays(period, priceDays(period, contract));
  const own = days.map((day) => startOfDay(day, contract.timeZone));
  const others = zonesIn(period).flatMap((zone) => midnightsIn(zone, days));
  const times = new Set([...own, ...others].map((at) => at.getTime()));
  return [...times].sort((a, b) => a - b).map((time) => new Date(time));
}
