import { type RawBuilder, sql } from 'kysely';
import { storedAmount } from '../domain/money.ts';
import type { DecisionName } from '../domain/reconciliation/standing.ts';
import type { Queries } from './database.ts';

/** A file of the vendor's that was taken back from a month. It stays as it came, and counts no more. */
export type WithdrawnFile = {
  /** The invoice's number, or the statement's file name. */
  readonly name: string;
  readonly sha256: string;
  readonly reason: string;
  readonly withdrawnAt: Date;
  readonly withdrawnBy: string;
  /** What was last decided about findings that a reconciliation with it had and the last one has not. */
  readonly decisions: readonly WithdrawnDecision[];
};

export type WithdrawnDecision = {
  readonly finding: string;
  readonly decision: DecisionName;
  /** `null` = not known. */
  readonly amount: bigint | null;
  readonly reason: string;
  readonly decidedAt: Date;
  readonly decidedBy: string;
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
    invoice_id: string | null;
    name: string;
    sha256: string;
    reason: string;
    withdrawn_at: Date;
    withdrawn_by: string;
  }>`
    select w.invoice_id, coalesce(i.number, s.name) as name, coalesce(i.file_sha256, s.file_sha256) as sha256, w.reason,
      w.withdrawn_at, w.withdrawn_by
    from vendor_file_withdrawals w
    left join vendor_invoices i on i.id = w.invoice_id
    left join vendor_usage_statements s on s.id = w.statement_id
    where coalesce(i.period, s.period) = ${period} order by w.id`.execute(db);
  const files: WithdrawnFile[] = [];
  // One after the other: they share a connection where this is a transaction.
  for (const { invoice_id: invoice, withdrawn_at: withdrawnAt, withdrawn_by: withdrawnBy, ...row } of rows) {
    const decisions = invoice === null ? [] : await decisionsWith(db, period, invoice);
    files.push({ ...row, withdrawnAt, withdrawnBy, decisions });
  }
  return files;
}

async function decisionsWith(db: Queries, period: string, invoice: string): Promise<WithdrawnDecision[]> {
  const { rows } = await sql<{
    finding: string;
    decision: DecisionName;
    amount: string | null;
    reason: string;
    decided_at: Date;
    decided_by: string;
  }>`
    select distinct on (finding) finding, decision, amount_difference::text as amount, reason, decided_at, decided_by
    from finding_decisions d
    where period = ${period}
      and finding in (
        select f.finding from reconciliations r join reconciliation_findings f on f.reconciliation_id = r.id
        where r.period = ${period} and ${invoice}::bigint = any(r.invoices))
      and finding not in (
        select f.finding from reconciliation_findings f where f.reconciliation_id in (
          select max(id) from reconciliations r where r.period = ${period} and ${isRunCounting('r')}))
    order by finding, id desc`.execute(db);
  return rows.map(({ amount, decided_at: decidedAt, decided_by: decidedBy, ...row }) => ({
    ...row,
    amount: amount === null ? null : storedAmount(amount),
    decidedAt,
    decidedBy,
  }));
}
