import { type Kysely, sql } from 'kysely';

/**
 * What pages of other sites said of the transactions that they show, a row for each token. A token says one result; the
 * first one stays. It is a hint: the truth is fetched.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table browser_reports (
      token_id uuid primary key,
      transaction_id text collate "C" not null references transactions,
      origin text not null check (origin ~ '^https?://[^/?#@]+$'),
      result_id text collate "C",
      opened_at timestamptz,
      completed_at timestamptz,
      left_at timestamptz,
      ignored_messages integer not null default 0 check (ignored_messages >= 0),
      recorded_at timestamptz not null default now(),
      check ((result_id is null) = (completed_at is null))
    )`.execute(db);
  await sql`create index browser_reports_transaction on browser_reports (transaction_id)`.execute(db);
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`drop table browser_reports`.execute(db);
}
