import type { Queries } from '../../db/database.ts';
import { moveHorizon, noteRulesBelowHorizon, type PeriodClose, periodCloses } from '../../db/period-closes.ts';
import { holdReferences } from '../../db/references.ts';
import { finishReport, reportLock, tryLock, withNamedLock } from '../../db/report-runs.ts';
import { type Dedicated, inBooking } from '../../db/snapshot.ts';
import { databaseNow } from '../../db/unfetched.ts';
import { monthBounds } from '../../domain/billing-month.ts';
import { errorCode, LedgerError } from '../../errors.ts';
import { removeStaleDrafts } from '../../reports/publish.ts';
import type { Context } from '../context.ts';
import { noteUses, reviewClosedMonths } from './closed-months.ts';
import { freeze } from './freeze.ts';
import { openMonth } from './month.ts';
import { hasBlockers, type Obstacles, obstaclesTo, refusalsOf } from './obstacles.ts';
import { redecideSpan } from './redecide.ts';
import { untilFetched } from '../fetch/until-fetched.ts';
import type { WrittenReport } from './write-files.ts';

export type CloseRequest = {
  readonly period: string;
  readonly closedBy: string;
  /** Why the month is closed in spite of blockers; `null` = blockers prevent the close. */
  readonly forcedReason: string | null;
  /**
   * Why the books begin with this month although earlier attempts exist. Those become corrections in the following
   * month. `null` = earlier attempts prevent the close.
   */
  readonly beginReason?: string | null;
  readonly signal?: AbortSignal;
};

/**
 * Closes a month: freezes its lines, totals, rules and prices in one transaction, and publishes its files as version 1.
 * First waits for transactions that are registered by now, as long as workers are fetching them.
 *
 * @returns the published report, or what blocks the close.
 * @throws LedgerError `period_not_ended`, `period_closed`, `period_out_of_order`, `close_busy`, `report_busy`,
 * `currency_changed`, and all that `writeReport` throws.
 */
export async function closeMonth(context: Context, asked: CloseRequest): Promise<WrittenReport | Obstacles> {
  const { period } = asked;
  const registeredUntil = await databaseNow(context.db.kysely);
  await untilFetched(context.db, registeredUntil, asked.signal);
  const request = { ...asked, registeredUntil };
  const closed = await withNamedLock(context.db, 'close', async (connection) => {
    const { queries } = connection;
    await holdReferences(queries);
    const closes = await periodCloses(queries);
    await expectNoRefusal(context, queries, request, closes);
    checkBeginning(request, closes);
    if (await tryLock(connection, reportLock(period))) return closeLocked(context, connection, request, closes);
    throw new LedgerError('report_busy', `Another process is writing the report of ${period}.`, {
      hint: 'Wait for it to end, then close the month.',
    });
  });
  if (closed) return closed;
  throw new LedgerError('close_busy', `Another process is closing a month, so ${period} was not closed here.`, {
    fields: { period },
    hint: 'Wait for it to end; if it closed this month, there is nothing left to do.',
  });
}

/** The books can begin only with the first close. */
function checkBeginning({ period, beginReason = null }: CloseRequest, closes: readonly PeriodClose[]): void {
  if (!closes[0] || beginReason === null) return;
  throw new LedgerError('period_out_of_order', `The books already begin with ${closes[0].period}.`, {
    fields: { period },
    hint: 'Omit --begin-books: it is for the first close.',
  });
}

/** @throws LedgerError the first refusal; no force passes it. */
async function expectNoRefusal(
  context: Context,
  queries: Queries,
  { period, beginReason = null }: CloseRequest,
  closes: readonly PeriodClose[],
): Promise<void> {
  const [first] = await refusalsOf(context, queries, period, closes, beginReason !== null);
  if (first) throw first;
}

/** @property registeredUntil IDs registered later do not block the close. */
type Closing = CloseRequest & { readonly registeredUntil: Date };

async function closeLocked(
  context: Context,
  connection: Dedicated,
  request: Closing,
  closes: readonly PeriodClose[],
): Promise<WrittenReport | Obstacles> {
  const { queries } = connection;
  const { period, forcedReason, registeredUntil } = request;
  const { config, rules, db, reports } = context;
  const span = monthBounds(period, config.billingTimeZone);
  const folder = reports.folder(period);
  await removeStaleDrafts(folder.drafts);
  await noteUses(context);
  await reviewClosedMonths(context, queries, closes, period);
  await redecideSpan(context, queries, span);
  const blocked = await blockersOf(context, queries, request, closes);
  if (blocked && forcedReason === null) return blocked;
  await moveHorizon(db.kysely, span.end);
  const written = await inBooking(connection, async (booking) => {
    // Checked again in the very snapshot that is frozen.
    await expectNoRefusal(context, booking.queries, request, closes);
    const stillBlocked = await blockersOf(context, booking.queries, request, closes);
    if (stillBlocked && forcedReason === null) return stillBlocked;
    const month = await openMonth(context, booking.queries, period, closes, { registeredUntil });
    return freeze(booking, month, {
      ...request,
      isFirst: closes.length === 0,
      counts: stillBlocked?.counts,
      folder,
    });
  });
  if ('counts' in written) return written;
  try {
    await noteRulesBelowHorizon(db.kysely, rules.sha256);
    await folder.publish([...written.files, written.manifest]);
    await finishReport(db.kysely, period, null, written.manifest.sha256);
    return written;
  } catch (error) {
    throw new LedgerError(
      errorCode(error),
      `${period} is closed, but its files were not published: ${messageOf(error)}`,
      {
        hint: `Do not close it again. Remove the cause, then: idscan-ledger report ${period}`,
        cause: error,
      },
    );
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

async function blockersOf(
  context: Context,
  queries: Queries,
  { period, beginReason = null, registeredUntil }: Closing,
  closes: readonly PeriodClose[],
): Promise<Obstacles | undefined> {
  const obstacles = await obstaclesTo(context, queries, period, closes, {
    begins: beginReason !== null,
    registeredUntil,
  });
  return hasBlockers(obstacles) ? obstacles : undefined;
}
