import { type Kysely, sql } from 'kysely';

/**
 * Sessions that were ended before they expired: the hash of each session's ID, until its cookie is too old anyway. The
 * application's role adds rows and removes expired ones. No row is changed, or removed earlier.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  const { rows } = await sql<{ schema: string }>`select current_schema() as schema`.execute(db);
  const path = sql`set search_path = ${sql.ref(rows[0]?.schema ?? 'public')}, pg_temp`;
  await sql`
    create table ended_sessions (
      id_sha256 text collate "C" primary key check (id_sha256 ~ '^[0-9a-f]{64}$'),
      expires_at timestamptz not null
    )`.execute(db);
  await sql`create index ended_sessions_expires on ended_sessions (expires_at)`.execute(db);
  await sql`
    create function refuse_reviving_session() returns trigger language plpgsql ${path} as $$
    begin
      if old.expires_at <= now() then return old; end if;
      raise exception 'a session that was ended stays so until it is over' using errcode = 'restrict_violation';
    end $$`.execute(db);
  await sql`
    create trigger refuse_reviving_session before delete on ended_sessions
    for each row execute function refuse_reviving_session()`.execute(db);
  await sql`
    create trigger refuse_change before update or truncate on ended_sessions
    for each statement execute function refuse_change()`.execute(db);
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`drop table ended_sessions`.execute(db);
  await sql`drop function refuse_reviving_session()`.execute(db);
}
