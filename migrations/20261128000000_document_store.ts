import { type Kysely, sql } from 'kysely';

/**
 * The document store of these books, and the state of its files. `documents verify` checks each file and finds those
 * that are `lost` or `damaged`. `verified_at` is the time of the check; `document_verifications` has the runs.
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

/** Lost and damaged files become `stored` again, because the older version has no other state for them. */
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

/** Drops the checks on the state, whatever names Postgres gave them. */
async function dropStateChecks(db: Kysely<unknown>): Promise<void> {
  const { rows } = await sql<{ name: string }>`
    select conname as name from pg_constraint
    where conrelid = 'files'::regclass and contype = 'c' and pg_get_constraintdef(oid) ~ '\\mstate\\M'`.execute(db);
  for (const { name } of rows) await sql`alter table files drop constraint ${sql.ref(name)}`.execute(db);
}
