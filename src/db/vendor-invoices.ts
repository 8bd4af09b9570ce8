import { sql } from 'kysely';
import { formatAmount, storedAmount } from '../domain/money.ts';
import type { InvoiceLine, InvoiceLineKind, VendorInvoice } from '../domain/vendor-invoice.ts';
import { LedgerError } from '../errors.ts';
import type { Queries } from './database.ts';
import { isInvoiceCounting } from './vendor-file-withdrawals.ts';
import { keepFile, type KeptLayout, type VendorFile } from './vendor-files.ts';

/** An invoice that is kept for a month. */
export type KeptInvoice = VendorInvoice & {
  readonly id: string;
  readonly fileSha256: string;
  /** `null` = it was read without one. */
  readonly layout: KeptLayout | null;
  readonly keptAt: Date;
  readonly keptBy: string;
};

export type InvoiceToKeep = {
  readonly period: string;
  readonly invoice: VendorInvoice;
  readonly file: VendorFile;
  readonly layout: VendorFile | undefined;
  readonly keptBy: string;
};

/**
 * Keeps an invoice for a month, with the bytes that it came in. What is kept and counts changes nothing. The same bytes
 * that say something else, by another layout, replace what they said before; so does another document with the number
 * of one that counts. Whoever calls it holds the month's lock.
 *
 * @returns whether it is new, and the invoice that it replaces, if any.
 * @throws LedgerError `invoice_elsewhere`
 */
export async function keepInvoice(
  db: Queries,
  { period, invoice, file, layout, keptBy }: InvoiceToKeep,
): Promise<{ isNew: boolean; replaced: string | null }> {
  const counting = await keptInvoices(db, period);
  const sameFile = counting.find(({ fileSha256 }) => fileSha256 === file.sha256);
  if (sameFile && reading(sameFile) === reading(invoice)) return { isNew: false, replaced: null };
  const sameNumber = counting.find(
    ({ number, isCreditNote }) => number === invoice.number && isCreditNote === invoice.isCreditNote,
  );
  if (sameFile && sameNumber && sameFile !== sameNumber) throw numberTaken(period, invoice.number);
  await expectNotElsewhere(db, period, invoice, file.sha256);
  for (const one of [file, ...(layout ? [layout] : [])]) await keepFile(db, one, keptBy);
  const { stated } = invoice;
  const replaced = (sameFile ?? sameNumber)?.id ?? null;
  const { rows } = await sql<{ id: string }>`
    insert into vendor_invoices (period, file_sha256, layout_sha256, number, is_credit_note, issue_date, currency,
      stated_net, stated_tax, stated_total, kept_by, replaces)
    values (${period}, ${file.sha256}, ${layout?.sha256 ?? null}, ${invoice.number}, ${invoice.isCreditNote},
      ${invoice.issueDate}, ${invoice.currency}, ${text(stated.net)}, ${text(stated.tax)}, ${text(stated.total)}, ${keptBy},
      ${replaced})
    returning id`.execute(db);
  const [kept] = rows;
  const lines = invoice.lines.map((line, position) => ({
    position,
    line: line.line,
    description: line.description,
    kind: line.kind,
    task_type: line.taskType,
    level: line.level,
    quantity: line.quantity?.toString() ?? null,
    unit_price: text(line.unitPrice),
    amount: text(line.amount),
    taxable: text(line.taxable ?? null),
  }));
  await sql`
    insert into vendor_invoice_lines (invoice_id, position, line, description, kind, task_type, level, quantity, unit_price, amount, taxable)
    select ${kept?.id}, j.* from jsonb_to_recordset(${JSON.stringify(lines)}::jsonb) as j (position integer, line text,
      description text, kind text, task_type text, level text, quantity bigint, unit_price numeric, amount numeric, taxable numeric)`.execute(
    db,
  );
  return { isNew: true, replaced };
}

/** All that an invoice says, to tell whether two readings of it are the same. */
const reading = ({ number, isCreditNote, issueDate, currency, lines, stated }: VendorInvoice): string =>
  JSON.stringify(
    [number, isCreditNote, issueDate, currency, stated.net, stated.tax, stated.total, lines.map(lineReading)],
    asText,
  );

const lineReading = (one: InvoiceLine) => [
  [one.line, one.description, one.kind, one.taskType, one.level],
  [one.quantity, one.unitPrice, one.amount, one.taxable ?? null],
];

const asText = (_: string, value: unknown): unknown => (typeof value === 'bigint' ? value.toString() : value);

const numberTaken = (period: string, number: string): LedgerError =>
  new LedgerError(
    'invoice_elsewhere',
    `The file is kept for ${period} under another number, and so is another file as ${number}.`,
    {
      fields: { period },
      hint: 'Does the layout read the right number? Nothing was kept.',
    },
  );

/** Refuses a document that counts for another month: it would be compared twice. */
async function expectNotElsewhere(db: Queries, period: string, invoice: VendorInvoice, sha256: string): Promise<void> {
  const { rows } = await sql<{ period: string }>`
    select period from vendor_invoices i
    where period <> ${period} and (file_sha256 = ${sha256} or (number = ${invoice.number} and is_credit_note = ${invoice.isCreditNote}))
      and ${isInvoiceCounting('i')}
    order by id limit 1`.execute(db);
  const [other] = rows;
  if (!other) return;
  throw new LedgerError(
    'invoice_elsewhere',
    `${invoice.number} is kept for ${other.period}, and so it is not ${period}'s.`,
    {
      fields: { period, keptFor: other.period },
      hint: `Give the invoice of ${period}, or withdraw that one: npx idscan-ledger reconcile ${other.period} --withdraw <number> --reason <text>. Nothing was kept.`,
    },
  );
}

type InvoiceRow = {
  id: string;
  number: string;
  is_credit_note: boolean;
  issue_date: string;
  currency: string;
  stated_net: string | null;
  stated_tax: string | null;
  stated_total: string | null;
  file_sha256: string;
  layout_sha256: string | null;
  layout_name: string | null;
  kept_at: Date;
  kept_by: string;
};

type LineRow = {
  invoice_id: string;
  line: string;
  description: string;
  kind: InvoiceLineKind;
  task_type: string | null;
  level: string | null;
  quantity: string | null;
  unit_price: string | null;
  amount: string;
  taxable: string | null;
};

/** The invoices of a month that are not withdrawn and that nothing has replaced, in the order in which they were kept. */
export async function keptInvoices(db: Queries, period: string): Promise<KeptInvoice[]> {
  const { rows: invoices } = await sql<InvoiceRow>`
    select id, number, is_credit_note, to_char(issue_date, 'YYYY-MM-DD') as issue_date, currency,
      stated_net::text, stated_tax::text, stated_total::text, file_sha256, layout_sha256,
      (select name from vendor_files where sha256 = layout_sha256) as layout_name, kept_at, kept_by
    from vendor_invoices i
    where period = ${period} and ${isInvoiceCounting('i')}
    order by id`.execute(db);
  const { rows: lines } = await sql<LineRow>`
    select invoice_id, line, description, kind, task_type, level, quantity::text, unit_price::text, amount::text, taxable::text
    from vendor_invoice_lines where invoice_id = any(${invoices.map(({ id }) => id)}::bigint[])
    order by invoice_id, position`.execute(db);
  const byInvoice = Map.groupBy(lines, ({ invoice_id: id }) => id);
  return invoices.map((row) => ({
    id: row.id,
    number: row.number,
    isCreditNote: row.is_credit_note,
    issueDate: row.issue_date,
    currency: row.currency,
    period,
    stated: { net: micros(row.stated_net), tax: micros(row.stated_tax), total: micros(row.stated_total) },
    fileSha256: row.file_sha256,
    layout: row.layout_sha256 === null ? null : { sha256: row.layout_sha256, name: row.layout_name ?? '' },
    keptAt: row.kept_at,
    keptBy: row.kept_by,
    lines: (byInvoice.get(row.id) ?? []).map(invoiceLine),
  }));
}

const invoiceLine = (row: LineRow): InvoiceLine => ({
  line: row.line,
  description: row.description,
  kind: row.kind,
  taskType: row.task_type,
  level: row.level,
  quantity: row.quantity === null ? null : BigInt(row.quantity),
  unitPrice: micros(row.unit_price),
  amount: storedAmount(row.amount),
  taxable: micros(row.taxable),
});

/** All six digits, so that nothing is rounded on the way. */
const text = (amount: bigint | null): string | null => (amount === null ? null : formatAmount(amount, 6));
const micros = (amount: string | null): bigint | null => (amount === null ? null : storedAmount(amount));
