import { type Kysely, sql } from 'kysely';

const before = ['report', 'budget', 'unclassified', 'counter_mismatch', 'overdue'];

/** Which credits settle which findings, and notifications of findings that stay open. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table finding_settlements (
      id bigint generated always as identity primary key,
      period text collate "C" not null check (period ~ '^2[0-9]{3}-(0[1-9]|1[0-2])$'),
      finding text collate "C" not null check (finding ~ '^[0-9a-f]{16}$'),
      credit_period text collate "C" not null check (credit_period ~ '^2[0-9]{3}-(0[1-9]|1[0-2])$'),
      credit_finding text collate "C" not null check (credit_finding ~ '^[0-9a-f]{16}$'),
      amount numeric not null check (amount <> 0),
      matched_by text not null check (matched_by in ('named', 'line', 'amount', 'sum', 'part', 'accept')),
      settled_at timestamptz not null default now(),
      settled_by text not null check (settled_by <> ''),
      check (credit_period >= period and (credit_period, credit_finding) <> (period, finding))
    )`.execute(db);
  await sql`create index finding_settlements_finding on finding_settlements (period, finding)`.execute(db);
  await sql`create index finding_settlements_credit on finding_settlements (credit_period, credit_finding)`.execute(db);
  await sql`
    create trigger refuse_change before update or delete or truncate on finding_settlements
    for each statement execute function refuse_change()`.execute(db);
  await allowKinds(db, [...before, 'open_findings']);
}

async function allowKinds(db: Kysely<unknown>, kinds: readonly string[]): Promise<void> {
  for (const table of ['notifications', 'notification_crossings'])
    await sql`
      alter table ${sql.ref(table)} drop constraint ${sql.ref(`${table}_kind_check`)},
        add constraint ${sql.ref(`${table}_kind_check`)} check (kind in (${sql.join(kinds.map((kind) => sql.lit(kind)))}))`.execute(
      db,
    );
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`drop table finding_settlements`.execute(db);
  const told = sql`(select id from notifications where kind = 'open_findings')`;
  await sql`delete from notification_deliveries where notification_id in ${told}`.execute(db);
  await sql`delete from notification_crossings where kind = 'open_findings'`.execute(db);
  await sql`delete from notifications where kind = 'open_findings'`.execute(db);
  await allowKinds(db, before);
}
