import { isCalendarDate } from '../../domain/billing-month.ts';
import type { StatedPeriod } from '../../domain/vendor-invoice.ts';
import { type Mistake, shown } from '../refusals.ts';
import { monthsBetween } from '../values/dates.ts';
import { childrenOf, textAt, type XmlElement } from '../xml.ts';

/**
 * The months of each `InvoicePeriod` of a document or line. One that says no day says nothing.
 *
 * @param at what messages call the place of a period. @param kind of the line; `null` = it is the document's.
 */
export const periodsOf = (
  element: XmlElement,
  { at, kind }: Pick<StatedPeriod, 'at' | 'kind'>,
  mistakes: Mistake[],
): StatedPeriod[] =>
  childrenOf(element, 'InvoicePeriod').flatMap((period): StatedPeriod[] => {
    const [start, end] = [textAt(period, 'StartDate')?.slice(0, 10), textAt(period, 'EndDate')?.slice(0, 10)];
    const [first = end, last = start] = [start, end];
    if (first === undefined || last === undefined) return [];
    if (isCalendarDate(first) && isCalendarDate(last) && first <= last)
      return [{ ...monthsBetween(first, last), at, kind }];
    mistakes.push({
      at,
      message: `InvoicePeriod: ${shown(first)} to ${shown(last)} is no time from one day to another`,
    });
    return [];
  });
