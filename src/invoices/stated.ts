import { isCurrency } from '../domain/money.ts';
import { type Cell, isEmpty, normalised, type Row, textOf } from './values/cells.ts';
import { dayOf, type DayOrder } from './values/dates.ts';
import type { Layout, Said } from './layout/layout.ts';
import { type Mistake, shown } from './refusals.ts';

/** What an invoice says of itself as a whole. */
export type Identity = { readonly number: string; readonly issueDate: string; readonly currency: string };

/** What whoever reads an invoice says of it, before layout and file: in the same form as the invoice has it. */
export type Given = Partial<Identity & { readonly period: string }>;

/** A cell that says something about the whole invoice, and its line. */
export type Statement = { readonly cell: Cell; readonly line: number };
export type StatementField = 'invoice_number' | 'issue_date' | 'currency' | 'period';

const keys = {
  number: 'invoice_number',
  issueDate: 'issue_date',
  currency: 'currency',
  period: 'period',
} as const satisfies Record<keyof Given, StatementField>;
const layoutKeys = { number: 'number', issueDate: 'issue_date', currency: 'currency', period: 'period' } as const;

/**
 * Finds where a table says its number, date, currency and period: in a column, where every row must say the same, or
 * beside a label.
 *
 * @param rows all rows of the file. @param inColumns the cells of mapped columns, of rows that count.
 */
export function statements(
  rows: readonly Row[],
  layout: Layout,
  inColumns: ReadonlyMap<StatementField, readonly Statement[]>,
  mistakes: Mistake[],
): Map<StatementField, Statement> {
  const found = new Map<StatementField, Statement>();
  for (const [key, field] of Object.entries(keys) as [keyof Given, StatementField][]) {
    const said = layout.invoice[key];
    const cells = inColumns.get(field)?.filter(({ cell }) => !isEmpty(cell)) ?? [];
    const [first] = cells;
    if (said) {
      const statement = saidStatement(rows, said, layoutKeys[key], mistakes);
      if (statement) found.set(field, statement);
    } else if (first) {
      found.set(field, first);
      // Lines may be of several days, and even months: which ones, each says for itself.
      if (field === 'period') continue;
      const other = cells.find(({ cell }) => textOf(cell) !== textOf(first.cell));
      if (other) {
        const message = `${field}: ${shown(textOf(other.cell))} here, ${shown(textOf(first.cell))} on line ${first.line}; a file is one invoice`;
        mistakes.push({ at: other.line, message });
      }
    }
  }
  return found;
}

/** What the layout says itself, or what stands to the right of the label that it names. */
export function saidStatement(
  rows: readonly Row[],
  said: Said,
  key: string,
  mistakes: Mistake[],
): Statement | undefined {
  if ('value' in said) return { cell: said.value, line: 0 };
  const label = plainLabel(said.label);
  const hits = rows.flatMap(({ line, cells }) => {
    const place = cells.findIndex((cell) => plainLabel(textOf(cell)) === label);
    const cell = place === -1 ? undefined : cells.slice(place + 1).find((one) => !isEmpty(one));
    return cell === undefined ? [] : [{ line, cell }];
  });
  const [first, another] = hits;
  if (first && !another) return first;
  const message = `invoice.${key}: the label ${shown(said.label)} stands ${first ? `${hits.length} times` : 'nowhere'} beside a value`;
  mistakes.push({ at: another?.line, message });
  return undefined;
}

const plainLabel = (text: string): string => normalised(text).replace(/ ?:$/, '').toLowerCase();

/** Reads what was found. What is missing or unreadable is a mistake. */
export function identityOf(
  found: ReadonlyMap<StatementField, Statement>,
  given: Given,
  order: DayOrder | null,
  mistakes: Mistake[],
): Identity | undefined {
  const read = <T>(key: keyof Identity, parse: (cell: Cell) => T | undefined): T | undefined => {
    const statement = found.get(keys[key]);
    if (!statement) return undefined;
    const value = parse(statement.cell);
    const message = `${keys[key]}: ${shown(textOf(statement.cell))} is none`;
    if (value === undefined) mistakes.push({ at: statement.line || undefined, message });
    return value;
  };
  const number = given.number ?? read('number', (cell) => validNumber(normalised(textOf(cell))));
  const issueDate =
    given.issueDate ??
    read('issueDate', (cell) => {
      // The layout's own date and a spreadsheet's are in one order; a text is in the file's.
      const iso = dayOf(cell, 'YYYY-MM-DD');
      const day = typeof iso === 'string' ? dayOf(cell, order) : iso;
      return typeof day === 'string' ? undefined : day.day;
    });
  const currency = given.currency ?? read('currency', (cell) => validCurrency(textOf(cell)));
  for (const [key, value] of Object.entries({ number, issueDate, currency }) as [keyof Identity, unknown][])
    if (value === undefined && !found.has(keys[key])) {
      const message = `says no ${keys[key]}: map its column, or set invoice.${layoutKeys[key]} to a value or a label`;
      mistakes.push({ at: undefined, message });
    }
  return number && issueDate && currency ? { number, issueDate, currency } : undefined;
}

const validNumber = (text: string): string | undefined => (text !== '' && text.length <= 100 ? text : undefined);
const validCurrency = (text: string): string | undefined =>
  isCurrency(text.toUpperCase()) ? text.toUpperCase() : undefined;
