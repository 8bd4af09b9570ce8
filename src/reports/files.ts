import { formatAmount, type Micros } from '../domain/money.ts';
import type { PriceList } from '../domain/prices.ts';
import type { CodeLine, ReportLines, SummaryLine, Totals } from '../domain/report-lines.ts';
import { columnsOf, type ReportKind } from '../domain/report-columns.ts';
import { type CsvColumn } from './csv.ts';

export type { ReportKind } from '../domain/report-columns.ts';

/** What all rows of a report's files have in common. */
export type ReportHead = {
  readonly period: string;
  /** `provisional` until the month is closed. */
  readonly status: 'provisional' | 'closed';
  readonly priceList: PriceList | undefined;
  /** Which columns the files have: `presentLayout`, or that of the close. */
  readonly layout: number;
};

/** Of columns, those that a file has in the report's layout. */
export function ofLayout<Column extends { readonly header: string }>(
  kind: ReportKind,
  { layout }: ReportHead,
  columns: readonly Column[],
): Column[] {
  const headers = new Set(columnsOf(kind, layout).map(({ header }) => header));
  return columns.filter(({ header }) => headers.has(header));
}

/** The name a file is published under. */
export function fileName({ period, status }: Pick<ReportHead, 'period' | 'status'>, kind: ReportKind): string {
  return `idscan-cost_${period}_${status === 'closed' ? 'v1' : status}_${kind}.csv`;
}

export type SummaryRow = ({ readonly recordType: 'LINE' } & SummaryLine) | ({ readonly recordType: 'TOTAL' } & Totals);

/** The lines, then the total: once and last. */
export function* summaryRows({ summary, totals }: ReportLines): Generator<SummaryRow> {
  for (const line of summary) yield { recordType: 'LINE', ...line };
  yield { recordType: 'TOTAL', ...totals };
}

/** The summary's columns, what finance opens first. */
export function summaryColumns(head: ReportHead): CsvColumn<SummaryRow>[] {
  const { priceList } = head;
  const line =
    <T>(read: (row: SummaryLine) => T) =>
    (row: SummaryRow): T | null =>
      row.recordType === 'LINE' ? read(row) : null;
  return [
    { header: 'period', value: () => head.period },
    { header: 'record_type', value: (row) => row.recordType },
    { header: 'task_type', value: line((row) => row.taskType), text: true },
    { header: 'level', value: line((row) => row.level), text: true },
    { header: 'attempts', value: (row) => row.attempts },
    { header: 'invoiced', value: (row) => row.invoiced },
    { header: 'not_invoiced', value: (row) => row.notInvoiced },
    { header: 'unclassified', value: (row) => row.unclassified },
    { header: 'unit_price', value: line((row) => money(row.unitPrice, priceList)) },
    { header: 'amount', value: (row) => money(row.amount, priceList) },
    { header: 'currency', value: () => priceList?.currency ?? null },
    { header: 'vendor_counter', value: (row) => row.vendorCounter },
    { header: 'period_status', value: () => head.status },
    { header: 'rule_table_version', value: line((row) => row.ruleTableVersion) },
    {
      header: 'price_list_version',
      value: (row) =>
        row.recordType === 'LINE' && row.correctsPeriod !== null ? row.priceListVersion : (priceList?.version ?? null),
    },
    { header: 'is_correction', value: line((row) => String(row.correctsPeriod !== null)) },
    { header: 'corrects_period', value: line((row) => row.correctsPeriod) },
  ];
}

/** The codes file's columns: a row per task type and outcome code, amounts unrounded. */
export function codesColumns(head: ReportHead): CsvColumn<CodeLine>[] {
  // The first layout did not say what is unclassified, and gave the amount of the rest.
  const amountOf = (row: CodeLine) => (head.layout > 1 && row.unclassified > 0n ? null : row.amount);
  return ofLayout('codes', head, [
    { header: 'period', value: () => head.period },
    { header: 'task_type', value: (row: CodeLine) => row.taskType, text: true },
    { header: 'outcome_code', value: (row) => row.code, text: true },
    { header: 'attempts', value: (row) => row.attempts },
    { header: 'invoiced', value: (row) => row.invoiced },
    { header: 'amount', value: (row) => money(amountOf(row), head.priceList) },
    { header: 'currency', value: () => head.priceList?.currency ?? null },
    { header: 'is_correction', value: (row) => String(row.correctsPeriod !== null) },
    { header: 'corrects_period', value: (row) => row.correctsPeriod },
    { header: 'not_invoiced', value: (row) => row.notInvoiced },
    { header: 'unclassified', value: (row) => row.unclassified },
  ] satisfies CsvColumn<CodeLine>[]);
}

/** An amount as the files write it; `null` stays empty. */
export function money(amount: Micros | null, priceList: PriceList | undefined): string | null {
  return amount === null || !priceList ? null : formatAmount(amount, priceList.minorDigits);
}
