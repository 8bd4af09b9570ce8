import { type Kysely, sql } from 'kysely';

/**
 * A transaction that moves to another month is a late change too, even if none of its attempts moves. A late change can
 * only be marked as booked by the close that booked it. Also adds the rules that reports used, for earlier states, and
 * an index of what was booked without a price.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  const { rows } = await sql<{ schema: string }>`select current_schema() as schema`.execute(db);
  const path = sql`set search_path = ${sql.ref(rows[0]?.schema ?? 'public')}, pg_temp`;
  await sql`
    create function note_late_transaction() returns trigger language plpgsql ${path} as $$
    begin
      perform pg_advisory_xact_lock_shared(hashtextextended('idscan-ledger closing', 0));
      insert into late_changes (transaction_id)
      select new.id from closing_horizon
      where least(coalesce(old.completed_at, old.created_at), coalesce(new.completed_at, new.created_at)) < end_at;
      return null;
    end $$`.execute(db);
  await sql`
    create trigger note_late_transaction after update on transactions for each row
    when (old.created_at is not null
      and coalesce(old.completed_at, old.created_at) is distinct from coalesce(new.completed_at, new.created_at))
    execute function note_late_transaction()`.execute(db);
  await sql`
    create function refuse_unbooked_mark() returns trigger language plpgsql ${path} as $$
    begin
      if old.booked_in is null
        and (new.id, new.transaction_id, new.changed_at) is not distinct from (old.id, old.transaction_id, old.changed_at)
        and exists (select from period_closes where period = new.booked_in and closed_at = now())
      then return new; end if;
      raise exception 'a late change is marked by the close that books it, and stays as it is otherwise'
        using errcode = 'restrict_violation';
    end $$`.execute(db);
  await sql`
    create trigger refuse_unbooked_mark before update on late_changes
    for each row execute function refuse_unbooked_mark()`.execute(db);
  await sql`
    create table rules_uses (
      used_from timestamptz primary key default now(),
      sha256 text not null references reference_files
    )`.execute(db);
  for (const [table, events] of [
    ['late_changes', 'delete or truncate'],
    ['rules_uses', 'update or delete or truncate'],
  ] as const)
    await sql`
      create trigger refuse_change before ${sql.raw(events)} on ${sql.ref(table)}
      for each statement execute function refuse_change()`.execute(db);
  await sql`
    create index closed_lines_unpriced on closed_lines (transaction_id)
    where invoiced and unit_price is null and quantity = 1`.execute(db);
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`drop index closed_lines_unpriced`.execute(db);
  await sql`drop table rules_uses`.execute(db);
  await sql`drop trigger refuse_change on late_changes`.execute(db);
  await sql`drop trigger refuse_unbooked_mark on late_changes`.execute(db);
  await sql`drop trigger note_late_transaction on transactions`.execute(db);
  await sql`drop function refuse_unbooked_mark(), note_late_transaction()`.execute(db);
}
