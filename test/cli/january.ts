import { sql } from 'kysely';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parse } from 'csv-parse/sync';
import { openDatabase } from '../../src/db/database.ts';
import { atEnd } from '../support/books.ts';
import { createCliEnvironment, runCli } from '../support/cli.ts';
import { createFilledDatabase } from '../support/databases.ts';
import { facts, fetchedOf, register, scan, scanTask } from '../support/facts.ts';
import { recordFetched } from '../support/single.ts';

const usageHeader = 'transaction_id,task_type,attempt,attempted_at,outcome_code,level,quantity,unit_price';
const header = 'invoice_number,issue_date,currency,line,description,kind,task_type,level,quantity,unit_price,amount';

export const timeOf = (index: number, minute: number): string =>
  new Date(Date.UTC(2026, 0, 5 + (index % 20), 10, minute)).toISOString();

/** Rows of a usage statement as it should be: the five scans of each transaction that are invoiced. */
export const rightRows = (how: 'by number' | 'by time' | 'by count' = 'by number'): string[] =>
  Array.from({ length: 300 }, (_, place) => {
    const [index, attempt] = [Math.floor(place / 5), (place % 5) + 1];
    const at = how === 'by count' ? timeOf(index, 45) : timeOf(index, attempt);
    return `t-${index},document_scan,${how === 'by number' ? attempt : ''},${at},,advanced,1,0.85`;
  });

/** A row for an attempt of a transaction. */
export const row = (index: number, attempt: number, code = ''): string =>
  `t-${index},document_scan,${attempt},${timeOf(index, attempt)},${code},advanced,1,0.85`;

async function fill(url: string): Promise<void> {
  const db = openDatabase(url);
  for (let index = 0; index < 60; index += 1) {
    const id = `t-${index}`;
    const at = (minute: number) => timeOf(index, minute);
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
  await db.close();
}

/**
 * Books of January 2026, which has ended whenever this runs: 300 scans that are invoiced, and 60 of unknown documents,
 * which the rules do not invoice. All at 0.85.
 */
export async function january(extra: Readonly<Record<string, string>> = {}) {
  const environment = await createCliEnvironment({
    PRICES_FILE: new URL('../../examples/prices.json', import.meta.url).pathname,
    DATABASE_URL: await createFilledDatabase('January', fill),
    ...extra,
  });
  const db = openDatabase(environment['DATABASE_URL'] ?? '');
  atEnd(db.close);
  const folder = path.join(environment['REPORTS_DIR'] ?? '', '2026-01');
  const run = (...args: string[]) => runCli(args, environment);
  const reconcile = (...args: string[]) => run('reconcile', '2026-01', ...args);
  const invoice = async (name: string, ...lines: string[]) => {
    const file = path.join(environment.folder, name);
    await writeFile(file, [header, ...lines, ''].join('\r\n'));
    return file;
  };
  const usage = async (name: string, rows: readonly string[]) => {
    const file = path.join(environment.folder, name);
    await writeFile(file, [usageHeader, ...rows, ''].join('\n'));
    return file;
  };
  const rows = async (): Promise<Record<string, string>[]> =>
    parse(await readFile(path.join(folder, 'idscan-cost_2026-01_reconciliation.csv')), { columns: true });
  const evidence = async (): Promise<Record<string, string>[]> =>
    parse(await readFile(path.join(folder, 'idscan-cost_2026-01_reconciliation-evidence.csv')), { columns: true });
  return {
    environment,
    db,
    folder,
    run,
    reconcile,
    invoice,
    usage,
    rows,
    evidence,
    report: () => run('report', '2026-01'),
  };
}

/** A line of an invoice of scans at 0.85. */
export const line = (quantity: number, amount: string, number = 'INV-1') =>
  `${number},2026-02-01,EUR,1,Document scan,usage,document_scan,advanced,${quantity},0.85,${amount}`;

/** A second line of that invoice, for scans of another level. */
export const lineAt = (level: string, quantity: number, price: string, amount: string) =>
  `INV-1,2026-02-01,EUR,2,Document scan,usage,document_scan,${level},${quantity},${price},${amount}`;

/** January with an invoice for 60 scans too many at 0.85, and the finding about them, disputed. */
export async function disputed() {
  const books = await january();
  const { reconcile, invoice, rows } = books;
  await reconcile('--invoice', await invoice('more.csv', line(360, '306.00')));
  const [finding] = await rows();
  const id = finding?.['finding'] ?? '';
  await reconcile('--decide', `${id}=dispute`, '--reason', 'not in the contract');
  const states = async () =>
    (await rows()).flatMap((row) =>
      row['record_type'] === 'FINDING'
        ? [[row['invoice_number'], row['cause'], row['amount_difference'], row['settled_amount'], row['state']]]
        : [],
    );
  const kept = async () => (await sql`select * from finding_settlements`.execute(books.db.kysely)).rows.length;
  return { ...books, id, states, kept, cause: finding?.['cause'] };
}

/** A transaction more, with scans at some times; a code of `unknown_type_back` is not invoiced. */
export async function addScans(
  { db }: Pick<Awaited<ReturnType<typeof january>>, 'db'>,
  id: string,
  scans: readonly (readonly [at: string, code?: string])[],
): Promise<void> {
  await register(db, id, `r-${id}`);
  const [first = ['2026-01-05T10:00:00Z']] = scans;
  const of = facts(id, {
    createdAt: new Date(first[0]),
    completedAt: new Date(scans.at(-1)?.[0] ?? first[0]),
    tasks: [
      scanTask(
        scans.map(([at, code = null]) => scan(at, code)),
        { level: 'advanced', attempts: null, attemptsInvoiced: null },
      ),
    ],
  });
  await recordFetched(db.kysely, fetchedOf(of, { fence: '1' }), 0);
}

/** A row for a scan of any transaction. */
export const rowAt = (id: string, attempt: number | '', at: string, quantity = 1): string =>
  `${id},document_scan,${attempt},${at},,advanced,${quantity},0.85`;

/** Rows of evidence, in short. */
export const attemptsIn = (rows: readonly Record<string, string>[]): string[] =>
  rows.map((one) => `${one['transaction_id']} ${one['attempt']} ${one['vendor_invoiced']} ${one['note']}`).sort();
