import { type Kysely, sql } from 'kysely';

/** Who made work due again, when, why and how much. Explains later why something was fetched twice. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table reprocess_log (
      id bigint generated always as identity primary key,
      requested_at timestamptz not null default now(),
      requested_by text not null,
      reason text,
      filter jsonb not null,
      kinds text[] not null,
      obligations integer not null default 0 check (obligations >= 0)
    )`.execute(db);
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`drop table reprocess_log`.execute(db);
}
