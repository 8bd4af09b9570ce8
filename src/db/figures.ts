import { sql } from 'kysely';
import type { Queries } from './database.ts';
import { countUnanswered } from './creations.ts';
import { mayDisagree } from './disagreements.ts';
import { countWorkers } from './heartbeats.ts';
import { findingFigures, type FindingFigures } from './settlements.ts';
import { custodyStatus, type CustodyStatus } from './erasure-receipts.ts';
import { retentionRounds, type RetentionRound } from './retention-rounds.ts';
import { filesAmiss, type FilesAmiss } from './document-verifications.ts';
import type { ObligationKind, ObligationState } from './schema.ts';
import { isMissingResultId } from './status.ts';

/** What the metrics show. */
export type Figures = {
  readonly obligations: readonly {
    readonly kind: ObligationKind;
    readonly state: ObligationState;
    readonly count: number;
  }[];
  /** Per kind, how long the oldest due obligation has been due. */
  readonly oldestDue: readonly { readonly kind: ObligationKind; readonly ageSeconds: number }[];
  readonly attempts: readonly { readonly taskType: string; readonly outcome: string; readonly count: number }[];
  readonly unclassified: number;
  readonly counterMismatches: number;
  /** Live worker processes. */
  readonly workersAlive: number;
  readonly workersWithoutStore: number;
  /** Files that were stored and are now missing or damaged. */
  readonly filesAmiss: readonly FilesAmiss[];
  readonly custody: CustodyStatus;
  readonly retention: readonly RetentionRound[];
  /** Creations whose answer never came. */
  readonly possiblyCreated: number;
  /** Completed transactions whose result ID is not known. */
  readonly missingResultIds: number;
  /** Per open month, the age of its report. */
  readonly reports: readonly { readonly period: string; readonly ageSeconds: number }[];
  /** Per currency that was ever reconciled, what is open. */
  readonly findings: readonly FindingFigures[];
};

/**
 * Reads what the metrics show.
 *
 * @param since start of the current month in the billing time zone. Attempts are counted from then on.
 * @param reportsFrom the first month (`YYYY-MM`) for which the report's age is shown.
 */
export async function readFigures(db: Queries, since: Date, reportsFrom: string): Promise<Figures> {
  const [
    obligations,
    oldest,
    attempts,
    unclassified,
    mismatches,
    workers,
    reports,
    amiss,
    custody,
    retention,
    unanswered,
    missing,
    findings,
  ] = await Promise.all([
    sql<Figures['obligations'][number]>`
      select kind, state, count(*)::int as count from obligations group by kind, state`.execute(db),
    sql<Figures['oldestDue'][number]>`
      select kind, extract(epoch from now() - min(due_at))::float8 as "ageSeconds" from obligations
      where state = 'due' and due_at <= now() group by kind`.execute(db),
    sql<Figures['attempts'][number]>`
      select task_type as "taskType", count(*)::int as count,
        case when invoiced then 'invoiced' when not invoiced then 'not_invoiced' else 'unclassified' end as outcome
      from attempts where attempted_at >= ${since} group by 1, 3`.execute(db),
    sql<{ count: number }>`select count(*)::int as count from attempts where invoiced is null`.execute(db),
    sql<{ count: number }>`
      select count(*)::int as count from tasks k
      where ${sql.raw(mayDisagree('k'))} and vendor_attempts_invoiced <> own_invoiced`.execute(db),
    countWorkers(db),
    sql<Figures['reports'][number]>`
      select period, extract(epoch from now() - finished_at)::float8 as "ageSeconds" from report_runs r
      where finished_at is not null and period >= ${reportsFrom}
        and not exists (select from period_closes c where c.period = r.period)`.execute(db),
    filesAmiss(db),
    custodyStatus(db),
    retentionRounds(db),
    countUnanswered(db),
    sql<{ count: number }>`select count(*)::int as count from transactions where ${isMissingResultId}`.execute(db),
    findingFigures(db),
  ]);
  return {
    obligations: obligations.rows,
    oldestDue: oldest.rows,
    attempts: attempts.rows,
    unclassified: unclassified.rows[0]?.count ?? 0,
    counterMismatches: mismatches.rows[0]?.count ?? 0,
    workersAlive: workers.alive,
    workersWithoutStore: workers.withoutStore,
    reports: reports.rows,
    filesAmiss: amiss,
    custody,
    retention,
    possiblyCreated: unanswered.possiblyCreated,
    missingResultIds: missing.rows[0]?.count ?? 0,
    findings,
  };
}
