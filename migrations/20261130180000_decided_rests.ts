import { type Kysely, sql } from 'kysely';

/**
 * A decision is about what of its finding no credit had settled when it was made. Of earlier ones that is what was kept
 * before them by credits that their month's last run then had, as far as each credit's last decision let it count.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`alter table finding_decisions add column left_amount numeric`.execute(db);
  await sql`alter table finding_decisions disable trigger refuse_change`.execute(db);
  await sql`
    update finding_decisions set left_amount = amount_difference where amount_difference is not null`.execute(db);
  await sql`
    update finding_decisions d set left_amount = d.amount_difference - case
        when d.amount_difference > 0 then least(s.settled, d.amount_difference)
        else greatest(s.settled, d.amount_difference) end
    from (${settledBefore}) s where s.id = d.id and s.settled * d.amount_difference > 0`.execute(db);
  await sql`alter table finding_decisions enable trigger refuse_change`.execute(db);
}

/** What was settled of the finding of each decision, or by it if it is a credit, when the decision was made. */
const settledBefore = sql`
  select d.id, sum(case
    when s.period = d.period and s.finding = d.finding then sign(s.amount) * least(abs(s.amount), abs(c.amount_difference))
    else -sign(s.amount) * least(abs(s.amount), abs(f.amount_difference)) end) as settled
  from finding_decisions d
  join finding_settlements s on s.settled_at <= d.decided_at and (d.period, d.finding) in (
    (s.period, s.finding), (s.credit_period, s.credit_finding))
  join reconciliation_findings f on f.finding = s.finding and f.reconciliation_id = (
    select max(r.id) from reconciliations r where r.period = s.period and r.ran_at <= d.decided_at)
  join reconciliation_findings c on c.finding = s.credit_finding and c.reconciliation_id = (
    select max(r.id) from reconciliations r where r.period = s.credit_period and r.ran_at <= d.decided_at)
  left join lateral (
    select l.id, l.decision from finding_decisions l
    where l.period = s.credit_period and l.finding = s.credit_finding and l.id <= d.id
      and l.amount_difference = c.amount_difference
    order by l.id desc limit 1
  ) last on true
  where case when s.decision_id is null then coalesce(last.decision, 'accept') = 'accept' else last.id = s.decision_id end
  group by d.id`;

export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`alter table finding_decisions drop column left_amount`.execute(db);
}
