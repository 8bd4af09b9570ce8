import type { InvoiceLineKind, StatedPeriod } from '../domain/vendor-invoice.ts';
import type { Mistake } from './refusals.ts';
import { shown } from './refusals.ts';
import type { Statement } from './stated.ts';
import { textOf } from './values/cells.ts';
import { type DayOrder, readMonths } from './values/dates.ts';

/** A cell that says the time of a line, or of the whole invoice. */
export type PeriodStatement = Statement & { readonly kind: InvoiceLineKind | null };

/** The months that cells of a table say. What is no time is a mistake. */
export const periodsIn = (
  cells: readonly PeriodStatement[],
  order: DayOrder | null,
  mistakes: Mistake[],
): StatedPeriod[] =>
  cells.flatMap(({ cell, line, kind }): StatedPeriod[] => {
    const months = readMonths(cell, order);
    if (months) return [{ ...months, kind, at: line === 0 ? 'invoice.period of the layout' : `line ${line}` }];
    mistakes.push({ at: line || undefined, message: `period: ${shown(textOf(cell))} is none` });
    return [];
  });

/** The month that all of them lie in; `null` = none is said, or they are of several. */
export function monthOf(periods: readonly StatedPeriod[]): string | null {
  const [first] = periods;
  return first && periods.every(({ from, to }) => from === first.from && to === first.from) ? first.from : null;
}
