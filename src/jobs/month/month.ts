import { chargedTwice, type UnbalancedAttempt } from '../../db/attempt-nets.ts';
import type { Queries } from '../../db/database.ts';
import { closedDisagreements } from '../../db/disagreements.ts';
import { closedLines } from '../../db/lines.ts';
import { currentTables, tablesAsOf } from '../../db/tables-as-of.ts';
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
 * A month of the books at one moment: what its page shows, its files contain and its close freezes. Parts that cost a
 * query are functions. They use the connection that the month was opened on, and read at most once.
 */
export type Month = {
  readonly head: ReportHead;
  readonly span: Span;
  /** The zone that the span was computed in. For a closed month, the zone kept by the close. */
  readonly timeZone: string;
  /** The earlier instant that the month is seen at; `null` = now. */
  readonly asOf: Date | null;
  /** `null` = the month is open. */
  readonly close: PeriodClose | null;
  /** The current rules and prices. For a closed month, the manifest names those that it was closed with. */
  readonly references: References;
  /** SQL queries, with the columns of `src/db/lines.ts` and `src/db/disagreements.ts`. */
  readonly sql: { readonly lines: string; readonly disagreements: string };
  /** Closed months that its corrections may belong to. */
  readonly corrected: readonly CorrectedMonth[];
  readonly totals: () => Promise<MonthSums>;
  readonly openItems: () => Promise<OpenItems>;
  /** Attempts that it would charge for although an earlier report has. There must be none. */
  readonly chargedTwice: () => Promise<readonly UnbalancedAttempt[]>;
};

export type MonthOptions = {
  /** An earlier instant to see an open month at, with what was known, decided and in use then. */
  readonly asOf?: Date | null;
  /** Leaves IDs that were registered later out of the open items. */
  readonly registeredUntil?: Date | null;
};

/** Opens a month, closed or open, as seen by `queries`. */
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
 * Opens an open month: its own attempts and, if it follows the last closed month, the corrections of closed months.
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
  // Later months have no corrections. An attempt that moved there from a closed month is first reversed in this month.
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
 * The same month after its lines are booked. Everything is read from the frozen rows from here on, so its files are the
 * same as those that a later report writes.
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
    // Manifests without a layout are from before layouts existed, and have the first one.
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

/** Parts of the manifest that a month was closed with: its layout, and the open items it was closed with. */
type ClosedManifest = {
  readonly layout?: number;
  readonly control_totals: { readonly unsettled_transactions?: number; readonly unfetched_transactions?: number };
};
