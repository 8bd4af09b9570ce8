import { type Kysely, sql } from 'kysely';

/**
 * A decision is about the amount that its finding had, and an accepted credit settles something by one decision. A
 * vendor's file may be kept again, read otherwise, or after another one replaced it.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`alter table finding_decisions add column amount_difference numeric`.execute(db);
  await sql`alter table finding_settlements add column decision_id bigint references finding_decisions`.execute(db);
  await unguarded(db, 'finding_decisions', async () => {
    await sql`
      update finding_decisions d set amount_difference = f.amount_difference
      from reconciliation_findings f
      where f.finding = d.finding and f.reconciliation_id = (
        select max(r.id) from reconciliations r where r.period = d.period and r.ran_at <= d.decided_at)`.execute(db);
  });
  await unguarded(db, 'finding_settlements', async () => {
    // Both were kept in one transaction.
    await sql`
      update finding_settlements s set decision_id = d.id from finding_decisions d
      where s.matched_by = 'accept' and d.period = s.credit_period and d.finding = s.credit_finding
        and d.decision = 'accept' and d.decided_at = s.settled_at`.execute(db);
  });
  for (const table of ['vendor_invoices', 'vendor_usage_statements']) {
    await sql`
      alter table ${sql.ref(table)} drop constraint ${sql.ref(`${table}_period_file_sha256_key`)}`.execute(db);
    await sql`create index ${sql.ref(`${table}_period`)} on ${sql.ref(table)} (period, id)`.execute(db);
  }
  await sql`create index vendor_invoices_number on vendor_invoices (number)`.execute(db);
  await sql`create index vendor_invoices_file on vendor_invoices (file_sha256)`.execute(db);
}

/** Changes rows of a table that can only be added to. */
async function unguarded(db: Kysely<unknown>, table: string, change: () => Promise<void>): Promise<void> {
  await sql`alter table ${sql.ref(table)} disable trigger refuse_change`.execute(db);
  await change();
  await sql`alter table ${sql.ref(table)} enable trigger refuse_change`.execute(db);
}

/** Fails where a file was kept twice. */
export async function down(db: Kysely<unknown>): Promise<void> {
  for (const index of ['vendor_invoices_number', 'vendor_invoices_file'])
    await sql`drop index ${sql.ref(index)}`.execute(db);
  for (const table of ['vendor_invoices', 'vendor_usage_statements']) {
    await sql`drop index ${sql.ref(`${table}_period`)}`.execute(db);
    await sql`alter table ${sql.ref(table)} add unique (period, file_sha256)`.execute(db);
  }
  await sql`alter table finding_settlements drop column decision_id`.execute(db);
  await sql`alter table finding_decisions drop column amount_difference`.execute(db);
}
