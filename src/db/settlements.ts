import { type RawBuilder, sql } from 'kysely';
import { formatAmount, storedAmount } from '../domain/money.ts';
import type { MatchedBy } from '../domain/reconciliation/matching.ts';
import type { DecisionName, FindingName, Settlement } from '../domain/reconciliation/standing.ts';
import type { Queries } from './database.ts';

/** A settlement, and the amounts of both sides in the last runs of their months; `null` = it is no finding any more. */
export type KeptSettlement = Settlement & {
  readonly amounts: { readonly of: bigint | null; readonly by: bigint | null };
};

/** The last decision about a finding of `row`, which has `period` and `finding`. */
const lastDecision = (period: string, finding: string): RawBuilder<DecisionName | null> => sql`(
  select decision from finding_decisions d where d.period = ${sql.ref(period)} and d.finding = ${sql.ref(finding)}
  order by d.id desc limit 1)`;

/**
 * `latest`: the findings of each month's last run. `settlements`: those that count, with the amounts of both sides.
 * Whoever disputes a credit, or expects another, says that it settles nothing.
 */
const currentTables = sql`
  latest as materialized (
    select r.period, r.currency, f.finding, f.position, f.cause, f.subject, f.amount_difference as amount
    from (select max(id) as id from reconciliations group by period) last
    join reconciliations r using (id) join reconciliation_findings f on f.reconciliation_id = r.id
  ),
  settlements as materialized (
    select s.id, s.period, s.finding, s.credit_period, s.credit_finding, s.amount, f.amount as finding_amount, c.amount as credit_amount
    from finding_settlements s
    left join latest f on f.period = s.period and f.finding = s.finding
    left join latest c on c.period = s.credit_period and c.finding = s.credit_finding
    where coalesce(${lastDecision('s.credit_period', 's.credit_finding')}, 'accept') = 'accept'
  )`;

/** `open_findings`: those that are neither accepted nor settled whole, with what remains and when they were first found. */
const openTable = sql`
  counted as (
    select period, finding, sum(size) as size from (
      select period, finding, least(abs(amount), abs(finding_amount), abs(credit_amount)) as size
      from settlements where finding_amount is not null and credit_amount is not null
      union all
      select credit_period, credit_finding, least(abs(amount), abs(finding_amount), abs(credit_amount))
      from settlements where finding_amount is not null and credit_amount is not null
    ) sides group by period, finding
  ),
  decided as (
    select l.*, ${lastDecision('l.period', 'l.finding')} as decision, coalesce(c.size, 0) as size
    from latest l left join counted c using (period, finding)
  ),
  open_findings as (
    select d.*, sign(amount) * (abs(amount) - size) as remaining, (
      select min(r.ran_at) from reconciliations r join reconciliation_findings f on f.reconciliation_id = r.id
      where r.period = d.period and f.finding = d.finding
    ) as since
    from decided d where decision is distinct from 'accept' and size < abs(amount)
  )`;

/** The settlements that count of a month's findings, by its credits, and of whatever else its credits settle. */
export async function settlementsAbout(db: Queries, period: string): Promise<KeptSettlement[]> {
  const { rows } = await sql<{
    period: string;
    finding: string;
    credit_period: string;
    credit_finding: string;
    amount: string;
    finding_amount: string | null;
    credit_amount: string | null;
  }>`
    with ${currentTables}
    select period, finding, credit_period, credit_finding, amount::text, finding_amount::text, credit_amount::text
    from settlements s
    where period = ${period} or credit_period = ${period} or exists (
      select from settlements other
      where other.credit_period = ${period} and other.period = s.period and other.finding = s.finding)
    order by id`.execute(db);
  return rows.map((row) => ({
    of: { period: row.period, finding: row.finding },
    by: { period: row.credit_period, finding: row.credit_finding },
    amount: storedAmount(row.amount),
    amounts: { of: micros(row.finding_amount), by: micros(row.credit_amount) },
  }));
}

/** A finding that is neither accepted nor settled whole. */
export type OpenFinding = FindingName & {
  readonly currency: string;
  readonly cause: string;
  readonly subject: string;
  readonly decision: Exclude<DecisionName, 'accept'> | null;
  readonly amount: bigint;
  /** What of the amount is not settled. */
  readonly left: bigint;
  /** When it was first found. */
  readonly since: Date;
};

/** Everything that is open in any month, by month. */
export async function openFindings(db: Queries): Promise<OpenFinding[]> {
  const { rows } = await sql<{
    period: string;
    finding: string;
    currency: string;
    cause: string;
    subject: string;
    decision: OpenFinding['decision'];
    amount: string;
    left: string;
    since: Date;
  }>`
    with ${currentTables}, ${openTable}
    select period, finding, currency, cause, subject, decision, amount::text, remaining::text as left, since
    from open_findings order by period, position`.execute(db);
  return rows.map((row) => ({ ...row, amount: storedAmount(row.amount), left: storedAmount(row.left) }));
}

export type FindingFigures = {
  readonly currency: string;
  readonly open: number;
  /** Of all disputes together, in units of the currency. */
  readonly disputed: number;
  readonly ageSeconds: number;
};

/** What is open in each currency that was ever reconciled. */
export async function findingFigures(db: Queries): Promise<FindingFigures[]> {
  const { rows } = await sql<FindingFigures>`
    with ${currentTables}, ${openTable}
    select c.currency, count(o.finding)::int as open,
      coalesce(sum(o.remaining) filter (where o.decision = 'dispute'), 0)::float8 as disputed,
      coalesce(extract(epoch from now() - min(o.since)), 0)::float8 as "ageSeconds"
    from (select distinct currency from reconciliations) c left join open_findings o using (currency)
    group by c.currency order by c.currency`.execute(db);
  return rows;
}

/** How far a month's reconciliation is. */
export type MonthStanding = {
  readonly period: string;
  readonly currency: string;
  readonly findings: number;
  readonly open: number;
  /** What is disputed and not settled, without regard to who owes it. */
  readonly disputed: bigint;
};

/** Every month that was reconciled. */
export async function monthStandings(db: Queries): Promise<Map<string, MonthStanding>> {
  const { rows } = await sql<Omit<MonthStanding, 'disputed'> & { disputed: string }>`
    with ${currentTables}, ${openTable}
    select r.period, r.currency,
      (select count(*)::int from latest l where l.period = r.period) as findings,
      count(o.finding)::int as open,
      coalesce(sum(abs(o.remaining)) filter (where o.decision = 'dispute'), 0)::text as disputed
    from (select max(id) as id from reconciliations group by period) last
    join reconciliations r using (id) left join open_findings o on o.period = r.period
    group by r.period, r.currency`.execute(db);
  return new Map(rows.map((row) => [row.period, { ...row, disputed: storedAmount(row.disputed) }]));
}

/** Keeps what credits settle. A settlement that is more than what is left by now counts for less. */
export async function recordSettlements(
  db: Queries,
  settlements: readonly (Settlement & { readonly matchedBy: MatchedBy | 'accept' })[],
  settledBy: string,
): Promise<void> {
  if (settlements.length === 0) return;
  const rows = settlements.map(({ of, by, amount, matchedBy }) => ({
    period: of.period,
    finding: of.finding,
    credit_period: by.period,
    credit_finding: by.finding,
    amount: formatAmount(amount, 6),
    matched_by: matchedBy,
  }));
  await sql`
    insert into finding_settlements (period, finding, credit_period, credit_finding, amount, matched_by, settled_by)
    select j.*, ${settledBy} from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as j (period text, finding text,
      credit_period text, credit_finding text, amount numeric, matched_by text)`.execute(db);
}

const micros = (amount: string | null): bigint | null => (amount === null ? null : storedAmount(amount));
