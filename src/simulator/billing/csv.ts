import type { Bill } from './bill.ts';
import { formatMicros } from './micros.ts';
import { figures, plainHeader, plainRows, taxLine } from './table.ts';

const csv = (rows: readonly (readonly string[])[], delimiter: string): string =>
  rows.map((cells) => `${cells.map((cell) => quoted(cell, delimiter)).join(delimiter)}\r\n`).join('');

const quoted = (cell: string, delimiter: string): string =>
  cell.includes('"') || cell.includes(delimiter) ? `"${cell.replaceAll('"', '""')}"` : cell;

export const plainInvoice = (bill: Bill): Buffer => Buffer.from(csv([plainHeader, ...plainRows(bill)], ','));

const usageHeader = [
  'transaction_id',
  'task_type',
  'attempt',
  'attempted_at',
  'outcome_code',
  'level',
  'quantity',
  'unit_price',
];

/** A row for each attempt that is charged. */
export function usageStatement({ usage, minorDigits }: Bill): Buffer {
  const rows = usage.map(({ attempt, unitPrice }) => {
    const at = new Date(attempt.atMs).toISOString();
    const { transactionId, taskType, code, level } = attempt;
    const price = formatMicros(unitPrice, minorDigits);
    return [transactionId, taskType, String(attempt.attempt), at, code ?? '', level ?? '', '1', price];
  });
  return Buffer.from(csv([usageHeader, ...rows], ','));
}

/** As Dutch bookkeeping programs write it: semicolons, decimal commas, days first, windows-1252. */
export function dutchInvoice(bill: Bill): Buffer {
  const { number, issueDate, currency, month, lines, net, tax, total, minorDigits } = bill;
  const amounts = { Subtotaal: net, [taxLine(bill).description]: tax, 'Totaal te betalen': total };
  const text = csv(
    [
      ['Factuurnummer', number, '', ''],
      ['Factuurdatum', issueDate.split('-').reverse().join('-'), '', ''],
      ['Valuta', currency, '', ''],
      ['Omschrijving', 'Aantal', 'Prijs €', 'Bedrag €'],
      ...lines.map((line) => [line.description, ...figures(bill, line).map(inDutch)]),
      ...Object.entries(amounts).map(([name, amount]) => [name, '', '', inDutch(formatMicros(amount, minorDigits))]),
      [`Verbruik van ${month}: prijzen zonder btw`, '', '', ''],
    ],
    ';',
  );
  return Buffer.from(text.replaceAll('€', '\u0080'), 'latin1');
}

/** `1234.50` is `1.234,50`. */
function inDutch(figure: string): string {
  const [whole = '', ...fraction] = figure.split('.');
  return [whole.replaceAll(/\B(?=(\d{3})+$)/g, '.'), ...fraction].join(',');
}
