import { sql } from 'kysely';
import type { ErrorCode } from '../errors.ts';
import type { Database, Queries } from './database.ts';
import { type Dedicated, withDedicatedClient } from './snapshot.ts';

/**
 * Requests a report of a month. The request stands until a run has finished, whatever happens to the queue. A pending
 * request of the schedule stays the schedule's, whoever requests the report in the meantime.
 */
export async function requestReport(
  db: Queries,
  period: string,
  requestedBy: string,
  leaseMs: number,
): Promise<number> {
  const { rows } = await sql<{ generation: number }>`
    insert into report_runs as r (period, due_at, sweep_at, requested_by)
    values (${period}, now(), now() + ${leaseMs} * interval '1 millisecond', ${requestedBy})
    on conflict (period) do update set generation = r.generation + 1, due_at = now(), sweep_at = excluded.sweep_at,
      requested_by = case when r.due_at is not null and r.requested_by = 'schedule' then r.requested_by else excluded.requested_by end,
      last_error_code = null
    returning generation`.execute(db);
  return rows[0]?.generation ?? 1;
}

/** Takes requested reports whose lease has ended. */
export async function claimDueReports(db: Queries, leaseMs: number): Promise<{ period: string; generation: number }[]> {
  const { rows } = await sql<{ period: string; generation: number }>`
    update report_runs r set sweep_at = now() + ${leaseMs} * interval '1 millisecond'
    from (select period from report_runs where sweep_at <= now() for update skip locked) picked
    where r.period = picked.period
    returning r.period, r.generation`.execute(db);
  return rows;
}

/** Whether a requested run is still to be done. */
export async function isReportDue(db: Queries, period: string, generation: number): Promise<boolean> {
  const row = await db
    .selectFrom('report_runs')
    .select('period')
    .where('period', '=', period)
    .where('generation', '=', generation)
    .where('due_at', 'is not', null)
    .executeTakeFirst();
  return row !== undefined;
}

/** Records that a report was written. @param generation the request that it answers; `null` = none (a manual run). */
export async function finishReport(
  db: Queries,
  period: string,
  generation: number | null,
  manifestSha256: string,
): Promise<void> {
  await sql`
    insert into report_runs as r (period, finished_at, manifest_sha256)
    values (${period}, now(), ${manifestSha256})
    on conflict (period) do update set finished_at = now(), manifest_sha256 = excluded.manifest_sha256,
      last_error_code = null,
      scheduled_generation = case when r.generation = ${generation}::integer and r.requested_by = 'schedule' then r.generation else r.scheduled_generation end,
      scheduled_finished_at = case when r.generation = ${generation}::integer and r.requested_by = 'schedule' then now() else r.scheduled_finished_at end,
      due_at = case when r.generation = ${generation}::integer then null else r.due_at end,
      sweep_at = case when r.generation = ${generation}::integer then null else r.sweep_at end`.execute(db);
}

/** Records that a run failed. @param givesUp do not try again until the next request. */
export async function failReport(
  db: Queries,
  period: string,
  generation: number,
  code: ErrorCode,
  givesUp: boolean,
): Promise<void> {
  await sql`
    update report_runs set last_error_code = ${code}, last_failed_at = now(),
      due_at = case when ${givesUp} then null else due_at end,
      sweep_at = case when ${givesUp} then null else now() + interval '2 minutes' end
    where period = ${period} and generation = ${generation}`.execute(db);
}

export type ReportRun = {
  readonly period: string;
  readonly dueAt: Date | null;
  readonly finishedAt: Date | null;
  readonly lastFailedAt: Date | null;
  readonly lastErrorCode: string | null;
};

/** All months for which a report was requested or written. */
export async function reportRuns(db: Queries): Promise<ReportRun[]> {
  const rows = await db
    .selectFrom('report_runs')
    .select(['period', 'due_at', 'finished_at', 'last_failed_at', 'last_error_code'])
    .orderBy('period')
    .execute();
  return rows.map((row) => ({
    period: row.period,
    dueAt: row.due_at,
    finishedAt: row.finished_at,
    lastFailedAt: row.last_failed_at,
    lastErrorCode: row.last_error_code,
  }));
}

/**
 * Runs `work` while no other process writes the same month's files. The lock ends with its connection, whatever
 * happens.
 *
 * @returns `undefined` if another process holds the lock.
 */
export function withReportLock<T>(
  db: Database,
  period: string,
  work: (connection: Dedicated) => Promise<T>,
): Promise<T | undefined> {
  return withNamedLock(db, reportLock(period), work);
}

/** The name of the lock on a month's files. */
export const reportLock = (period: string): string => `report ${period}`;

/**
 * Runs `work` under a named lock, and lends it the connection that holds the lock.
 *
 * @returns `undefined` if another process holds it.
 */
export function withNamedLock<T>(
  db: Database,
  name: string,
  work: (connection: Dedicated) => Promise<T>,
): Promise<T | undefined> {
  return withDedicatedClient(db, async (connection) =>
    (await tryLock(connection, name)) ? await work(connection) : undefined,
  );
}

/** Takes a named lock until the connection ends. @returns whether it was to be had. */
export async function tryLock({ queries }: Dedicated, name: string): Promise<boolean> {
  const key = sql`hashtextextended(${`idscan-ledger ${name}`}, 0)`;
  const { rows } = await sql<{ locked: boolean }>`select pg_try_advisory_lock(${key}) as locked`.execute(queries);
  return rows[0]?.locked === true;
}
