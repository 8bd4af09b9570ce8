import { sql } from 'kysely';
import { formatAmount, storedAmount } from '../domain/money.ts';
import { askedCredit } from '../domain/reconciliation/asked.ts';
import type { MatchedBy } from '../domain/reconciliation/matching.ts';
import {
  countingDecision,
  countingSettlements,
  type DecidedAmounts,
  type DecisionName,
  type FindingName,
  isOpen,
  type KeptSettlement,
  type LastDecision,
  nameKey,
  settledAmounts,
  type Settlement,
  standingOf,
} from '../domain/reconciliation/standing.ts';
import type { Queries } from './database.ts';
import { lastRuns } from './vendor-file-withdrawals.ts';

/** A finding of the last run of its month. */
export type CurrentFinding = FindingName & {
  readonly currency: string;
  readonly cause: string;
  readonly subject: string;
  readonly amount: bigint;
  /** The decisions about it that were about this amount, the last one first. */
  readonly decided: readonly DecidedLeft[];
  /** When it was first found. */
  readonly since: Date;
};

/** A decision, and what of its finding no credit had settled then. */
type DecidedLeft = LastDecision & Pick<DecidedAmounts, 'left'>;

/** All findings but those that somebody accepted, and that no credit is about. By month, as their runs list them. */
export async function currentFindings(db: Queries): Promise<CurrentFinding[]> {
  const { rows } = await sql<{
    period: string;
    finding: string;
    currency: string;
    cause: string;
    subject: string;
    amount: string;
    decided: readonly (LastDecision & { readonly left: string | null })[];
    since: Date;
  }>`
    with latest as materialized (
      select r.period, r.currency, f.finding, f.position, f.cause, f.subject, f.amount_difference as amount,
        d.decided, d.last
      from (${lastRuns}) last
      join reconciliations r using (id) join reconciliation_findings f on f.reconciliation_id = r.id
      cross join lateral (
        select (array_agg(decision order by id desc))[1] as last, coalesce(jsonb_agg(
          jsonb_build_object('id', id::text, 'decision', decision, 'left', left_amount::text) order by id desc), '[]') as decided
        from finding_decisions d
        where d.period = r.period and d.finding = f.finding and d.amount_difference = f.amount_difference
      ) d
    )
    select period, finding, currency, cause, subject, amount::text, decided, (
      select min(r.ran_at) from reconciliations r join reconciliation_findings f on f.reconciliation_id = r.id
      where r.period = l.period and f.finding = l.finding
    ) as since
    from latest l
    where last is distinct from 'accept' or cause = 'credit'
      or exists (select from finding_settlements s where s.period = l.period and s.finding = l.finding)
      or exists (select from finding_settlements s where s.credit_period = l.period and s.credit_finding = l.finding)
    order by period, position`.execute(db);
  return rows.map(({ decided, amount, ...row }) => ({
    ...row,
    amount: storedAmount(amount),
    decided: decided.map((one) => ({ ...one, left: one.left === null ? null : storedAmount(one.left) })),
  }));
}

/** All settlements, in the order in which they were kept. */
export async function keptSettlements(db: Queries): Promise<KeptSettlement[]> {
  const { rows } = await sql<{
    period: string;
    finding: string;
    credit_period: string;
    credit_finding: string;
    amount: string;
    decision_id: string | null;
  }>`
    select period, finding, credit_period, credit_finding, amount::text, decision_id
    from finding_settlements order by id`.execute(db);
  return rows.map((row) => ({
    of: { period: row.period, finding: row.finding },
    by: { period: row.credit_period, finding: row.credit_finding },
    amount: storedAmount(row.amount),
    decisionId: row.decision_id,
  }));
}

/** A finding, what of its amount is settled, and the decision that counts. */
export type SettledFinding = CurrentFinding & { readonly settled: bigint; readonly decision: DecisionName | null };

/**
 * {@link currentFindings} with what credits settle of them.
 *
 * @param next a decision that is about to be kept: what it leads to.
 */
export async function settledFindings(
  db: Queries,
  next?: FindingName & { readonly decision: DecisionName },
): Promise<SettledFinding[]> {
  const findings = await currentFindings(db);
  const last = new Map(findings.flatMap(({ decided: [one], ...name }) => (one ? [[nameKey(name), one]] : [])));
  if (next) last.set(nameKey(next), { id: '', decision: next.decision, left: null });
  const settled = settledAmounts(
    countingSettlements(await keptSettlements(db), last),
    new Map(findings.map((one) => [nameKey(one), one.amount])),
  );
  return findings.map((one) => withSettled(one, settled.get(nameKey(one)) ?? 0n));
}

/** A finding with what is settled of it. */
export const withSettled = (one: CurrentFinding, settled: bigint): SettledFinding => ({
  ...one,
  settled,
  decision: countingDecision(one.decided, one.amount - settled)?.decision ?? null,
});

/** A finding that is neither accepted nor settled whole. */
export type OpenFinding = CurrentFinding & {
  readonly decision: Exclude<DecisionName, 'accept'> | null;
  /** What of the amount is not settled. */
  readonly left: bigint;
};

/** Everything that is open in any month, by month. */
export const openFindings = async (db: Queries): Promise<OpenFinding[]> =>
  (await settledFindings(db)).flatMap(({ settled, decision, ...one }): OpenFinding[] => {
    if (decision === 'accept' || !isOpen(standingOf(one.amount, settled, decision ?? undefined).state)) return [];
    return [{ ...one, decision, left: one.amount - settled }];
  });

export type FindingFigures = {
  readonly currency: string;
  readonly open: number;
  /** What the letters of all months ask for together: net, in units of the currency. */
  readonly disputed: number;
  readonly ageSeconds: number;
};

/** What is open in each currency that was ever reconciled. */
export async function findingFigures(db: Queries): Promise<FindingFigures[]> {
  const { rows } = await sql<{ currency: string; now: Date }>`
    select currency, now() as now from reconciliations group by currency order by currency`.execute(db);
  const open = await openFindings(db);
  return rows.map(({ currency, now }) => {
    const own = open.filter((one) => one.currency === currency);
    const since = own.reduce((first, one) => Math.min(first, one.since.getTime()), now.getTime());
    return {
      currency,
      open: own.length,
      disputed: Number(askedIn(own, currency)) / 1_000_000,
      ageSeconds: (now.getTime() - since) / 1_000,
    };
  });
}

/** A letter is about a month, and rounds once. */
const askedIn = (open: readonly OpenFinding[], currency: string): bigint =>
  [...Map.groupBy(open, ({ period }) => period).values()].reduce((sum, one) => sum + askedCredit(one, currency), 0n);

/** How far a month's reconciliation is. */
export type MonthStanding = {
  readonly period: string;
  readonly currency: string;
  readonly findings: number;
  readonly open: number;
  /** What is disputed and not settled, as its letter asks for it: net. */
  readonly disputed: bigint;
};

/** Every month that was reconciled. */
export async function monthStandings(db: Queries): Promise<Map<string, MonthStanding>> {
  const { rows } = await sql<Pick<MonthStanding, 'period' | 'currency' | 'findings'>>`
    select r.period, r.currency,
      (select count(*)::int from reconciliation_findings f where f.reconciliation_id = r.id) as findings
    from (${lastRuns}) last join reconciliations r using (id)`.execute(db);
  const byPeriod = Map.groupBy(await openFindings(db), ({ period }) => period);
  return new Map(
    rows.map((row) => {
      const open = byPeriod.get(row.period) ?? [];
      return [row.period, { ...row, open: open.length, disputed: askedCredit(open, row.currency) }];
    }),
  );
}

/** Keeps what credits settle. A settlement that is more than what is left by now counts for less. */
export async function recordSettlements(
  db: Queries,
  settlements: readonly (Settlement & { readonly matchedBy: MatchedBy | 'accept'; readonly decisionId?: string })[],
  settledBy: string,
): Promise<void> {
  if (settlements.length === 0) return;
  const rows = settlements.map(({ of, by, amount, matchedBy, decisionId = null }) => ({
    period: of.period,
    finding: of.finding,
    credit_period: by.period,
    credit_finding: by.finding,
    amount: formatAmount(amount, 6),
    matched_by: matchedBy,
    decision_id: decisionId,
  }));
  await sql`
    insert into finding_settlements (period, finding, credit_period, credit_finding, amount, matched_by, decision_id, settled_by)
    select j.*, ${settledBy} from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as j (period text, finding text,
      credit_period text, credit_finding text, amount numeric, matched_by text, decision_id bigint)`.execute(db);
}
