import { setTimeout as delay } from 'node:timers/promises';
import { sql } from 'kysely';
import type { Charge } from '../domain/report-lines.ts';
import { formatAmount, storedAmount } from '../domain/money.ts';
import { LedgerError } from '../errors.ts';
import type { Queries } from './database.ts';
import { disagreementColumns, disagreementOrder } from './disagreements.ts';
import { lineColumns } from './lines.ts';
import { lineOrder } from './report-files.ts';

/** A closed month, and everything that its figures depend on. */
export type PeriodClose = {
  readonly period: string;
  readonly version: number;
  readonly start: Date;
  readonly end: Date;
  readonly timeZone: string;
  readonly currency: string | null;
  readonly rulesSha256: string;
  readonly pricesSha256: string | null;
  readonly closedAt: Date;
  readonly closedBy: string;
  readonly forcedReason: string | null;
  /** Byte for byte as published. */
  readonly manifest: string;
  readonly manifestSha256: string;
};

export type NewClose = Omit<PeriodClose, 'version' | 'closedAt' | 'manifestSha256'> & {
  readonly manifestSha256: string;
  readonly blockers: Readonly<Record<string, number>>;
};

const columns = [
  'period',
  'version',
  'start_at',
  'end_at',
  'time_zone',
  'currency',
  'rules_sha256',
  'prices_sha256',
  'closed_at',
  'closed_by',
  'forced_reason',
  'manifest',
  'manifest_sha256',
] as const;

/** All closed months, in order. @param asOf only those that had been closed by this instant. */
export async function periodCloses(db: Queries, asOf: Date | null = null): Promise<PeriodClose[]> {
  const rows = await db
    .selectFrom('period_closes')
    .select(columns)
    .$if(asOf !== null, (query) => query.where('closed_at', '<=', asOf ?? new Date()))
    .orderBy('start_at')
    .execute();
  return rows.map((row) => ({
    period: row.period,
    version: row.version,
    start: row.start_at,
    end: row.end_at,
    timeZone: row.time_zone,
    currency: row.currency,
    rulesSha256: row.rules_sha256,
    pricesSha256: row.prices_sha256,
    closedAt: row.closed_at,
    closedBy: row.closed_by,
    forcedReason: row.forced_reason,
    manifest: row.manifest,
    manifestSha256: row.manifest_sha256,
  }));
}

/** Triggers of writers hold this lock in shared mode until their transaction ends. */
const closingLock = sql`hashtextextended('idscan-ledger closing', 0)`;

/**
 * Makes triggers record every later change to attempts before `end` as a late change. Waits for the writers that are at
 * work, so that every unrecorded change is committed when this returns. New writers queue up behind the waiting lock.
 * So that one long transaction does not block them all, each try gives up after a moment and lets them pass.
 *
 * @throws LedgerError `close_busy` if a writer does not end.
 */
export async function moveHorizon(db: Queries, end: Date, { tries = 30, waitMs = 2_000 } = {}): Promise<void> {
  for (let left = tries; left > 0; left -= 1) {
    if (await tryMoveHorizon(db, end, waitMs)) return;
    await delay(waitMs / 2);
  }
  throw new LedgerError('close_busy', 'A transaction in Postgres has written to the books and has not ended.', {
    hint: 'Nothing was closed. Look for it in pg_stat_activity (state, xact_start), end it, and close the month again.',
  });
}

async function tryMoveHorizon(db: Queries, end: Date, waitMs: number): Promise<boolean> {
  const lockNotAvailable = '55P03';
  try {
    await db.transaction().execute(async (transaction) => {
      await sql`select set_config('lock_timeout', ${`${waitMs}ms`}, true)`.execute(transaction);
      await sql`select pg_advisory_xact_lock(${closingLock})`.execute(transaction);
      await sql`
        insert into closing_horizon as h (end_at) values (${end}::timestamptz)
        on conflict (only_row) do update set end_at = greatest(h.end_at, excluded.end_at)`.execute(transaction);
    });
    return true;
  } catch (error) {
    if ((error as { code?: unknown }).code === lockNotAvailable) return false;
    throw error;
  }
}

/** Freezes the lines of an open month. @returns how many. */
export async function bookLines(db: Queries, period: string, lines: string): Promise<number> {
  const { numAffectedRows } = await sql`
    insert into closed_lines (period, line_number, ${sql.raw(lineColumns.join(', '))})
    select ${period}, row_number() over (order by ${sql.raw(lineOrder.join(', '))}), ${sql.raw(lineColumns.join(', '))}
    from (${sql.raw(lines)}) line`.execute(db);
  return Number(numAffectedRows ?? 0);
}

/** Freezes the disagreements of an open month. */
export async function bookDisagreements(db: Queries, period: string, disagreements: string): Promise<void> {
  const names = sql.raw(disagreementColumns.join(', '));
  await sql`
    insert into closed_discrepancies (period, line_number, ${names})
    select ${period}, row_number() over (order by ${sql.raw(disagreementOrder.join(', '))}), ${names}
    from (${sql.raw(disagreements)}) disagreement`.execute(db);
}

/** Freezes the costs of a month that belong to no attempt. */
export async function bookCharges(
  db: Queries,
  period: string,
  charges: readonly Charge[],
  minorDigits: number,
): Promise<void> {
  if (charges.length === 0) return;
  const rows = charges.map(({ correctsPeriod, amount }) => ({
    period,
    corrects_period: correctsPeriod,
    amount: formatAmount(amount, minorDigits),
  }));
  await db.insertInto('closed_charges').values(rows).execute();
}

/** The charges that a closed month was booked with. */
export async function chargesOf(db: Queries, period: string): Promise<Charge[]> {
  const rows = await db
    .selectFrom('closed_charges')
    .select(['corrects_period', 'amount'])
    .where('period', '=', period)
    .execute();
  return rows.map(({ corrects_period, amount }) => ({ correctsPeriod: corrects_period, amount: storedAmount(amount) }));
}

/** The sum of all charges booked for a closed month, in its own report and as corrections in reports up to `upTo`. */
export async function chargedFor(db: Queries, period: string, upTo: string): Promise<bigint> {
  const rows = await db
    .selectFrom('closed_charges')
    .select('amount')
    .where(sql<boolean>`coalesce(corrects_period, period) = ${period}`)
    .where('period', '<=', upTo)
    .execute();
  return rows.reduce((sum, { amount }) => sum + storedAmount(amount), 0n);
}

/** Closes the month and marks its late changes as booked. Runs in the transaction that booked the lines. */
export async function recordClose(db: Queries, close: NewClose): Promise<void> {
  await db
    .insertInto('period_closes')
    .values({
      period: close.period,
      start_at: close.start,
      end_at: close.end,
      time_zone: close.timeZone,
      currency: close.currency,
      rules_sha256: close.rulesSha256,
      prices_sha256: close.pricesSha256,
      closed_by: close.closedBy,
      forced_reason: close.forcedReason,
      blockers: JSON.stringify(close.blockers),
      manifest: close.manifest,
      manifest_sha256: close.manifestSha256,
    })
    .execute();
  await db.updateTable('late_changes').set({ booked_in: close.period }).where('booked_in', 'is', null).execute();
}

/** The rules file that last decided everything below the horizon; `null` = not recorded. */
export async function rulesBelowHorizon(db: Queries): Promise<string | null> {
  const row = await db.selectFrom('closing_horizon').select('rules_sha256').executeTakeFirst();
  return row?.rules_sha256 ?? null;
}

export async function noteRulesBelowHorizon(db: Queries, rulesSha256: string): Promise<void> {
  await db.updateTable('closing_horizon').set({ rules_sha256: rulesSha256 }).execute();
}
