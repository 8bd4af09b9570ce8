import { createReadStream } from 'node:fs';
import path from 'node:path';
import { parse } from 'csv-parse';
import type { Context } from '../jobs/context.ts';
import type { WrittenReport } from '../jobs/month/write-files.ts';
import { formatAmount } from '../domain/money.ts';
import { fileName, money } from '../reports/files.ts';
import type { Invoice, InvoicePrices } from '../simulator/index.ts';

/** A report compared with the vendor's invoice. */
export type Comparison = {
  readonly lines: number;
  readonly ownAmount: string;
  readonly vendorAmount: string;
  /** One sentence per line that differs, is missing, or is extra. */
  readonly differences: readonly string[];
};

type Row = Record<'transaction_id' | 'task_type' | 'attempt' | 'outcome_code' | 'invoiced' | 'level', string>;

/** Compares the published detail file with the invoice, line by line. */
export async function compareWithInvoice(report: WrittenReport, invoice: Invoice): Promise<Comparison> {
  const expected = new Map(
    invoice.lines.map((line) => [
      [line.transactionId, line.taskType, line.attempt].join(' '),
      [line.code ?? '', line.invoiced === null ? '' : String(line.invoiced), line.level ?? ''].join(', '),
    ]),
  );
  const differences: string[] = [];
  const rows = createReadStream(path.join(report.directory, fileName(report.head, 'detail'))).pipe(
    parse({ columns: true }),
  );
  for await (const row of rows as AsyncIterable<Row>) {
    const key = [row.transaction_id, row.task_type, row.attempt].join(' ');
    const own = [row.outcome_code, row.invoiced, row.level].join(', ');
    const vendor = expected.get(key);
    if (vendor === undefined) differences.push(`${key}: only in the report`);
    else if (vendor !== own) differences.push(`${key}: ${own} in the report, ${vendor} on the invoice`);
    expected.delete(key);
  }
  for (const key of expected.keys()) differences.push(`${key}: only on the invoice`);
  const ownAmount = money(report.lines.totals.amount, report.head.priceList) ?? 'unknown';
  const vendorAmount = invoice.totalAmount ?? 'unknown';
  if (ownAmount !== vendorAmount) differences.push(`total: ${ownAmount} in the report, ${vendorAmount} on the invoice`);
  const currency = report.head.priceList?.currency ?? '';
  return {
    lines: invoice.lines.length,
    ownAmount: `${ownAmount} ${currency}`,
    vendorAmount: `${vendorAmount} ${currency}`,
    differences,
  };
}

/** The price list in the format of the simulated vendor. */
export function demoPrices({ prices }: Pick<Context, 'prices'>): InvoicePrices {
  const list = prices?.content;
  if (!list) throw new Error('the demo has a price list');
  return {
    currency: list.currency,
    minorDigits: list.minorDigits,
    units: list.prices.map((price) => {
      if (price.model !== 'flat' || price.freeAllowance > 0n)
        throw new Error('the simulated vendor knows flat prices alone, without a free allowance');
      return {
        taskType: price.taskType as InvoicePrices['units'][number]['taskType'],
        level: price.level,
        unitPrice: formatAmount(price.unitPrice, list.minorDigits),
      };
    }),
  };
}
