import { type Kysely, type RawBuilder, sql } from 'kysely';

/**
 * What custody promises is kept by the database, too: an erasure says that keys or documents are destroyed only when they
 * are, only when that may be, and with the time of the database. Work on the files of a transaction that becomes due waits
 * for an erasure that is being written.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  const path = await searchPath(db);
  await fetchNothingErased(db, path, sql`perform from transactions where id = new.transaction_id for key share;`);
  await sql`
    create function guard_erasure() returns trigger language plpgsql ${path} as $$
    begin
      if new.destroy_at > old.destroy_at then
        raise exception 'an erasure is not put off' using errcode = 'restrict_violation';
      end if;
      if new.keys_destroyed_at is distinct from old.keys_destroyed_at then
        if old.keys_destroyed_at is not null or new.destroy_at > clock_timestamp() or exists (
            select from holds h where h.transaction_id = new.transaction_id
              and not exists (select from hold_releases r where r.hold_id = h.id)) then
          raise exception 'the keys are destroyed already, or are not to be destroyed yet, or are held'
            using errcode = 'restrict_violation';
        end if;
        new.keys_destroyed_at := clock_timestamp();
      end if;
      if new.destroyed_at is distinct from old.destroyed_at then
        if old.destroyed_at is not null
            or exists (select from document_keys where transaction_id = new.transaction_id)
            or exists (select from files where transaction_id = new.transaction_id and state <> 'erased') then
          raise exception 'the documents are destroyed already, or are still there' using errcode = 'restrict_violation';
        end if;
        new.destroyed_at := clock_timestamp();
      end if;
      return new;
    end $$`.execute(db);
  await sql`
    create trigger guard_erasure before update on erasures for each row execute function guard_erasure()`.execute(db);
  // To count and drop what is sealed to a retired master without reading all keys.
  await sql`create index document_keys_master on document_keys (master)`.execute(db);
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`drop index document_keys_master`.execute(db);
  await sql`drop trigger guard_erasure on erasures`.execute(db);
  await sql`drop function guard_erasure`.execute(db);
  await fetchNothingErased(db, await searchPath(db), sql``);
}

async function searchPath(db: Kysely<unknown>): Promise<RawBuilder<unknown>> {
  const { rows } = await sql<{ schema: string }>`select current_schema() as schema`.execute(db);
  return sql`set search_path = ${sql.ref(rows[0]?.schema ?? 'public')}, pg_temp`;
}

async function fetchNothingErased(
  db: Kysely<unknown>,
  path: RawBuilder<unknown>,
  lock: RawBuilder<unknown>,
): Promise<void> {
  await sql`
    create or replace function fetch_nothing_erased() returns trigger language plpgsql ${path} as $$
    begin
      ${lock}
      if exists (select from erasures where transaction_id = new.transaction_id and cancelled_at is null)
        or exists (select from files where transaction_id = new.transaction_id and state = 'erased'
          and kind = case new.kind when 'documents' then 'document' else new.kind end) then
        new.state := 'done';
        new.sweep_at := null;
      end if;
      return new;
    end $$`.execute(db);
}
