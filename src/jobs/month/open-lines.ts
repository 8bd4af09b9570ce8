import type { Queries } from '../../db/database.ts';
import { correctionDisagreements, ordinaryDisagreements } from '../../db/disagreements.ts';
import { correctionLines, type Examined, lineColumns, ordinaryLines } from '../../db/lines.ts';
import type { Tables } from '../../db/tables-as-of.ts';
import {
  bookedCells,
  cellsOfBooked,
  firstBookedPeriod,
  firstLateAttemptAt,
  hasLateChanges,
  lateTransactions,
} from '../../db/late-changes.ts';
import type { PeriodClose } from '../../db/period-closes.ts';
import { attemptCounts } from '../../db/report-rows.ts';
import { monthBounds, nextPeriod, periodOf } from '../../domain/billing-month.ts';
import {
  type PriceCell,
  priceCells,
  pricedCounts,
  type PricedMonth,
  stretchesOf,
  unitCounts,
} from '../../domain/price-cells.ts';
import type { PriceList } from '../../domain/prices.ts';
import type { AttemptGroup } from '../../domain/report-lines.ts';
import { closedPriceList } from './references.ts';

/** The lines of an open month, as SQL. */
export type OpenLines = {
  readonly lines: string;
  /** Lines that are summed up already, and a query for all others; `null` = there are no others. */
  readonly counted: readonly AttemptGroup[];
  readonly uncounted: string | null;
  readonly disagreements: string;
  /** Closed months that the corrections may belong to. */
  readonly corrected: readonly CorrectedMonth[];
};

/** A closed month that may have corrections. */
export type CorrectedMonth = {
  readonly period: string;
  /** The price list it was closed with, or else the first one that came later. */
  readonly list: PriceList | undefined;
  /**
   * Whether no close had a price list so far. Then its minimum is charged now, even if none of its lines is corrected.
   */
  readonly isPricedFirst: boolean;
};

/** A closed month and the price list that it was closed with. */
type PricedClose = Pick<CorrectedMonth, 'period' | 'list'>;

/** An open month, what it is priced by, and the closed months before it in order. */
export type OpenScope = {
  readonly period: string;
  readonly timeZone: string;
  readonly priceList: PriceList | undefined;
  readonly closes: readonly PeriodClose[];
  /** The tables as they are, or as they were at `asOf`; `null` = now. */
  readonly tables: Tables;
  readonly asOf: Date | null;
};

/** The lines of a month's own attempts and, if it follows the last closed month, the corrections of closed months. */
export async function openLines(queries: Queries, scope: OpenScope): Promise<OpenLines> {
  const { period, timeZone, priceList, closes, tables, asOf } = scope;
  const { end } = monthBounds(period, timeZone);
  const stretches = stretchesOf([{ period, lists: priceList ? [priceList] : [] }], timeZone);
  const counts = await attemptCounts(queries, { tables, stretches, end });
  const cells = priceCells(unitCounts(counts), stretches, timeZone);
  const lines = ordinaryLines({ tables, stretches, end, cells });
  const counted = pricedCounts(counts, cells, stretches);
  const disagreements = ordinaryDisagreements({ tables, stretches, end });
  const own = { lines, counted: counted ?? [], uncounted: counted ? null : lines, disagreements, corrected: [] };
  const last = closes.at(-1);
  if (!last || nextPeriod(last.period) !== period) return own;
  if (!isPricedFirst(scope, last) && !(await hasLateChanges(queries, asOf))) return own;
  const corrections = await correctionsOf(queries, scope, last);
  const corrected = `select ${lineColumns.join(', ')} from (${corrections.lines}) correction`;
  return {
    lines: `${lines} union all ${corrected}`,
    counted: own.counted,
    uncounted: counted ? corrected : `${lines} union all ${corrected}`,
    disagreements: `${disagreements} union all ${corrections.disagreements}`,
    corrected: corrections.corrected,
  };
}

/** Whether there are prices for the first time. Once a close has had a price list, all later closes have one. */
const isPricedFirst = ({ priceList }: OpenScope, last: PeriodClose): boolean =>
  priceList !== undefined && last.pricesSha256 === null;

async function correctionsOf(
  queries: Queries,
  scope: OpenScope,
  last: PeriodClose,
): Promise<Pick<OpenLines, 'lines' | 'disagreements' | 'corrected'>> {
  const { timeZone, priceList, closes, tables, asOf } = scope;
  const isFirstList = isPricedFirst(scope, last);
  const transactions = lateTransactions(asOf);
  const firstAt = await firstLateAttemptAt(queries, tables, transactions);
  const booked = await firstBookedPeriod(queries, transactions);
  const candidates = [last.period, ...(firstAt ? [periodOf(firstAt, timeZone)] : []), ...(booked ? [booked] : [])];
  const first = candidates.sort()[0] ?? last.period;
  const closed = await pricedCloses(queries, closes);
  const months: PricedMonth[] = [];
  for (let period = first; period <= last.period; period = nextPeriod(period))
    months.push({ period, lists: listsOf(period, closed, priceList) });
  const span = { tables, stretches: stretchesOf(months, timeZone), end: last.end };
  const late = [
    ...unitCounts(await attemptCounts(queries, span, transactions)),
    ...(await bookedCells(queries, span.stretches, transactions)),
  ];
  const touched = priceCells(late, span.stretches, timeZone);
  // With tiers or an allowance, one attempt more or less changes the price of others.
  const all = touched.some(({ isCounted }) => isCounted)
    ? priceCells(
        [...unitCounts(await attemptCounts(queries, span)), ...late.map((one) => ({ ...one, units: 0n }))],
        span.stretches,
        timeZone,
      )
    : touched;
  const cells = countedWith(touched, all);
  const moved = await cellsOfBooked(queries, span, cells);
  const counted = countedWith(priceCells(moved, span.stretches, timeZone), all);
  const examined: Examined = { transactions, cells, counted };
  return {
    lines: correctionLines({ ...span, cells: distinct(all) }, examined),
    disagreements: correctionDisagreements(span, transactions),
    corrected: closed
      .filter(({ period }) => isFirstList || period >= first)
      .map(({ period }) => ({
        period,
        list: listsOf(period, closed, priceList)[0],
        isPricedFirst: isFirstList,
      })),
  };
}

/**
 * The price lists for attempts of a closed month, in order of precedence: the list it was closed with, the lists of
 * later closes in order, the current list. The first one that has a price counts, so a price given once stays, whatever
 * lists follow. A month before the first close has no list of its own.
 */
export function listsOf(period: string, closed: readonly PricedClose[], now: PriceList | undefined): PriceList[] {
  const lists = [...closed.filter((one) => one.period >= period).map(({ list }) => list), now].filter(
    (list) => list !== undefined,
  );
  return [...new Map(lists.map((list) => [list.version, list])).values()];
}

/** The cells of `all` that are counted together with a touched one. */
function countedWith(touched: readonly PriceCell[], all: readonly PriceCell[]): PriceCell[] {
  const isSame = (a: PriceCell, b: PriceCell) =>
    a.taskType === b.taskType && a.level === b.level && a.stretch === b.stretch;
  const counted = touched.filter(({ isCounted }) => isCounted);
  const scopes = new Set(all.filter((cell) => counted.some((one) => isSame(one, cell))).map(({ scope }) => scope));
  return distinct(all.filter(({ scope, isCounted }) => isCounted && scopes.has(scope)));
}

function distinct(cells: readonly PriceCell[]): PriceCell[] {
  return [...new Map(cells.map((cell) => [JSON.stringify([cell.taskType, cell.level, cell.stretch]), cell])).values()];
}

/** Closed months with their price lists, each list read once. */
export async function pricedCloses(queries: Queries, closes: readonly PeriodClose[]): Promise<PricedClose[]> {
  const lists = new Map<string | null, PriceList | undefined>();
  for (const close of closes)
    if (!lists.has(close.pricesSha256)) lists.set(close.pricesSha256, await closedPriceList(queries, close));
  return closes.map(({ period, pricesSha256 }) => ({ period, list: lists.get(pricesSha256) }));
}
