import { type Kysely, sql } from 'kysely';

/**
 * Usage rows without a hash index of their transactions: each row of a statement changed another page of it, which took
 * longer than all the rest of keeping them. Single transactions are looked up seldom, and then in the few ranges of pages
 * that may have them. That is an index apart, since those of a statement are found in one that is a thousandth of it.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`drop index vendor_usage_rows_transaction`.execute(db);
  await sql`
    create index vendor_usage_rows_transaction on vendor_usage_rows
    using brin (transaction_id text_bloom_ops (n_distinct_per_range = 2500))
    with (pages_per_range = 32, autosummarize = on)`.execute(db);
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`drop index vendor_usage_rows_transaction`.execute(db);
  await sql`create index vendor_usage_rows_transaction on vendor_usage_rows using hash (transaction_id)`.execute(db);
}
