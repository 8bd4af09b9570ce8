import { lastMessage } from '../../db/notifications.ts';
import type { NotificationKind } from '../../domain/notification-kinds.ts';
import { monthBounds, previousPeriod } from '../../domain/billing-month.ts';
import { formatAmount, minorUnitDigits, storedAmount } from '../../domain/money.ts';
import { counted } from '../../domain/wording.ts';
import { monthsWithAttempts } from '../../db/report-rows.ts';
import type { ControlTotals } from '../../reports/published.ts';
import type { Context } from '../context.ts';
import { readMonth } from '../month/month-figures.ts';
import { changeOf, comparedMonths, type MonthTotals, totalsOf } from '../month/months.ts';
import type { Compared } from '../month/same-days.ts';

type Totals = {
  readonly attempts: number;
  readonly invoiced: number;
  readonly not_invoiced: number;
  readonly unclassified: number;
  readonly amount: string | null;
  readonly currency: string | null;
};
type Change = { readonly attempts: number; readonly amount: string | null; readonly percent: string | null };

/** The figures of a month, as every message has them. */
export type MonthMessage = {
  readonly totals: Totals;
  readonly change: {
    readonly against_month_before: Change | null;
    /** A running month is compared with the same days of the month before. */
    readonly compared_with: 'whole_month' | 'same_days';
    /** `null` = no earlier report message. */
    readonly since_last_report: Change | null;
  };
  /** The blockers of the month's close. */
  readonly blockers: Readonly<Record<string, number>>;
};

/** A month as it is now. */
export async function monthMessage(context: Context, period: string): Promise<MonthMessage> {
  const figures = await readMonth(context, period);
  const { attempts, invoiced, notInvoiced, unclassified } = figures.lines.totals;
  const now = totalsOf(figures);
  const totals: Totals = {
    attempts: Number(attempts),
    invoiced: Number(invoiced),
    not_invoiced: Number(notInvoiced),
    unclassified: Number(unclassified),
    amount: written(now),
    currency: now.currency,
  };
  return {
    totals,
    change: {
      ...(await againstMonthBefore(context, now)),
      since_last_report: sinceLast(totals, await lastMessage(context.db.kysely, 'report', period)),
    },
    blockers: { ...figures.open?.counts },
  };
}

/** A month as its written report has it, so that the message and the files have the same figures. */
export async function reportMessage(context: Context, period: string, report: ControlTotals): Promise<MonthMessage> {
  const { attempts, invoiced, not_invoiced, unclassified, amount, currency } = report;
  const totals: Totals = { attempts, invoiced, not_invoiced, unclassified, amount, currency };
  const now: MonthTotals = {
    period,
    isClosed: false,
    currency,
    blockers: 0,
    attempts: BigInt(attempts),
    invoiced: BigInt(invoiced),
    amount: amount === null ? null : storedAmount(amount),
    sameDays: (await readMonth(context, period)).sameDays,
  };
  return {
    totals,
    change: {
      ...(await againstMonthBefore(context, now)),
      since_last_report: sinceLast(totals, await lastMessage(context.db.kysely, 'report', period)),
    },
    blockers: {
      unsettled: report.unsettled_transactions,
      unfetched: report.unfetched_transactions,
      unclassified,
      unpriced: report.unpriced,
    },
  };
}

const written = ({ amount, currency }: MonthTotals): string | null =>
  amount === null || currency === null ? null : formatAmount(amount, minorUnitDigits(currency));

async function againstMonthBefore(
  context: Context,
  now: MonthTotals,
): Promise<Pick<MonthMessage['change'], 'against_month_before' | 'compared_with'>> {
  const before = now.sameDays === undefined ? await monthBefore(context, now.period) : undefined;
  const [one, other] = comparedMonths(now, before);
  return {
    against_month_before: other ? changed(one, other) : null,
    compared_with: now.sameDays === undefined ? 'whole_month' : 'same_days',
  };
}

async function monthBefore(context: Context, of: string): Promise<MonthTotals | undefined> {
  const period = previousPeriod(of);
  const month = { period, ...monthBounds(period, context.config.billingTimeZone) };
  if ((await monthsWithAttempts(context.db.kysely, [month])).length === 0) return undefined;
  return totalsOf(await readMonth(context, period));
}

function sinceLast(totals: Totals, last: Record<string, unknown> | undefined): Change | null {
  const before = last?.['totals'] as Totals | undefined;
  return before ? changed(asMonth(totals), asMonth(before)) : null;
}

const asMonth = ({ attempts, amount, currency }: Totals): Compared => ({
  attempts: BigInt(attempts),
  currency,
  amount: amount === null ? null : storedAmount(amount),
});

function changed(now: Compared, before: Compared): Change {
  const found = changeOf(now, before);
  const perMille = found?.perMille ?? null;
  return {
    attempts: Number(now.attempts - before.attempts),
    amount: found ? signed(formatAmount(found.amount, found.minorDigits)) : null,
    percent: perMille === null ? null : signed(formatAmount(perMille * 100_000n, 1)),
  };
}

const signed = (text: string): string => (/^-|^0(\.0*)?$/.test(text) ? text : `+${text}`);

/** The text of a message: what happened, then the month in one line. */
export function inWords(
  kind: NotificationKind,
  { period, isRunning }: { readonly period: string; readonly isRunning: boolean },
  event: string,
  month: MonthMessage,
): string {
  const { totals, change, blockers } = month;
  const { against_month_before: before, since_last_report: last } = change;
  const compared = change.compared_with === 'same_days' ? 'the same days of the month before' : 'the month before';
  const open = Object.entries(blockers).filter(([, count]) => count > 0);
  return [
    event,
    `${period}: ${totals.amount === null ? 'no total' : `${totals.amount} ${totals.currency ?? ''}`}, ${counted(totals.attempts, 'attempt')}, ${totals.invoiced} of them invoiced.`,
    ...(kind === 'report' && last ? [`Since the last report: ${differenceOf(last)}.`] : []),
    ...(before ? [`Against ${compared}: ${differenceOf(before)}.`] : []),
    ...(isRunning ? ['The month is still running.'] : []),
    ...(open.length > 0 ? [`Open: ${open.map(([name, count]) => `${count} ${name}`).join(', ')}.`] : []),
    ...(open.length === 0 && !isRunning ? ['Nothing in it stands between the month and its close.'] : []),
  ].join(' ');
}

function differenceOf({ attempts, amount, percent }: Change): string {
  const counts = `${attempts > 0 ? '+' : ''}${counted(attempts, 'attempt')}`;
  if (amount === null) return counts;
  return `${amount}${percent === null ? '' : ` (${percent} %)`}, ${counts}`;
}
