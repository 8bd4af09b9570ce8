import type { Snapshot } from '../../db/snapshot.ts';
import { keepUsage, type UsageToKeep } from '../../db/usage-statements.ts';
import { monthBounds } from '../../domain/billing-month.ts';
import { taskTypes } from '../../domain/facts.ts';
import type { StatedPeriod, VendorInvoice } from '../../domain/vendor-invoice.ts';
import { LedgerError } from '../../errors.ts';
import { maxMistakes, shown, unreadable } from '../../invoices/refusals.ts';
import type { Context } from '../context.ts';
import type { BooksOfMonth } from './books-of-month.ts';

/** Refuses what says itself that it is of another month, before anything is kept. */
export function expectOfMonth({ number, period: stated, periods = [] }: VendorInvoice, period: string): void {
  const others = otherPeriods(periods, period).filter(({ kind }) => isCompared(kind));
  if (others.length === 0) return;
  const places = others.slice(0, maxMistakes).map((one) => `${one.at}: ${monthsText(one)}`);
  const more = others.length > maxMistakes ? `; and ${others.length - maxMistakes} more` : '';
  throw new LedgerError(
    'period_differs',
    `${shown(number)} says that it is of another time than ${period}: ${places.join('; ')}${more}.`,
    {
      fields: { period, ...(stated === null ? {} : { stated }) },
      hint:
        stated === null
          ? 'Ask the vendor for an invoice of each month. If it is of this month all the same, set invoice.period of a layout. Nothing was kept.'
          : `Give it for ${stated}. Nothing was kept.`,
    },
  );
}

/** The times of lines beside a month that do not matter for what is compared, such as a fee that is charged beforehand. */
export const periodDoubts = ({ periods = [] }: VendorInvoice, period: string): string[] =>
  otherPeriods(periods, period).flatMap((one) =>
    isCompared(one.kind) ? [] : [`${one.at} (${one.kind}) is of ${monthsText(one)}`],
  );

const otherPeriods = (periods: readonly StatedPeriod[], period: string): StatedPeriod[] =>
  periods.filter(({ from, to }) => from !== period || to !== period);

/** What the books have lines of has to be of the month, and so has the document as a whole. */
const isCompared = (kind: StatedPeriod['kind']): boolean => kind === null || kind === 'usage' || kind === 'minimum';

const monthsText = ({ from, to }: StatedPeriod): string => (from === to ? from : `${from} to ${to}`);

/** Clocks differ by less than a day; and what is charged a little later is charged in the month all the same. */
const edgeMs = 86_400_000;

/** Keeps a usage statement, unless most of its rows are of other months. */
export async function keepUsageOfMonth(
  { config }: Context,
  booking: Snapshot,
  period: string,
  usage: Omit<UsageToKeep, 'period'>,
): Promise<void> {
  const { start, end } = monthBounds(period, config.billingTimeZone);
  const [from, to] = [start.getTime() - edgeMs, end.getTime() + edgeMs];
  const count = { rows: 0, outside: 0 };
  const counted = async function* () {
    for await (const some of usage.rows) {
      count.rows += some.length;
      for (const { attemptedAt } of some)
        if (attemptedAt.getTime() < from || attemptedAt.getTime() >= to) count.outside += 1;
      yield some;
    }
  };
  await keepUsage(booking, { ...usage, period, rows: counted() });
  if (count.outside * 2 <= count.rows) return;
  throw new LedgerError(
    'period_differs',
    `${usage.name}: ${count.outside} of ${count.rows} rows are of another time than ${period}.`,
    {
      fields: { period, rows: count.rows, outside: count.outside },
      hint: 'Give the statement of the month. Nothing was kept.',
    },
  );
}

/** Refuses what is not of these books. */
export function expectCurrency({ books }: BooksOfMonth, { number, currency }: VendorInvoice): void {
  if (currency === books.currency) return;
  throw new LedgerError(
    'currency_differs',
    `Invoice ${number} is in ${currency}, the books of ${books.period} are in ${books.currency}.`,
    {
      fields: { period: books.period, invoice: number },
      hint: 'Give the invoice of this account, or set PRICES_FILE to prices in its currency. Nothing was kept.',
    },
  );
}

/**
 * Refuses usage of a task type that is none of ours and that the books do not know: under a word of its own, a line that
 * the books have would seem to be missing.
 */
export function expectTaskTypes({ books, cube }: BooksOfMonth, { lines }: VendorInvoice, name: string): void {
  const known = new Set<string>([...taskTypes, ...[...books.lines, ...cube.rows].map(({ taskType }) => taskType)]);
  const mistakes = lines.flatMap(({ line, kind, taskType }) =>
    kind === 'usage' && taskType !== null && !known.has(taskType)
      ? [
          {
            at: `line ${shown(line)}`,
            message: `${shown(taskType)} is no task type; known are ${[...known].join(', ')}`,
          },
        ]
      : [],
  );
  if (mistakes.length > 0)
    throw unreadable(
      { subject: 'invoice', name },
      mistakes,
      'A layout says which task type a line is about: its lines.',
    );
}
