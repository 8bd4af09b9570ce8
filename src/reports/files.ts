import { formatAmount, type Micros } from '../domain/money.ts';
import type { PriceList } from '../domain/prices.ts';
import type { CodeLine, ReportLines, SummaryLine, Totals } from '../domain/report-lines.ts';
import { columnsOf, type HeaderOf, type ReportKind } from '../domain/report-columns.ts';
import type { CsvColumn, CsvValue } from './csv.ts';
import { csvName, type PeriodStatus, statusInNames } from './names.ts';

/** What all files of a report have in common. */
export type ReportHead = {
  readonly period: string;
  readonly status: PeriodStatus;
  readonly priceList: PriceList | undefined;
  /** The layout of the columns: `presentLayout`, or that of the month's close. */
  readonly layout: number;
};

/** The columns of a file in the report's layout, with how their cells are written. */
function columnsWith<Kind extends ReportKind, Row>(
  kind: Kind,
  { layout }: ReportHead,
  values: Readonly<Record<HeaderOf<Kind>, (row: Row) => CsvValue>>,
): CsvColumn<Row>[] {
  return columnsOf(kind, layout).map(({ header, type }) => ({
    header,
    value: values[header],
    isText: type === 'text',
  }));
}

/** The name under which a file is published. */
export function fileName({ period, status }: Pick<ReportHead, 'period' | 'status'>, kind: ReportKind): string {
  return csvName(period, statusInNames(status, status === 'closed' ? 1 : null), kind);
}

export type SummaryRow = ({ readonly recordType: 'LINE' } & SummaryLine) | ({ readonly recordType: 'TOTAL' } & Totals);

/** The lines, followed by the only total. */
export function* summaryRows({ summary, totals }: ReportLines): Generator<SummaryRow> {
  for (const line of summary) yield { recordType: 'LINE', ...line };
  yield { recordType: 'TOTAL', ...totals };
}

export function summaryColumns(head: ReportHead): CsvColumn<SummaryRow>[] {
  const { priceList } = head;
  const line =
    <T>(read: (row: SummaryLine) => T) =>
    (row: SummaryRow): T | null =>
      row.recordType === 'LINE' ? read(row) : null;
  return columnsWith('summary', head, {
    period: () => head.period,
    record_type: (row) => row.recordType,
    task_type: line((row) => row.taskType),
    level: line((row) => row.level),
    attempts: (row) => row.attempts,
    invoiced: (row) => row.invoiced,
    not_invoiced: (row) => row.notInvoiced,
    unclassified: (row) => row.unclassified,
    unit_price: line((row) => money(row.unitPrice, priceList)),
    amount: (row) => money(row.amount, priceList),
    currency: () => priceList?.currency ?? null,
    vendor_counter: (row) => row.vendorCounter,
    period_status: () => head.status,
    rule_table_version: line((row) => row.ruleTableVersion),
    price_list_version: (row) => {
      const isOwn = row.recordType === 'LINE' && (row.correctsPeriod !== null || head.status === 'restated');
      return isOwn ? row.priceListVersion : (priceList?.version ?? null);
    },
    is_correction: line((row) => String(row.correctsPeriod !== null)),
    corrects_period: line((row) => row.correctsPeriod),
  });
}

/** The columns of the codes file: a row per task type and outcome code, with unrounded amounts. */
export function codesColumns(head: ReportHead): CsvColumn<CodeLine>[] {
  // The first layout had no column for unclassified attempts and gave the amount of the others.
  const amountOf = (row: CodeLine) => (head.layout > 1 && row.unclassified > 0n ? null : row.amount);
  return columnsWith('codes', head, {
    period: () => head.period,
    task_type: (row: CodeLine) => row.taskType,
    outcome_code: (row) => row.code,
    attempts: (row) => row.attempts,
    invoiced: (row) => row.invoiced,
    amount: (row) => money(amountOf(row), head.priceList),
    currency: () => head.priceList?.currency ?? null,
    is_correction: (row) => String(row.correctsPeriod !== null),
    corrects_period: (row) => row.correctsPeriod,
    not_invoiced: (row) => row.notInvoiced,
    unclassified: (row) => row.unclassified,
  });
}

/** An amount as the files write it. `null` is an empty cell. */
export function money(amount: Micros | null, priceList: PriceList | undefined): string | null {
  return amount === null || !priceList ? null : formatAmount(amount, priceList.minorDigits);
}
