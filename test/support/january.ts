import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parse } from 'csv-parse/sync';
import { openDatabase } from '../../src/db/database.ts';
import { atEnd } from './books.ts';
import { createCliEnvironment, runCli } from './cli.ts';
import { facts, fetchedOf, register, scan, scanTask } from './facts.ts';
import { recordFetched } from './single.ts';

const header = 'invoice_number,issue_date,currency,line,description,kind,task_type,level,quantity,unit_price,amount';

/**
 * Books of January 2026, which has ended whenever this runs: 300 scans that are invoiced, and 60 of unknown documents,
 * which the rules do not invoice. All at 0.85.
 */
export async function january() {
  const environment = await createCliEnvironment({
    PRICES_FILE: new URL('../../examples/prices.json', import.meta.url).pathname,
  });
  const db = openDatabase(environment['DATABASE_URL'] ?? '');
  atEnd(db.close);
  for (let index = 0; index < 60; index += 1) {
    const id = `t-${index}`;
    const at = (minute: number) => new Date(Date.UTC(2026, 0, 5 + (index % 20), 10, minute)).toISOString();
    await register(db, id, `r-${index}`);
    const codes = [null, null, null, null, null, 'unknown_type_back'];
    const of = facts(id, {
      createdAt: new Date(at(0)),
      completedAt: new Date(at(30)),
      tasks: [
        scanTask(
          codes.map((code, minute) => scan(at(minute + 1), code)),
          { level: 'advanced', attempts: null, attemptsInvoiced: null },
        ),
      ],
    });
    await recordFetched(db.kysely, fetchedOf(of, { fence: '1' }), 0);
  }
  const folder = path.join(environment['REPORTS_DIR'] ?? '', '2026-01');
  const run = (...args: string[]) => runCli(args, environment);
  const reconcile = (...args: string[]) => run('reconcile', '2026-01', ...args);
  const invoice = async (name: string, ...lines: string[]) => {
    const file = path.join(environment.folder, name);
    await writeFile(file, [header, ...lines, ''].join('\r\n'));
    return file;
  };
  const rows = async (): Promise<Record<string, string>[]> =>
    parse(await readFile(path.join(folder, 'idscan-cost_2026-01_reconciliation.csv')), { columns: true });
  return { environment, db, folder, run, reconcile, invoice, rows, report: () => run('report', '2026-01') };
}

export const line = (quantity: number, amount: string, number = 'INV-1') =>
  `${number},2026-02-01,EUR,1,Document scan,usage,document_scan,advanced,${quantity},0.85,${amount}`;
