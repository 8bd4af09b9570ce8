import { type AttemptFilter, none, success } from '../../domain/attempt-filter.ts';
import { formatAmount } from '../../domain/money.ts';
import type { CodeLine, Quantities, SummaryLine } from '../../domain/report-lines.ts';
import { count } from './format.ts';
import { type Html, html, type Part } from './html.ts';

/** The list of a month's attempts. @param more parameters besides the filter. @param end `.csv`, or nothing. */
export function attemptsPath(
  period: string,
  filter: AttemptFilter,
  more: Readonly<Record<string, string>> = {},
  end: '' | '.csv' = '',
): string {
  const query = new URLSearchParams({ ...filter, ...more }).toString();
  return `/reports/${period}/attempts${end}${query === '' ? '' : `?${query}`}`;
}

/** A link to what was counted. */
export const attemptsLink = (period: string, filter: AttemptFilter, text: Part): Html =>
  html`<a href="${attemptsPath(period, filter)}">${text}</a>`;

/**
 * A count of attempts, linked to their list.
 *
 * @param mayNet whether lines may cancel each other out, so that there is something behind a 0.
 */
export const attemptCount = (period: string, filter: AttemptFilter, value: bigint, mayNet = false): Html | string =>
  value === 0n && !mayNet ? count(value) : attemptsLink(period, filter, count(value));

const quantityFilters: Readonly<Record<keyof Quantities, AttemptFilter>> = {
  attempts: {},
  invoiced: { invoiced: 'true' },
  notInvoiced: { invoiced: 'false' },
  unclassified: { invoiced: 'unclassified' },
};

/** One of the quantities of what a filter selects, linked to its list. */
export const quantityLink = (
  period: string,
  filter: AttemptFilter,
  of: Quantities,
  key: keyof Quantities,
  mayNet = false,
): Html | string => attemptCount(period, { ...filter, ...quantityFilters[key] }, of[key], mayNet);

/** What a line of the summary counts. */
export const ofSummaryLine = (line: SummaryLine): AttemptFilter => ({
  task: line.taskType,
  level: line.level ?? none,
  corrects: line.correctsPeriod ?? none,
  price: line.unitPrice === null ? none : formatAmount(line.unitPrice, 0),
  rules: line.ruleTableVersion ?? none,
  list: line.priceListVersion ?? none,
});

/** What a line of the codes counts. */
export const ofCodeLine = ({ taskType, code, correctsPeriod }: CodeLine): AttemptFilter => ({
  task: taskType,
  code: code ?? success,
  corrects: correctsPeriod ?? none,
});
