import { type Kysely, sql } from 'kysely';

/**
 * Custody of stored documents: the keys they are encrypted with, each sealed to every master in use; who has read one;
 * what is to be erased; and what must not be, for as long as it is held. Rows of `document_accesses`, `holds` and
 * `hold_releases` are only ever added. A file without `object_name` was stored in the clear by an earlier version, under
 * the hash of its content; `clear_sha256` has that hash from when it is encrypted until its clear bytes are removed.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  const { rows } = await sql<{ schema: string }>`select current_schema() as schema`.execute(db);
  const path = sql`set search_path = ${sql.ref(rows[0]?.schema ?? 'public')}, pg_temp`;
  await createKeys(db);
  await changeFiles(db);
  await createAccesses(db);
  await createErasures(db);
  await createHolds(db);
  for (const table of ['document_accesses', 'holds', 'hold_releases'])
    await sql`
      create trigger refuse_change before update or delete or truncate on ${sql.ref(table)}
      for each statement execute function refuse_change()`.execute(db);
  // Fetching that began before a transaction was erased must not store anything after it. The lock makes it wait for an
  // erasure that is being written, which locks the same row.
  await sql`
    create function keep_no_key_of_erased() returns trigger language plpgsql ${path} as $$
    begin
      perform from transactions where id = new.transaction_id for key share;
      if exists (select from erasures where transaction_id = new.transaction_id and keys_destroyed_at is not null) then
        return null;
      end if;
      return new;
    end $$`.execute(db);
  await sql`
    create trigger keep_no_key_of_erased before insert on document_keys
    for each row execute function keep_no_key_of_erased()`.execute(db);
  await sql`
    create function fetch_nothing_erased() returns trigger language plpgsql ${path} as $$
    begin
      if exists (select from erasures where transaction_id = new.transaction_id and cancelled_at is null)
        or exists (select from files where transaction_id = new.transaction_id and state = 'erased'
          and kind = case new.kind when 'documents' then 'document' else new.kind end) then
        new.state := 'done';
        new.sweep_at := null;
      end if;
      return new;
    end $$`.execute(db);
  await sql`
    create trigger fetch_nothing_erased before insert or update of state on obligations
    for each row when (new.state = 'due' and new.kind <> 'result') execute function fetch_nothing_erased()`.execute(db);
}

/** Refused while anything is encrypted, which an earlier version could not read, or on record about who read or holds it. */
export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`
    do $$ begin
      if exists (select from document_keys) or exists (select from erasures) then
        raise exception 'documents are encrypted, or erased: an earlier version cannot read them'
          using errcode = 'restrict_violation';
      end if;
      if exists (select from holds) or exists (select from document_accesses) then
        raise exception 'documents are held, or were read: an earlier version does not keep that on record'
          using errcode = 'restrict_violation';
      end if;
    end $$`.execute(db);
  await sql`drop trigger fetch_nothing_erased on obligations`.execute(db);
  await sql`drop table document_keys, document_masters, document_accesses, erasures, hold_releases, holds`.execute(db);
  await sql`drop function fetch_nothing_erased, keep_no_key_of_erased`.execute(db);
  await sql`delete from files where state = 'erased'`.execute(db);
  await sql`drop index files_in_clear`.execute(db);
  await sql`
    alter table files
      drop constraint files_erased_check,
      drop constraint files_state_check,
      drop column object_name, drop column key_id, drop column clear_sha256,
      add constraint files_state_check check (state in ('stored', 'gone', 'refused', 'lost', 'damaged'))`.execute(db);
}

async function createKeys(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table document_masters (
      public_key bytea primary key check (octet_length(public_key) = 32),
      in_use_since timestamptz,
      retired_at timestamptz check (retired_at >= in_use_since)
    )`.execute(db);
  await sql`
    create table document_keys (
      id uuid not null,
      master bytea not null references document_masters,
      transaction_id text collate "C" not null,
      sealed bytea not null check (octet_length(sealed) = 80),
      created_at timestamptz not null default now(),
      primary key (id, master)
    )`.execute(db);
  await sql`create index document_keys_transaction on document_keys (transaction_id)`.execute(db);
}

async function changeFiles(db: Kysely<unknown>): Promise<void> {
  await sql`
    alter table files
      add column object_name text collate "C",
      add column key_id uuid,
      add column clear_sha256 text check (clear_sha256 ~ '^[0-9a-f]{64}$'),
      drop constraint files_state_check,
      add constraint files_state_check check (state in ('stored', 'gone', 'refused', 'lost', 'damaged', 'erased')),
      drop constraint files_error_check,
      add constraint files_error_check check (
        case state when 'stored' then error_code is null when 'lost' then true when 'damaged' then true
          when 'erased' then error_code is null else error_code is not null end),
      add constraint files_erased_check check ((object_name is null) = (key_id is null) and (state <> 'erased' or
        num_nulls(object_name, sha256, bytes, media_type, category, type, name, url_sha256, clear_sha256) = 9))`.execute(
    db,
  );
  await sql`
    create index files_in_clear on files (coalesce(clear_sha256, sha256))
    where (object_name is null and sha256 is not null) or clear_sha256 is not null`.execute(db);
}

async function createAccesses(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table document_accesses (
      id bigint generated always as identity primary key,
      accessed_at timestamptz not null default clock_timestamp(),
      accessed_by text not null check (accessed_by <> ''),
      reason text not null check (reason <> ''),
      via text not null check (via in ('command', 'browser')),
      address text,
      transaction_id text collate "C" not null,
      kind text not null,
      origin text collate "C" not null,
      position integer not null
    )`.execute(db);
  await sql`create index document_accesses_transaction on document_accesses (transaction_id, id)`.execute(db);
}

async function createErasures(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table erasures (
      id uuid primary key default gen_random_uuid(),
      transaction_id text collate "C" not null,
      requested_at timestamptz not null default now(),
      requested_by text not null check (requested_by <> ''),
      reason text not null check (reason <> ''),
      destroy_at timestamptz not null,
      ordered_at timestamptz,
      cancelled_at timestamptz,
      cancelled_by text,
      cancel_reason text,
      keys_destroyed_at timestamptz,
      destroyed_at timestamptz,
      looked_again_at timestamptz,
      documents integer,
      audit_reports integer,
      check (num_nulls(cancelled_at, cancelled_by, cancel_reason) in (0, 3)),
      check (cancelled_at is null or keys_destroyed_at is null),
      check (num_nulls(destroyed_at, documents, audit_reports) in (0, 3)),
      check (destroyed_at is null or keys_destroyed_at is not null)
    )`.execute(db);
  await sql`create index erasures_transaction on erasures (transaction_id)`.execute(db);
  await sql`
    create unique index erasures_pending on erasures (transaction_id)
    where cancelled_at is null and destroyed_at is null`.execute(db);
  await sql`
    create index erasures_open on erasures (destroy_at)
    where cancelled_at is null and looked_again_at is null`.execute(db);
  await sql`create index erasures_unordered on erasures (requested_at) where ordered_at is null`.execute(db);
}

async function createHolds(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table holds (
      id bigint generated always as identity primary key,
      transaction_id text collate "C" not null,
      placed_at timestamptz not null default now(),
      placed_by text not null check (placed_by <> ''),
      reason text not null check (reason <> '')
    )`.execute(db);
  await sql`create index holds_transaction on holds (transaction_id)`.execute(db);
  await sql`
    create table hold_releases (
      hold_id bigint primary key references holds,
      released_at timestamptz not null default now(),
      released_by text not null check (released_by <> ''),
      reason text not null check (reason <> '')
    )`.execute(db);
}
