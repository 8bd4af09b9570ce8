import { type RawBuilder, sql } from 'kysely';
import type { Queries } from './database.ts';

/** A file of the vendor's that was taken back from a month. It stays as it came, and counts no more. */
export type WithdrawnFile = {
  /** The invoice's number, or the statement's file name. */
  readonly name: string;
  readonly sha256: string;
  readonly reason: string;
  readonly withdrawnAt: Date;
  readonly withdrawnBy: string;
  /** The last run before it was withdrawn; `null` = there was none. */
  readonly runBefore: string | null;
  /** How many runs there were since. */
  readonly runsSince: number;
};

/** Whether an invoice counts, as SQL: it is not withdrawn, and nothing that counts or was replaced itself replaces it. */
export const isInvoiceCounting = (invoice: string): RawBuilder<boolean> =>
  sql.raw(`(not exists (select from vendor_file_withdrawals w where w.invoice_id = ${invoice}.id) and not exists (
    select from vendor_invoices later where later.replaces = ${invoice}.id
      and not exists (select from vendor_file_withdrawals w where w.invoice_id = later.id)))`);

/** Whether a usage statement is not withdrawn, as SQL. Of a month's, the last one counts. */
export const isStatementKept = (statement: string): RawBuilder<boolean> =>
  sql.raw(`not exists (select from vendor_file_withdrawals w where w.statement_id = ${statement}.id)`);

/** Whether a run counts, as SQL: none of its invoices is withdrawn. */
export const isRunCounting = (run: string): RawBuilder<boolean> =>
  sql.raw(`not exists (select from vendor_file_withdrawals w where w.invoice_id = any(${run}.invoices))`);

/** The IDs of each month's last run that counts, as a query. */
export const lastRuns = sql<{
  id: string;
}>`select max(id) as id from reconciliations r where ${isRunCounting('r')} group by period`;

/** What is withdrawn: an invoice or a usage statement. */
export type FileId = { readonly invoice: string } | { readonly statement: string };

export async function withdrawFile(
  db: Queries,
  file: FileId,
  { reason, withdrawnBy }: { readonly reason: string; readonly withdrawnBy: string },
): Promise<void> {
  const [invoice, statement] = 'invoice' in file ? [file.invoice, null] : [null, file.statement];
  await sql`
    insert into vendor_file_withdrawals (invoice_id, statement_id, reason, withdrawn_by)
    values (${invoice}, ${statement}, ${reason}, ${withdrawnBy})`.execute(db);
}

/** What was taken back from a month, in that order. */
export async function withdrawnFiles(db: Queries, period: string): Promise<WithdrawnFile[]> {
  const { rows } = await sql<{
    name: string;
    sha256: string;
    reason: string;
    withdrawn_at: Date;
    withdrawn_by: string;
    run_before: string | null;
    runs_since: number;
  }>`
    select coalesce(i.number, s.name) as name, coalesce(i.file_sha256, s.file_sha256) as sha256, w.reason,
      w.withdrawn_at, w.withdrawn_by,
      (select max(r.id) from reconciliations r where r.period = ${period} and r.ran_at < w.withdrawn_at) as run_before,
      (select count(*)::int from reconciliations r where r.period = ${period} and r.ran_at > w.withdrawn_at) as runs_since
    from vendor_file_withdrawals w
    left join vendor_invoices i on i.id = w.invoice_id
    left join vendor_usage_statements s on s.id = w.statement_id
    where coalesce(i.period, s.period) = ${period} order by w.id`.execute(db);
  return rows.map(({ withdrawn_at: withdrawnAt, withdrawn_by: withdrawnBy, ...row }) => ({
    name: row.name,
    sha256: row.sha256,
    reason: row.reason,
    withdrawnAt,
    withdrawnBy,
    runBefore: row.run_before,
    runsSince: row.runs_since,
  }));
}
