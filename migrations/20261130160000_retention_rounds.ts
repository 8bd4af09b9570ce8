import { type Kysely, sql } from 'kysely';

/**
 * How far retention is, for each kind of files: so that nobody has to count all files to know it. `left_over`: transactions
 * that were overdue in the last look through all and could not be destroyed.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table retention_rounds (
      kind text primary key check (kind in ('document', 'audit_report')),
      begun_at timestamptz not null default clock_timestamp(),
      ended_at timestamptz,
      left_over integer not null default 0 check (left_over >= 0),
      destroyed bigint not null default 0 check (destroyed >= 0)
    )`.execute(db);
  await sql`
    insert into retention_rounds (kind, destroyed)
    select kind, count(*) from files f
    where state = 'erased' and not exists (
      select from erasures e where e.transaction_id = f.transaction_id and e.keys_destroyed_at is not null)
    group by kind`.execute(db);
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`drop table retention_rounds`.execute(db);
}
