import { type Kysely, sql } from 'kysely';

/**
 * The index of usage rows by transaction no longer asks for summaries while rows come in: Postgres keeps 256 such requests
 * and writes a line into its log for each one more, hundreds for a statement of a million rows. Vacuum summarises them,
 * which a statement of ten thousand rows or more sets off.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`alter index vendor_usage_rows_transaction reset (autosummarize)`.execute(db);
  await sql`
    alter table vendor_usage_rows
    set (autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 10000)`.execute(db);
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`
    alter table vendor_usage_rows
    reset (autovacuum_vacuum_insert_scale_factor, autovacuum_vacuum_insert_threshold)`.execute(db);
  await sql`alter index vendor_usage_rows_transaction set (autosummarize = on)`.execute(db);
}
