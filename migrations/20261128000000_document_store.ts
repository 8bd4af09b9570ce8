import { type Kysely, sql } from 'kysely';

/**
 * Which document store belongs to these books, and what became of the files in it: `lost` and `damaged` are found by
 * looking at each of them (`documents verify`), `verified_at` says when, and `document_verifications` how far a run is.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table document_store (
      only_row boolean primary key default true check (only_row),
      id uuid not null,
      created_at timestamptz not null default now()
    )`.execute(db);
  await sql`
    create table document_verifications (
      id bigint generated always as identity primary key,
      begun_at timestamptz not null default now(),
      ended_at timestamptz check (ended_at >= begun_at)
    )`.execute(db);
  await sql`alter table files add column verified_at timestamptz`.execute(db);
  await dropStateChecks(db);
  await sql`
    alter table files
      add constraint files_state_check check (state in ('stored', 'gone', 'refused', 'lost', 'damaged')),
      add constraint files_content_check check (
        (state in ('stored', 'lost', 'damaged')) = (sha256 is not null and bytes is not null and media_type is not null)),
      add constraint files_error_check check (
        case state when 'stored' then error_code is null when 'lost' then true when 'damaged' then true
          else error_code is not null end)`.execute(db);
  await sql`create index files_amiss on files (kind, state) where state in ('lost', 'damaged')`.execute(db);
}

/** What is lost or damaged counts as stored again: the older version knows no other word for it. */
export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`drop index files_amiss`.execute(db);
  await dropStateChecks(db);
  await sql`update files set state = 'stored', error_code = null where state in ('lost', 'damaged')`.execute(db);
  await sql`
    alter table files
      drop column verified_at,
      add constraint files_state_check check (state in ('stored', 'gone', 'refused')),
      add constraint files_check check ((state = 'stored') = (sha256 is not null and bytes is not null and media_type is not null)),
      add constraint files_check1 check ((state = 'stored') = (error_code is null))`.execute(db);
  await sql`drop table document_verifications, document_store`.execute(db);
}

/** The checks that speak of the state, whatever Postgres called them. */
async function dropStateChecks(db: Kysely<unknown>): Promise<void> {
  const { rows } = await sql<{ name: string }>`
    select conname as name from pg_constraint
    where conrelid = 'files'::regclass and contype = 'c' and pg_get_constraintdef(oid) ~ '\\mstate\\M'`.execute(db);
  for (const { name } of rows) await sql`alter table files drop constraint ${sql.ref(name)}`.execute(db);
}
