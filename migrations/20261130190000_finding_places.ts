import { type Kysely, sql } from 'kysely';

/**
 * A name of a finding is kept for what it was given for: what it is about, and the place on the invoice. Of earlier runs
 * that is found for what alone can have several findings about the same: the lines that the books cannot have.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`alter table reconciliation_findings add column about text collate "C", add column place text`.execute(db);
  await sql`alter table reconciliation_findings disable trigger refuse_change`.execute(db);
  await sql`
    update reconciliation_findings f set place = l.place, about = l.about
    from (
      select f.reconciliation_id, f.finding, l.place,
        first_value(f.finding) over (partition by f.period, f.cause, f.subject order by f.reconciliation_id, f.nth) as about
      from (${foundLines}) f join (${chargedLines}) l using (reconciliation_id, cause, subject, nth, amount_difference)
    ) l
    where f.reconciliation_id = l.reconciliation_id and f.finding = l.finding`.execute(db);
  await sql`alter table reconciliation_findings enable trigger refuse_change`.execute(db);
}

/** Findings about a line that the books cannot have, counted among those about the same in their run. */
const foundLines = sql`
  select f.reconciliation_id, r.period, f.finding, f.cause, f.subject, f.amount_difference,
    row_number() over (partition by f.reconciliation_id, f.cause, f.subject order by f.position) as nth
  from reconciliation_findings f join reconciliations r on r.id = f.reconciliation_id
  where f.effect = 'extra_line'`;

/** The lines of a run's invoices that such findings are about, counted alike. */
const chargedLines = sql`
  select reconciliation_id, cause, subject, amount_difference, place,
    row_number() over (partition by reconciliation_id, cause, subject order by invoice_id, position) as nth
  from (
    select r.id as reconciliation_id, i.id as invoice_id, l.position, l.description as subject,
      l.amount as amount_difference, i.number || ':' || l.line as place,
      case when l.kind = 'usage' and (l.amount < 0 or l.quantity < 0) then 'credit'
        when l.kind = 'usage' then 'usage_unknown' else l.kind end as cause
    from reconciliations r
    join vendor_invoices i on i.id = any(r.invoices) and not i.is_credit_note
    join vendor_invoice_lines l on l.invoice_id = i.id
    where l.amount <> 0 and (l.kind in ('fee', 'discount', 'credit')
      or (l.kind = 'usage' and (l.task_type is null or l.amount < 0 or l.quantity < 0)))
  ) lines`;

export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`alter table reconciliation_findings drop column place, drop column about`.execute(db);
}
