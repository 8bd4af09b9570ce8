import { type Kysely, sql } from 'kysely';

const appendOnly = ['vendor_usage_statements', 'vendor_usage_parts', 'vendor_usage_rows'];

/**
 * The vendor's usage statements: the file as it came, in parts since it may be large, and what its rows say. The one
 * that was kept last for a month is the one that counts. Rows are only written together with their statement: a foreign
 * key would look for it a million times.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table vendor_usage_statements (
      id bigint generated always as identity primary key,
      period text collate "C" not null check (period ~ '^2[0-9]{3}-(0[1-9]|1[0-2])$'),
      file_sha256 text collate "C" not null check (file_sha256 ~ '^[0-9a-f]{64}$'),
      name text not null,
      layout_sha256 text collate "C" references vendor_files,
      kept_at timestamptz not null default now(),
      kept_by text not null check (kept_by <> ''),
      unique (period, file_sha256)
    )`.execute(db);
  await sql`
    create table vendor_usage_parts (
      statement_id bigint not null references vendor_usage_statements,
      part integer not null,
      content bytea not null,
      primary key (statement_id, part)
    )`.execute(db);
  await sql`alter table vendor_usage_parts alter column content set storage external`.execute(db);
  await sql`
    create table vendor_usage_rows (
      statement_id bigint not null,
      position integer not null,
      transaction_id text collate "C" not null,
      task_type text collate "C" not null,
      attempt integer,
      attempted_at timestamptz not null,
      outcome_code text collate "C",
      level text collate "C",
      quantity bigint not null,
      unit_price numeric
    )`.execute(db);
  // A statement is read whole, and was written in one go; single transactions are looked up in all of them.
  await sql`create index vendor_usage_rows_statement on vendor_usage_rows using brin (statement_id)`.execute(db);
  await sql`create index vendor_usage_rows_transaction on vendor_usage_rows using hash (transaction_id)`.execute(db);
  for (const table of appendOnly)
    await sql`
      create trigger refuse_change before update or delete or truncate on ${sql.ref(table)}
      for each statement execute function refuse_change()`.execute(db);
}

export async function down(db: Kysely<unknown>): Promise<void> {
  for (const table of appendOnly.toReversed()) await sql`drop table ${sql.ref(table)}`.execute(db);
}
