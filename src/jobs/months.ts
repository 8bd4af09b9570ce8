import { type PeriodClose, periodCloses } from '../db/period-closes.ts';
import { firstAttemptAt, monthsWithAttempts } from '../db/report-rows.ts';
import { type ReportRun, reportRuns } from '../db/report-runs.ts';
import { monthBounds, nextPeriod, periodOf, periodsBetween } from '../domain/billing-month.ts';
import { type Micros, minorUnitDigits, storedAmount } from '../domain/money.ts';
import type { Context } from './context.ts';
import type { MonthFigures } from './month-figures.ts';

/** A month that the books know, and how far its report is. */
export type KnownMonth = {
  readonly period: string;
  readonly close: PeriodClose | null;
  readonly run: ReportRun | null;
};

/** All months with attempts, a close or a report, the one to be closed next, and the present one; newest first. */
export async function knownMonths({ db, config, now }: Context): Promise<KnownMonth[]> {
  const { billingTimeZone: timeZone } = config;
  const [closes, runs, first] = await Promise.all([
    periodCloses(db.kysely),
    reportRuns(db.kysely),
    firstAttemptAt(db.kysely),
  ]);
  const present = periodOf(now(), timeZone);
  const possible = first ? periodsBetween(periodOf(first, timeZone), present) : [];
  const used = await monthsWithAttempts(
    db.kysely,
    possible.map((period) => ({ period, ...monthBounds(period, timeZone) })),
  );
  const closeOf = new Map(closes.map((close) => [close.period, close]));
  const runOf = new Map(runs.map((run) => [run.period, run]));
  const last = closes.at(-1);
  // The month to be closed next has a page also where nothing happened in it.
  const next = last && nextPeriod(last.period) < present ? [nextPeriod(last.period)] : [];
  const periods = new Set([present, ...next, ...used.map(({ period }) => period), ...closeOf.keys(), ...runOf.keys()]);
  return [...periods]
    .sort()
    .reverse()
    .map((period) => ({ period, close: closeOf.get(period) ?? null, run: runOf.get(period) ?? null }));
}

/** A month in one line. */
export type MonthTotals = {
  readonly period: string;
  readonly isClosed: boolean;
  readonly attempts: bigint;
  readonly invoiced: bigint;
  /** `null` = there are no prices, or one is missing. */
  readonly amount: Micros | null;
  readonly currency: string | null;
  /** What stands between the month and its close. */
  readonly blockers: number;
};

/** A closed month's totals, from the manifest it was closed with. */
export function closedTotals({ period, manifest, currency }: PeriodClose): MonthTotals {
  const { control_totals: totals } = JSON.parse(manifest) as {
    control_totals: { attempts: number; invoiced: number; amount: string | null };
  };
  return {
    ...{ period, isClosed: true, currency, blockers: 0 },
    ...{ attempts: BigInt(totals.attempts), invoiced: BigInt(totals.invoiced) },
    amount: totals.amount === null ? null : storedAmount(totals.amount),
  };
}

/** The same of a month that was read. */
export function totalsOf({ period, close, lines, prices, open }: MonthFigures): MonthTotals {
  const { attempts, invoiced, amount } = lines.totals;
  const blockers = open ? Object.values(open.counts).reduce((sum, count) => sum + count, 0) : 0;
  return { period, isClosed: close !== null, attempts, invoiced, amount, currency: prices?.currency ?? null, blockers };
}

/** A difference of amounts, where both are known and of one currency. */
export function changeOf(
  now: MonthTotals,
  before: MonthTotals | undefined,
): { readonly amount: Micros; readonly perMille: bigint | null; readonly minorDigits: number } | undefined {
  if (!before || now.amount === null || before.amount === null || now.currency === null) return undefined;
  if (now.currency !== before.currency) return undefined;
  const amount = now.amount - before.amount;
  const half = (before.amount < 0n ? -before.amount : before.amount) / 2n;
  const perMille = before.amount <= 0n ? null : (amount * 1_000n + (amount < 0n ? -half : half)) / before.amount;
  return { amount, perMille, minorDigits: minorUnitDigits(now.currency) };
}
