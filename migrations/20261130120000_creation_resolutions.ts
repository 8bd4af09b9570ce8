import { type Kysely, sql } from 'kysely';

/** What somebody found out about creations without an answer, each time. The last one counts; none is overwritten. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table creation_resolutions (
      id bigint generated always as identity primary key,
      creation_id uuid not null references creations,
      transaction_id text collate "C" references transactions,
      resolved_at timestamptz not null default now(),
      resolved_by text not null check (resolved_by <> ''),
      resolution text not null check (resolution <> '')
    )`.execute(db);
  await sql`
    insert into creation_resolutions (creation_id, transaction_id, resolved_at, resolved_by, resolution)
    select id, transaction_id, resolved_at, resolved_by, resolution from creations where resolved_at is not null
      and resolved_by <> '' and resolution <> ''
    order by resolved_at`.execute(db);
  await sql`
    create trigger refuse_change before update or delete or truncate on creation_resolutions
    for each statement execute function refuse_change()`.execute(db);
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`drop table creation_resolutions`.execute(db);
}
