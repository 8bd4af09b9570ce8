import { type AttemptTotal, attemptTotal, linesWith, listAttempts, type ListedAttempt } from '../../db/attempt-list.ts';
import { type From, isPlace, type Place } from '../../db/attempt-order.ts';
import { findingLines } from '../../db/finding-attempts.ts';
import { referencesAt } from '../../db/references.ts';
import { detailQuery } from '../../db/report-files.ts';
import type { Behind } from '../../db/replica.ts';
import { type Snapshot, withSnapshot } from '../../db/snapshot.ts';
import { type AttemptFilter, type AttemptOrder, filterTakes } from '../../domain/attempt-filter.ts';
import { taskTypes } from '../../domain/facts.ts';
import { LedgerError } from '../../errors.ts';
import type { Context } from '../context.ts';
import { copiedCsv } from '../copied-csv.ts';
import { readForPage } from '../reading.ts';
import { findingToList } from './finding-attempts.ts';
import { type Month, monthOf } from '../month/month.ts';

/** The most lines of a page. */
const pageLines = 100;

export type AttemptQuery = { readonly filter: AttemptFilter; readonly order: AttemptOrder; readonly from: From };

/** A page of the attempts behind a number. */
export type AttemptPage = {
  readonly month: Pick<Month, 'head' | 'close' | 'timeZone'>;
  readonly query: AttemptQuery;
  /** All that the filter selects, on whatever page. */
  readonly total: AttemptTotal;
  readonly attempts: readonly ListedAttempt[];
  /** Before and behind which line the neighbouring pages are; `null` = there is none. */
  readonly previous: Place | null;
  readonly next: Place | null;
  readonly readAt: Date;
  readonly behind: Behind | null;
};

/**
 * Reads a page of a month's attempts: the lines of its report, by a filter. Reads no more lines than the page has, and
 * decides nothing.
 *
 * @throws LedgerError `request_invalid`, `not_found`, `reconciliation_changed`
 */
export async function readAttempts(context: Context, period: string, query: AttemptQuery): Promise<AttemptPage> {
  const { filter, order, from } = query;
  if (from && !isPlace(order, from.place))
    throw badParameter(from.isBackwards ? 'before' : 'after', 'what the links to other pages have');
  const read = (on: Context) =>
    withLines(on, period, filter, async ({ queries }, month, lines) => {
      const total = await totalOf({ queries }, filter, lines);
      const found = await listAttempts(queries, lines, { order, from, limit: pageLines + 1 });
      return { month, query, total, ...pageOf(found, from), readAt: context.now() };
    });
  // A finding's attempts are put into a table, which a standby has no place for.
  if (filter.finding !== undefined) return { ...(await read(context)), behind: null };
  const { value, behind } = await readForPage(context, read);
  return { ...value, behind };
}

/** One line more than a page has says that there is another page. */
function pageOf(found: readonly ListedAttempt[], from: From): Pick<AttemptPage, 'attempts' | 'previous' | 'next'> {
  const isMore = found.length > pageLines;
  const attempts = from?.isBackwards === true ? found.slice(-pageLines) : found.slice(0, pageLines);
  const first = attempts[0]?.place ?? null;
  const last = attempts.at(-1)?.place ?? null;
  if (from === null) return { attempts, previous: null, next: isMore ? last : null };
  if (from.isBackwards) return { attempts, previous: isMore ? first : null, next: last };
  return { attempts, previous: first, next: isMore ? last : null };
}

/**
 * Hands out the same lines as CSV, in the order and with the columns of the detail file. Postgres writes them.
 *
 * @param write takes the file; the connection is held until it is done.
 * @throws LedgerError as {@link readAttempts}
 */
export async function copyAttempts(
  context: Context,
  period: string,
  filter: AttemptFilter,
  write: (chunks: AsyncIterable<Buffer>) => Promise<void>,
): Promise<void> {
  await withLines(context, period, filter, async (snapshot, { head }, lines) => {
    await totalOf(snapshot, filter, lines);
    const referred = await referencesAt(snapshot.queries, null);
    const csv = detailQuery(lines, period, head.priceList?.currency ?? null, head.layout, referred);
    await write(copiedCsv(snapshot, csv));
  });
}

/** Opens the month, or the one that was reconciled, and selects its lines. */
async function withLines<T>(
  context: Context,
  period: string,
  filter: AttemptFilter,
  read: (snapshot: Snapshot, month: Month, lines: string) => Promise<T>,
): Promise<T> {
  const finding = filter.finding === undefined ? undefined : await findingToList(context, period, filter.finding);
  return withSnapshot(
    context.db,
    async (snapshot) => {
      const { queries } = snapshot;
      const month = finding ? await finding.month(queries) : await monthOf(context, queries, period);
      const lines = finding
        ? linesWith(findingLines(month.sql.lines), filter, month.timeZone, 'place')
        : linesWith(month.sql.lines, filter, month.timeZone);
      return read(snapshot, month, lines);
    },
    finding?.keep,
  );
}

/** The total. A task type that the vendor does not document is one only where there are attempts of it. */
async function totalOf(
  { queries }: Pick<Snapshot, 'queries'>,
  { task }: AttemptFilter,
  lines: string,
): Promise<AttemptTotal> {
  const total = await attemptTotal(queries, lines);
  const isDocumented = task === undefined || taskTypes.some((one) => one === task);
  if (!isDocumented && total.lines === 0n) throw badParameter('task', filterTakes('task'));
  return total;
}

/** @param takes what the parameter takes, in words. */
export const badParameter = (name: string, takes: string): LedgerError =>
  new LedgerError('request_invalid', `The parameter ${name} has a value that it does not take.`, {
    fields: { parameter: name },
    hint: `It takes: ${takes}.`,
  });
