import { type Kysely, sql } from 'kysely';

/**
 * IDs that were taken out of the books because the vendor never knew them, and those that were put back. Rows are only
 * ever added. An ID is out while its last withdrawal has no revival; its obligation then has the state `withdrawn`.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  const { rows } = await sql<{ schema: string }>`select current_schema() as schema`.execute(db);
  const path = sql`set search_path = ${sql.ref(rows[0]?.schema ?? 'public')}, pg_temp`;
  await sql`
    create table withdrawals (
      id bigint generated always as identity primary key,
      transaction_id text collate "C" not null references transactions,
      withdrawn_at timestamptz not null default now(),
      withdrawn_by text not null check (withdrawn_by <> ''),
      reason text not null check (reason <> '')
    )`.execute(db);
  await sql`create index withdrawals_transaction on withdrawals (transaction_id)`.execute(db);
  await sql`
    create table withdrawal_revivals (
      withdrawal_id bigint primary key references withdrawals,
      revived_at timestamptz not null default now(),
      revived_by text not null check (revived_by <> '')
    )`.execute(db);
  await sql`
    create function refuse_withdrawing_the_known() returns trigger language plpgsql ${path} as $$
    begin
      if exists (select from transactions where id = new.transaction_id and fetched_at is not null)
        or exists (select from attempts where transaction_id = new.transaction_id) then
        raise exception 'the vendor has answered for %, so it is not withdrawn', new.transaction_id
          using errcode = 'restrict_violation';
      end if;
      return new;
    end $$`.execute(db);
  await sql`
    create trigger refuse_withdrawing_the_known before insert on withdrawals
    for each row execute function refuse_withdrawing_the_known()`.execute(db);
  for (const table of ['withdrawals', 'withdrawal_revivals'])
    await sql`
      create trigger refuse_change before update or delete or truncate on ${sql.ref(table)}
      for each statement execute function refuse_change()`.execute(db);
  await allowStates(db, ['due', 'done', 'failed', 'withdrawn']);
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`
    update obligations set state = 'failed', last_error_code = coalesce(last_error_code, 'vendor_not_found')
    where state = 'withdrawn'`.execute(db);
  await allowStates(db, ['due', 'done', 'failed']);
  await sql`drop table withdrawal_revivals, withdrawals`.execute(db);
  await sql`drop function refuse_withdrawing_the_known()`.execute(db);
}

async function allowStates(db: Kysely<unknown>, states: readonly string[]): Promise<void> {
  await sql`alter table obligations drop constraint obligations_state_check`.execute(db);
  await sql`
    alter table obligations add constraint obligations_state_check
    check (state in (${sql.raw(states.map((state) => `'${state}'`).join(', '))}))`.execute(db);
}
