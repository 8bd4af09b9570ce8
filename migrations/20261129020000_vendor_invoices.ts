import { type Kysely, sql } from 'kysely';

const appendOnly = [
  'vendor_files',
  'vendor_invoices',
  'vendor_invoice_lines',
  'reconciliations',
  'reconciliation_findings',
  'finding_decisions',
];

/**
 * The vendor's invoices as they came, what reconciling them with the books found, and what people decided about it. All
 * of it is only ever added to: the last decision about a finding counts, and an invoice is replaced by a later one.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await createInvoices(db);
  await createReconciliations(db);
  for (const table of appendOnly)
    await sql`
      create trigger refuse_change before update or delete or truncate on ${sql.ref(table)}
      for each statement execute function refuse_change()`.execute(db);
}

async function createInvoices(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table vendor_files (
      sha256 text collate "C" primary key check (sha256 ~ '^[0-9a-f]{64}$'),
      name text not null,
      content bytea not null,
      kept_at timestamptz not null default now(),
      kept_by text not null check (kept_by <> '')
    )`.execute(db);
  await sql`
    create table vendor_invoices (
      id bigint generated always as identity primary key,
      period text collate "C" not null check (period ~ '^2[0-9]{3}-(0[1-9]|1[0-2])$'),
      file_sha256 text collate "C" not null references vendor_files,
      layout_sha256 text collate "C" references vendor_files,
      number text collate "C" not null check (number <> ''),
      is_credit_note boolean not null,
      issue_date date not null,
      currency text collate "C" not null,
      stated_net numeric,
      stated_tax numeric,
      stated_total numeric,
      replaces bigint unique references vendor_invoices,
      kept_at timestamptz not null default now(),
      kept_by text not null check (kept_by <> ''),
      unique (period, file_sha256)
    )`.execute(db);
  await sql`
    create table vendor_invoice_lines (
      invoice_id bigint not null references vendor_invoices,
      position integer not null,
      line text collate "C" not null,
      description text not null,
      kind text not null check (kind in ('usage', 'minimum', 'fee', 'discount', 'credit', 'tax')),
      task_type text collate "C",
      level text collate "C",
      quantity bigint,
      unit_price numeric,
      amount numeric not null,
      primary key (invoice_id, position),
      unique (invoice_id, line)
    )`.execute(db);
}

async function createReconciliations(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table reconciliations (
      id bigint generated always as identity primary key,
      period text collate "C" not null,
      basis text not null check (basis in ('closed', 'restated')),
      is_provisional boolean not null,
      invoices bigint[] not null,
      currency text collate "C" not null,
      own_amount numeric not null,
      vendor_amount numeric not null,
      amount_difference numeric not null check (amount_difference = vendor_amount - own_amount),
      held text[] not null,
      manifest_sha256 text collate "C" not null,
      ran_at timestamptz not null default now(),
      ran_by text not null check (ran_by <> '')
    )`.execute(db);
  await sql`create index reconciliations_period on reconciliations (period, id)`.execute(db);
  await sql`
    create table reconciliation_findings (
      reconciliation_id bigint not null references reconciliations,
      finding text collate "C" not null,
      position integer not null,
      effect text not null,
      cause text not null,
      subject text not null,
      certainty text not null,
      amount_difference numeric not null,
      likely_wrong text,
      primary key (reconciliation_id, finding)
    )`.execute(db);
  await sql`
    create table finding_decisions (
      id bigint generated always as identity primary key,
      period text collate "C" not null,
      finding text collate "C" not null,
      decision text not null check (decision in ('accept', 'dispute', 'expect')),
      reason text not null check (reason <> ''),
      decided_at timestamptz not null default now(),
      decided_by text not null check (decided_by <> '')
    )`.execute(db);
  await sql`create index finding_decisions_finding on finding_decisions (period, finding, id)`.execute(db);
}

export async function down(db: Kysely<unknown>): Promise<void> {
  for (const table of appendOnly.toReversed()) await sql`drop table ${sql.ref(table)}`.execute(db);
}
