import { chargedTwice, type UnbalancedAttempt } from '../../db/attempt-nets.ts';
import type { Queries } from '../../db/database.ts';
import { closedDisagreements } from '../../db/disagreements.ts';
import { closedLines, currentTables, tablesAsOf } from '../../db/lines.ts';
import { chargesOf, type PeriodClose, periodCloses } from '../../db/period-closes.ts';
import { attemptGroups, type OpenItems, openItems } from '../../db/report-rows.ts';
import { monthBounds, nextPeriod, type Span } from '../../domain/billing-month.ts';
import { presentLayout } from '../../domain/report-columns.ts';
import { reportLines } from '../../domain/report-lines.ts';
import type { ReportHead } from '../../reports/files.ts';
import type { Context } from '../context.ts';
import { once } from './once.ts';
import { type CorrectedMonth, openLines } from './open-lines.ts';
import { closedPriceList, type References, referencesAt } from './references.ts';
import { type MonthSums, openTotals } from './totals.ts';

/**
 * A month of the books at one moment: what its page shows, its files say and its close freezes. Parts that cost a query
 * are functions. They read on the connection that the month was opened on, each at most once.
 */
export type Month = {
  readonly head: ReportHead;
  readonly span: Span;
  /** The zone that the span comes from; of a closed month, as the close kept it. */
  readonly timeZone: string;
  /** The earlier instant that the month is seen at; `null` = the present. */
  readonly asOf: Date | null;
  /** `null` = the month is open. */
  readonly close: PeriodClose | null;
  /** The rules and prices that decide and price it now; of a closed month the manifest has those it was closed with. */
  readonly references: References;
  /** Queries, with the columns of `src/db/lines.ts` and `src/db/disagreements.ts`. */
  readonly sql: { readonly lines: string; readonly disagreements: string };
  /** Closed months that may be among its corrections. */
  readonly corrected: readonly CorrectedMonth[];
  readonly totals: () => Promise<MonthSums>;
  readonly openItems: () => Promise<OpenItems>;
  /** Attempts that it would charge for although earlier reports have: there must be none. */
  readonly chargedTwice: () => Promise<readonly UnbalancedAttempt[]>;
};

export type MonthOptions = {
  /** An earlier instant to see an open month at: with what was known, decided and in use then. */
  readonly asOf?: Date | null;
  /** Leaves out IDs that came in later, where what is open is counted. */
  readonly registeredUntil?: Date | null;
};

/** Opens a month, closed or open, from what `queries` sees. */
export async function monthOf(
  context: Context,
  queries: Queries,
  period: string,
  options: MonthOptions = {},
): Promise<Month> {
  const closes = await periodCloses(queries, options.asOf ?? null);
  const close = closes.find((one) => one.period === period);
  return close ? closedMonth(context, queries, close) : openMonth(context, queries, period, closes, options);
}

/**
 * A month that is open: its own attempts and, where it follows the last closed one, the corrections of closed months.
 *
 * @param closes all closed months, in order.
 */
export async function openMonth(
  context: Context,
  queries: Queries,
  period: string,
  closes: readonly PeriodClose[],
  { asOf = null, registeredUntil = null }: MonthOptions = {},
): Promise<Month> {
  const { billingTimeZone: timeZone } = context.config;
  const references = asOf ? await referencesAt(context, queries, asOf) : context;
  const priceList = references.prices?.content;
  const tables = asOf ? tablesAsOf(asOf) : currentTables;
  const span = monthBounds(period, timeZone);
  const open = await openLines(queries, { period, timeZone, priceList, closes, tables, asOf });
  const { lines, disagreements, corrected } = open;
  const last = closes.at(-1);
  // The months behind that one have no corrections: what has moved there from a closed month is reversed before them.
  const hasCorrections = last !== undefined && nextPeriod(last.period) === period;
  return {
    head: { period, status: 'provisional', priceList, layout: presentLayout },
    span,
    timeZone,
    asOf,
    close: null,
    references,
    sql: { lines, disagreements },
    corrected,
    totals: once(() => openTotals(queries, open, { period, priceList, timeZone })),
    openItems: once(() => openItems(queries, span, { tables, asOf }, registeredUntil)),
    chargedTwice: () => (hasCorrections ? chargedTwice(queries, lines, last.period) : Promise.resolve([])),
  };
}

/**
 * The same month once its lines are booked: from here on everything is read from what is frozen, so that its files are
 * those that a later report writes again.
 */
export function bookedMonth(queries: Queries, month: Month): Month {
  const { period, priceList } = month.head;
  const { corrected } = month;
  const lines = closedLines(period);
  return {
    ...month,
    head: { ...month.head, status: 'closed' },
    sql: { lines, disagreements: closedDisagreements(period) },
    totals: once(() =>
      openTotals(
        queries,
        { counted: [], uncounted: lines, corrected },
        { period, priceList, timeZone: month.timeZone },
      ),
    ),
    chargedTwice: () => Promise.resolve([]),
  };
}

/** A closed month, as it was booked. */
export async function closedMonth(references: References, queries: Queries, close: PeriodClose): Promise<Month> {
  const { period, start, end, timeZone } = close;
  const priceList = await closedPriceList(queries, close);
  const lines = closedLines(period);
  const manifest = JSON.parse(close.manifest) as ClosedManifest;
  const { unsettled_transactions: unsettled = 0, unfetched_transactions: unfetched = 0 } = manifest.control_totals;
  return {
    // Manifests from before layouts were named have the first one.
    head: { period, status: 'closed', priceList, layout: manifest.layout ?? 1 },
    span: { start, end },
    timeZone,
    asOf: null,
    close,
    references,
    sql: { lines, disagreements: closedDisagreements(period) },
    corrected: [],
    totals: once(async () => {
      const charges = await chargesOf(queries, period);
      const groups = await attemptGroups(queries, lines);
      const { minorDigits } = priceList ?? {};
      return { lines: reportLines(groups, { minorDigits, charges }), charges, minimum: undefined };
    }),
    openItems: () => Promise.resolve({ unsettledTransactions: unsettled, unfetchedTransactions: unfetched }),
    chargedTwice: () => Promise.resolve([]),
  };
}

/** Of the manifest that a month was closed with: its layout, and what it was closed in spite of. */
type ClosedManifest = {
  readonly layout?: number;
  readonly control_totals: { readonly unsettled_transactions?: number; readonly unfetched_transactions?: number };
};
