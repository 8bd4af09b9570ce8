import { type PeriodClose, periodCloses } from '../../db/period-closes.ts';
import { firstAttemptAt, monthsWithAttempts } from '../../db/report-rows.ts';
import { type ReportRun, reportRuns } from '../../db/report-runs.ts';
import { monthBounds, nextPeriod, periodOf, periodsBetween } from '../../domain/billing-month.ts';
import { type Micros, minorUnitDigits, storedAmount } from '../../domain/money.ts';
import type { Context } from '../context.ts';
import type { MonthFigures } from './month-figures.ts';
import type { Compared, SameDays } from './same-days.ts';

/** A month that the books know, and the state of its report. */
export type KnownMonth = {
  readonly period: string;
  readonly close: PeriodClose | null;
  readonly run: ReportRun | null;
};

/** All months with attempts, a close or a report, the month to close next, and the current one; newest first. */
export async function knownMonths({ db, config, now }: Context): Promise<KnownMonth[]> {
  const { billingTimeZone: timeZone } = config;
  const closes = await periodCloses(db.kysely);
  const runs = await reportRuns(db.kysely);
  const first = await firstAttemptAt(db.kysely);
  const present = periodOf(now(), timeZone);
  const possible = first ? periodsBetween(periodOf(first, timeZone), present) : [];
  const used = await monthsWithAttempts(
    db.kysely,
    possible.map((period) => ({ period, ...monthBounds(period, timeZone) })),
  );
  const closeOf = new Map(closes.map((close) => [close.period, close]));
  const runOf = new Map(runs.map((run) => [run.period, run]));
  const last = closes.at(-1);
  // The month to close next has a page even if it has no attempts.
  const next = last && nextPeriod(last.period) < present ? [nextPeriod(last.period)] : [];
  const periods = new Set([present, ...next, ...used.map(({ period }) => period), ...closeOf.keys(), ...runOf.keys()]);
  return [...periods]
    .sort()
    .reverse()
    .map((period) => ({ period, close: closeOf.get(period) ?? null, run: runOf.get(period) ?? null }));
}

/** A month's totals, for one line of a list. */
export type MonthTotals = {
  readonly period: string;
  readonly isClosed: boolean;
  readonly attempts: bigint;
  readonly invoiced: bigint;
  /** `null` = there are no prices, or one is missing. */
  readonly amount: Micros | null;
  readonly currency: string | null;
  /** How many blockers the month has. */
  readonly blockers: number;
  /** What a running month is compared with; `null` = nothing, `undefined` = the month is not running. */
  readonly sameDays: SameDays | null | undefined;
};

/** The totals of a closed month, from the manifest it was closed with. */
export function closedTotals({ period, manifest, currency }: PeriodClose): MonthTotals {
  const { control_totals: totals } = JSON.parse(manifest) as {
    control_totals: { attempts: number; invoiced: number; amount: string | null };
  };
  return {
    period,
    isClosed: true,
    currency,
    blockers: 0,
    sameDays: undefined,
    attempts: BigInt(totals.attempts),
    invoiced: BigInt(totals.invoiced),
    amount: totals.amount === null ? null : storedAmount(totals.amount),
  };
}

/** The totals of a month that was read. */
export function totalsOf({ period, close, lines, prices, open, sameDays }: MonthFigures): MonthTotals {
  const { attempts, invoiced, amount } = lines.totals;
  const blockers = open ? Object.values(open.counts).reduce((sum, count) => sum + count, 0) : 0;
  const currency = prices?.currency ?? null;
  return { period, isClosed: close !== null, attempts, invoiced, amount, currency, blockers, sameDays };
}

export type Change = {
  readonly amount: Micros;
  /** `null` = the earlier amount is too small for a share. */
  readonly perMille: bigint | null;
  readonly minorDigits: number;
};

/** Compares a month with the one before; a running month, with the same days of it. `undefined` = not comparable. */
export function againstMonthBefore(now: MonthTotals, before: MonthTotals | undefined): Change | undefined {
  const [one, other] = comparedMonths(now, before);
  return changeOf(one, other);
}

/** Which figures of two months are compared. */
export const comparedMonths = (
  now: MonthTotals,
  before: MonthTotals | undefined,
): [now: Compared, before: Compared | undefined] =>
  now.sameDays === undefined ? [now, before] : [now.sameDays?.now ?? now, now.sameDays?.before];

/** The difference of two amounts, if both are known and in one currency. */
export function changeOf(now: Compared, before: Compared | undefined): Change | undefined {
  if (!before || now.amount === null || before.amount === null || now.currency === null) return undefined;
  if (now.currency !== before.currency) return undefined;
  const amount = now.amount - before.amount;
  const half = before.amount / 2n;
  const perMille = isWorthAShare(before.amount, now.amount)
    ? (amount * 1_000n + (amount < 0n ? -half : half)) / before.amount
    : null;
  return { amount, perMille, minorDigits: minorUnitDigits(now.currency) };
}

const oneUnit = 1_000_000n;

/**
 * Whether a share of `before` is meaningful. It is not if `before` is less than one unit of money, or less than a tenth
 * of `now`.
 */
const isWorthAShare = (before: Micros, now: Micros): boolean => before >= oneUnit && before * 10n >= now;
