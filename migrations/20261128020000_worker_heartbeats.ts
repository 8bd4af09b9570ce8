import { type Kysely, sql } from 'kysely';

/**
 * Worker processes report every few seconds that they are alive. To allow updates in place, no index has a column that
 * changes, and each page has room for the next version of its rows.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table worker_heartbeats (
      id uuid primary key,
      host text not null check (length(host) between 1 and 255),
      pid integer not null,
      version text not null check (length(version) between 1 and 64),
      started_at timestamptz not null default now(),
      seen_at timestamptz not null default now(),
      redis_usable boolean not null,
      active_jobs integer not null check (active_jobs >= 0)
    ) with (fillfactor = 50)`.execute(db);
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`drop table worker_heartbeats`.execute(db);
}
