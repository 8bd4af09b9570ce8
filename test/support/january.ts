import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { sql } from 'kysely';
import { createHash } from 'node:crypto';
import { parse } from 'csv-parse/sync';
import { openDatabase } from '../../src/db/database.ts';
import { sealed } from '../../src/reports/manifest.ts';
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

/**
 * As if the vendor had sent a usage statement: gives the finding as many rows of evidence, in the published files and in
 * the books, and between them rows of a finding that is none of January's.
 */
export async function withEvidence({ db, folder, id }: Awaited<ReturnType<typeof disputed>>, rows: number) {
  const names = ['', '-evidence'].map((kind) => path.join(folder, `idscan-cost_2026-01_reconciliation${kind}.csv`));
  const [findings = '', evidence = ''] = names;
  const other = 'f'.repeat(16);
  const row = (index: number) =>
    `2026-01,${index % 2 === 0 ? id : other},"t-${index},x",document_scan,1,2026-01-05T10:06:00Z,unknown_type_back,false,true,,`;
  const texts = [
    (await readFile(findings, 'utf8')).replace(/,0,0\.00,disputed/, `,${rows},0.00,disputed`),
    [
      (await readFile(evidence, 'utf8')).trimEnd(),
      ...Array.from({ length: rows * 2 }, (_, index) => row(index)),
      '',
    ].join('\r\n'),
  ];
  const manifestFile = path.join(folder, 'reconciliation.json');
  const manifest = JSON.parse(await readFile(manifestFile, 'utf8')) as {
    sha256?: string;
    files: { name: string }[];
  };
  delete manifest.sha256;
  for (const [index, name] of names.entries()) await writeFile(name, texts[index] ?? '');
  const files = manifest.files.map((file, index) => ({
    ...file,
    sha256: createHash('sha256')
      .update(texts[index] ?? '')
      .digest('hex'),
    bytes: Buffer.byteLength(texts[index] ?? ''),
    rows: (texts[index] ?? '').split('\n').length - 2,
  }));
  const bytes = sealed({ ...manifest, files });
  await writeFile(manifestFile, bytes);
  await sql`
    with last as (select * from reconciliations order by id desc limit 1), copy as (
      insert into reconciliations (period, basis, is_provisional, invoices, currency, own_amount, vendor_amount,
        amount_difference, held, manifest_sha256, ran_by)
      select period, basis, is_provisional, invoices, currency, own_amount, vendor_amount, amount_difference, held,
        ${createHash('sha256').update(bytes).digest('hex')}, ran_by from last
      returning id)
    insert into reconciliation_findings (reconciliation_id, finding, position, effect, cause, subject, certainty,
      amount_difference, likely_wrong)
    select copy.id, finding, position, effect, cause, subject, certainty, f.amount_difference, likely_wrong
    from copy, last join reconciliation_findings f on f.reconciliation_id = last.id`.execute(db.kysely);
}
