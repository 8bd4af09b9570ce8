import type { Bill, BillLine } from './bill.ts';
import { taxPercent } from './bill.ts';
import { formatMicros } from './micros.ts';

export const plainHeader = [
  'invoice_number',
  'issue_date',
  'currency',
  'line',
  'description',
  'kind',
  'task_type',
  'level',
  'quantity',
  'unit_price',
  'amount',
] as const;

/** The bill as a table of texts, tax among its lines. */
export function plainRows(bill: Bill): string[][] {
  const { number, issueDate, currency, lines } = bill;
  return [...lines, taxLine(bill)].map((line, index) => {
    const { description, kind, taskType, level } = line;
    const place = String(index + 1);
    return [number, issueDate, currency, place, description, kind, taskType ?? '', level ?? '', ...figures(bill, line)];
  });
}

export const taxLine = ({ tax }: Pick<Bill, 'tax'>) =>
  ({
    kind: 'tax',
    description: `BTW ${taxPercent}%`,
    taskType: null,
    level: null,
    quantity: null,
    unitPrice: null,
    amount: tax,
  }) as const;

/** Quantity, unit price and amount; empty = none. */
export const figures = (
  { minorDigits }: Pick<Bill, 'minorDigits'>,
  { quantity, unitPrice, amount }: Pick<BillLine, 'quantity' | 'unitPrice' | 'amount'>,
): [string, string, string] => [
  quantity === null ? '' : String(quantity),
  unitPrice === null ? '' : formatMicros(unitPrice, minorDigits),
  formatMicros(amount, minorDigits),
];
