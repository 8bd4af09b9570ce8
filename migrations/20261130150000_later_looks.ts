import { type Kysely, sql } from 'kysely';

/**
 * What was destroyed is looked through once more, an hour later, whatever destroyed it: a worker may have stored a document
 * in the meantime and died before it recorded it. Until now only erasures had that second look.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table later_looks (
      transaction_id text collate "C" not null,
      kind text not null check (kind in ('document', 'audit_report')),
      look_at timestamptz not null default clock_timestamp() + interval '1 hour',
      primary key (transaction_id, kind)
    )`.execute(db);
  await sql`create index later_looks_due on later_looks (look_at)`.execute(db);
  await sql`
    insert into later_looks (transaction_id, kind, look_at)
    select transaction_id, kind, max(destroyed_at) + interval '1 hour'
    from erasures cross join unnest(array['document', 'audit_report']) as kind
    where destroyed_at is not null and looked_again_at is null group by transaction_id, kind`.execute(db);
}

/** The earlier version looks through erasures that have no `looked_again_at`. */
export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`drop table later_looks`.execute(db);
}
