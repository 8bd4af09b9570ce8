import { type Kysely, sql } from 'kysely';

/**
 * Events that the vendor delivered, and their results. Only IDs, type and times are stored, because a payload may
 * contain anything. The event ID is unique, so that a repeated delivery has no effect.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table webhook_inbox (
      id bigint generated always as identity primary key,
      event_id text collate "C" not null unique check (event_id ~ '^[!-~]{1,200}$'),
      event_type text collate "C" not null check (event_type ~ '^[!-~]{1,100}$'),
      transaction_id text collate "C" check (transaction_id ~ '^[A-Za-z0-9][A-Za-z0-9_-]{0,127}$'),
      result_id text collate "C" check (result_id ~ '^[A-Za-z0-9][A-Za-z0-9_-]{0,127}$'),
      event_created_at timestamptz,
      received_at timestamptz not null default now(),
      outcome text not null default 'noted' check (outcome in ('accepted', 'already_known', 'conflict', 'noted')),
      check (result_id is null or transaction_id is not null)
    )`.execute(db);
  await sql`create index webhook_inbox_received on webhook_inbox (received_at)`.execute(db);
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`drop table webhook_inbox`.execute(db);
}
