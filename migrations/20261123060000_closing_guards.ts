import { type Kysely, sql } from 'kysely';

/**
 * Closes two gaps in the protection of closed months: a line inserted concurrently with a close and committed after it,
 * and a horizon that is moved back, below which no change would be noted as late.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  const { rows } = await sql<{ schema: string }>`select current_schema() as schema`.execute(db);
  const path = sql`set search_path = ${sql.ref(rows[0]?.schema ?? 'public')}, pg_temp`;
  // Inserting lines takes the lock in shared mode until the commit, closing a month takes it exclusively. So a line is
  // either inserted before the close, where the foreign key then requires the month to be closed, or after it, and is
  // refused.
  await sql`
    create or replace function refuse_line_of_closed_period() returns trigger language plpgsql ${path} as $$
    begin
      perform pg_advisory_xact_lock_shared(hashtextextended('idscan-ledger closed rows', 0));
      if exists (select from added join period_closes using (period)) then
        raise exception 'a month that is closed gets no further rows in %', TG_TABLE_NAME
          using errcode = 'restrict_violation', hint = 'What arrives after a close is booked in the next open month.';
      end if;
      return null;
    end $$`.execute(db);
  await sql`
    create function await_closed_rows() returns trigger language plpgsql ${path} as $$
    begin
      perform pg_advisory_xact_lock(hashtextextended('idscan-ledger closed rows', 0));
      return null;
    end $$`.execute(db);
  await sql`
    create trigger await_closed_rows before insert on period_closes
    for each statement execute function await_closed_rows()`.execute(db);
  await sql`
    create function refuse_earlier_horizon() returns trigger language plpgsql ${path} as $$
    begin
      if new.end_at >= old.end_at then return new; end if;
      raise exception 'the horizon of closed months is never put back' using errcode = 'restrict_violation';
    end $$`.execute(db);
  await sql`
    create trigger refuse_earlier_horizon before update on closing_horizon
    for each row execute function refuse_earlier_horizon()`.execute(db);
  await sql`
    create trigger refuse_change before delete or truncate on closing_horizon
    for each statement execute function refuse_change()`.execute(db);
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`drop trigger refuse_change on closing_horizon`.execute(db);
  await sql`drop trigger refuse_earlier_horizon on closing_horizon`.execute(db);
  await sql`drop trigger await_closed_rows on period_closes`.execute(db);
  await sql`drop function refuse_earlier_horizon(), await_closed_rows()`.execute(db);
}
