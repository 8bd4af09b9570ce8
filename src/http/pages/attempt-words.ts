import { any, type AttemptFilter, type FilterName, none, success } from '../../domain/attempt-filter.ts';
import { amountText, findingPath, monthName } from './format.ts';
import { type Html, html, type Part } from './html.ts';
import { counterWords, outcome, taskName } from './words.ts';

/** What a list is restricted to, in words. */
export const filterFacts = (filter: AttemptFilter, period: string): [name: string, value: Part][] =>
  Object.entries(filter).map(([name, value]) => {
    const [title, words] = filterWords[name as FilterName];
    return [title, words(value, period)];
  });

const orNone = (value: string, words: string): string => (value === none ? words : value);

const filterWords: Readonly<
  Record<FilterName, readonly [title: string, words: (value: string, period: string) => Part]>
> = {
  task: ['Task', taskName],
  level: ['Level', (value) => orNone(value, 'Without a level')],
  code: ['Outcome', (value) => outcome(value === success ? null : value)],
  invoiced: ['Decision', (value) => invoicedWords[value] ?? value],
  counter: ['Vendor’s counter', (value) => counterWords(value)],
  day: ['Day', (value) => html`<time datetime="${value}">${dayName(value)}</time>`],
  corrects: ['Corrections', correctsWords],
  finding: [
    'Finding',
    (value, period) =>
      html`<a href="${findingPath(period, value)}"><code>${value}</code></a
        >, as its evidence has them`,
  ],
  price: ['Unit price', (value) => (value === none ? 'Without a price' : amountText(value))],
  rules: ['Rule table', (value) => orNone(value, 'Decided by none')],
  list: ['Price list', (value) => orNone(value, 'None')],
  only: ['Only', (value) => onlyWords[value] ?? value],
};

const invoicedWords: Readonly<Record<string, string>> = {
  true: 'Invoiced',
  false: 'Not invoiced',
  unclassified: 'Unclassified',
};

const onlyWords: Readonly<Record<string, string>> = {
  abandoned: 'Of transactions that ended without being completed',
  unclassified: 'Unclassified, as they stand',
  unpriced: 'Invoiced and without a price',
};

function correctsWords(value: string): Html | string {
  if (value === none) return 'None: the month’s own attempts';
  return value === any ? 'Of closed months' : html`Of <a href="/reports/${value}">${monthName(value)}</a>`;
}

/** `5 October 2026` */
const dayName = (day: string): string => `${Number(day.slice(8))} ${monthName(day.slice(0, 7))}`;
