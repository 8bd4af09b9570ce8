import { type InvoiceLine, invoiceLineKinds, type VendorInvoice } from '../domain/vendor-invoice.ts';
import { requireAccount, type StatedAccount } from './account.ts';
import { type Cell, cut, isEmpty, onOneLine, type Row, textOf } from './values/cells.ts';
import { findHeader, type Header, plainColumns } from './columns.ts';
import { type DayOrder, endsOf, orderEvidence } from './values/dates.ts';
import { type InvoiceField, type Layout, plainInvoiceFields, type RowKind } from './layout/layout.ts';
import { meaningOf, type RowMeaning } from './layout/line-rules.ts';
import { distinctLines } from './line-numbers.ts';
import { type DecimalMark, markEvidence, microsOf, numberIn, quantityOf } from './values/numbers.ts';
import { ambiguous, layoutMismatch, maxMistakes, type Mistake, shown, type Source, unreadable } from './refusals.ts';
import { type Given, identityOf, saidStatement, type Statement, type StatementField, statements } from './stated.ts';
import { monthOf, periodsIn, type PeriodStatement } from './stated-periods.ts';
import { turnSigns } from './turn-signs.ts';

/** What was found out about a table. */
export type TableReading = {
  readonly invoice: VendorInvoice;
  readonly decimal: DecimalMark | null;
  readonly date: DayOrder | null;
  readonly headerLine: number;
  readonly columns: Readonly<Record<string, string>>;
  readonly notes: readonly string[];
};

/** A row that is one of the invoice's lines or figures. */
type UsedRow = RowMeaning & { readonly row: Row; readonly cell: (field: InvoiceField) => Cell | undefined };

const maxLines = 50_000;
const maxDescriptionChars = 500;
const numberFields = ['quantity', 'unit_price', 'amount'] as const;
const statementFields = ['invoice_number', 'issue_date', 'currency', 'period'] as const satisfies StatementField[];
const correctIt = 'Correct the file or the layout, or ask the vendor for the file anew.';

/** The fields that a layout maps; those of the plain format where it maps none. */
export const wantedColumns = ({ columns }: Layout) => {
  const isPlain = Object.keys(columns).length === 0;
  return { columns: isPlain ? plainColumns(plainInvoiceFields) : columns, isPlain };
};

/**
 * Reads an invoice from a table.
 *
 * @param isFixed whether decimal points and ISO days are certain, as in the plain format.
 * @throws LedgerError `invoice_unreadable`, `invoice_ambiguous`, `layout_mismatch`
 */
export function invoiceOfTable(
  rows: readonly Row[],
  layout: Layout,
  source: Source,
  { given, isFixed, isSheet }: { given: Given; isFixed: boolean; isSheet: boolean },
): TableReading {
  const header = findHeader(rows, { ...wantedColumns(layout), headerRow: layout.format.headerRow }, source);
  const mistakes: Mistake[] = [];
  const refuse = (): void => {
    if (mistakes.length > 0) throw unreadable(source, mistakes, correctIt);
  };
  const below = rows.filter(({ line }) => line > header.line);
  if (!isSheet) mistakes.push(...below.filter(isTooWide(header.width)).map(widthMistake(header.width)));
  refuse();
  const used = usedRows(below, header, layout, source);
  if (used.length === 0) throw unreadable(source, 'has no lines', correctIt);
  if (used.length > maxLines)
    throw unreadable(source, `has ${used.length} lines, and at most 50,000 are read`, correctIt);
  const inColumns = new Map(statementFields.map((field) => [field, cellsOf(used, field)]));
  const stated = statements(rows, layout, inColumns, mistakes);
  refuse();
  const times = given.period === undefined ? periodCells(used, stated, layout) : [];
  const { decimal, date } = isFixed
    ? ({ decimal: '.', date: 'YYYY-MM-DD' } as const)
    : settledFormat(used, { issueDate: stated.get('issue_date'), times }, layout, source);
  const identity = identityOf(stated, given, date, mistakes);
  const periods = periodsIn(times, date, mistakes);
  const lines: InvoiceLine[] = [];
  const timesOfLines: string[] = [];
  const sums: Record<'net' | 'tax_total' | 'total', bigint | null> = { net: null, tax_total: null, total: null };
  for (const one of used) {
    const line = lineOf(one, decimal ?? '.', identity?.currency, mistakes);
    if (line && isUncounted(one.kind, line) && !layout.invoice.isCreditNote)
      mistakes.push({ at: one.row.line, message: 'quantity: is empty, and usage is counted' });
    if (mistakes.length > maxMistakes) break;
    if (line === undefined || one.kind === 'ignore') continue;
    if (one.kind === 'net' || one.kind === 'tax_total' || one.kind === 'total') {
      if (sums[one.kind] !== null) mistakes.push({ at: one.row.line, message: `is a second row of kind ${one.kind}` });
      sums[one.kind] = line.amount;
    } else {
      lines.push({ ...line, kind: one.kind });
      timesOfLines.push(textOf(one.cell('period')));
    }
  }
  const accounts = accountsIn(rows, used, layout, mistakes);
  refuse();
  requireAccount(layout, accounts, source, { isEach: true });
  if (!identity) throw new Error('an invoice without identity passed the checks');
  const numbered = distinctLines(lines, (place) => timesOfLines[place] ?? '');
  const figures = { lines: numbered.lines, stated: { net: sums.net, tax: sums.tax_total, total: sums.total } };
  // A credit on an invoice may be more than what it charges.
  const isCreditNote = lines.every(({ amount }) => amount <= 0n) && lines.some(({ amount }) => amount < 0n);
  const period = given.period ?? monthOf(periods);
  const written = { ...identity, period, ...(periods.length > 0 ? { periods } : {}), ...figures, isCreditNote };
  const invoice = layout.invoice.isCreditNote ? turnSigns(written) : written;
  return { invoice, decimal, date, headerLine: header.line, columns: header.names, notes: numbered.notes };
}

/** Usage that is charged without saying how much of it there is. */
const isUncounted = (kind: RowKind, { quantity, amount }: Pick<InvoiceLine, 'quantity' | 'amount'>): boolean =>
  kind === 'usage' && quantity === null && amount > 0n;

const isTooWide =
  (width: number) =>
  ({ cells }: Row): boolean =>
    cells.slice(width).some((cell) => !isEmpty(cell));
const widthMistake =
  (width: number) =>
  ({ line, cells }: Row): Mistake => ({ at: line, message: `has ${cells.length} cells, the header has ${width}` });

/** Rows below the header with what they are. A row that nothing says anything about is refused by its line. */
function usedRows(rows: readonly Row[], header: Header<InvoiceField>, layout: Layout, source: Source): UsedRow[] {
  const unmatched: Mistake[] = [];
  const used = rows.flatMap((row): UsedRow[] => {
    const cell = (field: InvoiceField): Cell | undefined => row.cells[header.places.get(field) ?? -1];
    if ([...header.places.values()].every((place) => isEmpty(row.cells[place]))) return [];
    const word = (field: InvoiceField): string | undefined => textOf(cell(field)) || undefined;
    const description = cut(word('description') ?? '', maxDescriptionChars);
    const words = { description, kind: word('kind'), taskType: word('task_type'), level: word('level') };
    const meaning = meaningOf(words, layout.lines);
    if (meaning) return meaning.kind === 'ignore' ? [] : [{ ...meaning, row, cell }];
    const message = words.kind
      ? `kind: ${shown(words.kind)} is none of usage, minimum, fee, discount, credit, tax`
      : `no rule of the layout's lines matches ${shown(description)}`;
    unmatched.push({ at: row.line, message });
    return [];
  });
  if (unmatched.length > 0)
    throw wantedColumns(layout).isPlain && layout.lines.length === 0
      ? unreadable(source, unmatched, correctIt)
      : layoutMismatch(source, unmatched);
  return used;
}

/** Where a table says which time it is for: the layout, a label, or the column of each line. */
function periodCells(
  used: readonly UsedRow[],
  stated: ReadonlyMap<StatementField, Statement>,
  { invoice }: Layout,
): PeriodStatement[] {
  const said = stated.get('period');
  if (invoice.period) return said ? [{ ...said, kind: null }] : [];
  return used.flatMap(({ row, cell, kind }): PeriodStatement[] => {
    const one = cell('period');
    const lineKind = invoiceLineKinds.find((known) => known === kind);
    return one === undefined || isEmpty(one) || !lineKind ? [] : [{ cell: one, line: row.line, kind: lineKind }];
  });
}

/** What a table says of its account: in a column, or beside a label. */
function accountsIn(
  rows: readonly Row[],
  used: readonly UsedRow[],
  { invoice: { account } }: Layout,
  mistakes: Mistake[],
): StatedAccount[] {
  const label = account?.label;
  const beside = label === undefined ? undefined : saidStatement(rows, { label }, 'account', mistakes);
  return (beside ? [beside] : cellsOf(used, 'account')).map(({ cell, line }) => ({ text: textOf(cell), at: line }));
}

const cellsOf = (used: readonly UsedRow[], field: InvoiceField): Statement[] =>
  used.flatMap(({ row, cell }) => {
    const one = cell(field);
    return one === undefined ? [] : [{ cell: one, line: row.line }];
  });

/** Decimal mark and order of dates: the layout's, else what the values leave no doubt about. */
function settledFormat(
  used: readonly UsedRow[],
  { issueDate, times }: { readonly issueDate: Statement | undefined; readonly times: readonly Statement[] },
  layout: Layout,
  source: Source,
): { readonly decimal: DecimalMark | null; readonly date: DayOrder | null } {
  const marks = markEvidence();
  for (const { row, cell } of used)
    for (const field of numberFields) {
      const value = cell(field);
      if (typeof value === 'string') marks.see(value.trim(), row.line, field);
    }
  const mark = layout.format.decimal ? { mark: layout.format.decimal } : marks.settle('format');
  if ('mistake' in mark) throw ambiguous(source, mark.mistake);
  const orders = orderEvidence();
  const see = (text: string, line: number, field: string): void => {
    for (const one of endsOf(text) ?? [text]) orders.see(one.trim(), line, field);
  };
  if (typeof issueDate?.cell === 'string' && issueDate.line > 0) see(issueDate.cell, issueDate.line, 'issue_date');
  for (const { cell, line } of times) if (typeof cell === 'string' && line > 0) see(onOneLine(cell), line, 'period');
  const order = layout.format.date ? { order: layout.format.date } : orders.settle('format');
  if ('mistake' in order) throw ambiguous(source, order.mistake);
  return { decimal: mark.mark, date: order.order };
}

/** A line's figures; of what cannot be one, mistakes. */
function lineOf(
  { row, cell, kind, taskType, level }: UsedRow,
  mark: DecimalMark,
  currency: string | undefined,
  mistakes: Mistake[],
): Omit<InvoiceLine, 'kind'> | undefined {
  const read = (field: (typeof numberFields)[number], as: typeof microsOf): bigint | null => {
    const number = numberIn(cell(field), mark, as);
    if (typeof number !== 'string') return number;
    mistakes.push({ at: row.line, message: `${field}: ${number}` });
    return null;
  };
  const before = mistakes.length;
  const quantity = read('quantity', quantityOf);
  const unitPrice = read('unit_price', microsOf);
  const amount = read('amount', microsOf);
  if (amount === null && mistakes.length === before) mistakes.push({ at: row.line, message: 'amount: is empty' });
  if (kind === 'usage' && taskType === null)
    mistakes.push({ at: row.line, message: 'task_type: is empty, and usage is of a task type' });
  const description = cut(textOf(cell('description')), maxDescriptionChars);
  for (const field of ['unit_price', 'amount'] as const)
    requireSameCurrency(cell(field), field, currency, row.line, mistakes);
  if (amount === null || mistakes.length > before) return undefined;
  return { line: textOf(cell('line')), description, taskType, level, quantity, unitPrice, amount };
}

/** `USD 12.50` in an invoice in EUR. */
function requireSameCurrency(
  cell: Cell | undefined,
  field: string,
  currency: string | undefined,
  at: number,
  mistakes: Mistake[],
): void {
  const [sign] = /[A-Z]{3}|[€£$]/.exec(typeof cell === 'string' ? cell : '') ?? [];
  if (sign === undefined || currency === undefined || (currenciesOf[sign] ?? [sign]).includes(currency)) return;
  mistakes.push({ at, message: `${field}: ${shown(textOf(cell))} is not in ${currency}, the invoice's currency` });
}

const dollars = ['USD', 'AUD', 'BRL', 'CAD', 'HKD', 'MXN', 'NZD', 'SGD', 'TWD'];
const currenciesOf: Readonly<Record<string, readonly string[]>> = { '€': ['EUR'], '£': ['GBP'], $: dollars };
