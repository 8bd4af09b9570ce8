import { mkdir } from 'node:fs/promises';
import type { Context } from '../../src/jobs/context.ts';
import { bookkeeper } from '../support/closing.ts';
import { scan, scanTask } from '../support/facts.ts';

const header = 'invoice_number,issue_date,currency,line,description,kind,task_type,level,quantity,unit_price,amount';

/** January 2026, which has ended whenever this runs: 300 scans that are invoiced and 60 that are not, all at 0.85. */
export async function fillJanuary(context: Context): Promise<void> {
  const look = bookkeeper(context);
  await mkdir(context.config.reportsDir, { recursive: true });
  for (let index = 0; index < 60; index += 1) {
    const at = (minute: number) => new Date(Date.UTC(2026, 0, 5 + (index % 20), 10, minute));
    const codes = [null, null, null, null, null, 'unknown_type_back'];
    const scans = codes.map((code, minute) => scan(at(minute + 1).toISOString(), code));
    await look(`t-${index}`, {
      createdAt: at(0),
      expiresAt: at(59),
      completedAt: at(30),
      tasks: [scanTask(scans, { level: 'advanced', attempts: null, attemptsInvoiced: null })],
    });
  }
}

export const invoiceOf = (...lines: string[]): string => [header, ...lines, ''].join('\r\n');

/** A line of an invoice of scans at 0.85. */
export const scansLine = (quantity: number, amount: string, number = 'INV-1'): string =>
  `${number},2026-02-01,EUR,1,Document scan,usage,document_scan,advanced,${quantity},0.85,${amount}`;

/** Charges all 360 attempts, and a fee that nobody knows. */
export const tooMuch = invoiceOf(scansLine(360, '306.00'), 'INV-1,2026-02-01,EUR,2,Platform fee,fee,,,,,12.00');
