import { type Kysely, sql } from 'kysely';

/**
 * An invoice or usage statement that was given for the wrong month is withdrawn: it stays as it came and counts no more.
 * What it replaced counts again, so that an invoice may be replaced more than once.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table vendor_file_withdrawals (
      id bigint generated always as identity primary key,
      invoice_id bigint unique references vendor_invoices,
      statement_id bigint unique references vendor_usage_statements,
      reason text not null check (reason <> ''),
      withdrawn_at timestamptz not null default now(),
      withdrawn_by text not null check (withdrawn_by <> ''),
      check (num_nonnulls(invoice_id, statement_id) = 1)
    )`.execute(db);
  await sql`
    create trigger refuse_change before update or delete or truncate on vendor_file_withdrawals
    for each statement execute function refuse_change()`.execute(db);
  await sql`alter table vendor_invoices drop constraint vendor_invoices_replaces_key`.execute(db);
  await sql`create index vendor_invoices_replaces on vendor_invoices (replaces) where replaces is not null`.execute(db);
}

/** Fails where an invoice was replaced twice. */
export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`drop index vendor_invoices_replaces`.execute(db);
  await sql`alter table vendor_invoices add constraint vendor_invoices_replaces_key unique (replaces)`.execute(db);
  await sql`drop table vendor_file_withdrawals`.execute(db);
}
