import { bookedTwice } from '../../db/attempt-nets.ts';
import { type BlockerCounts, noBlockers } from '../../db/blockers.ts';
import { noteChangesBefore } from '../../db/late-changes.ts';
import { bookCharges, bookDisagreements, bookLines, recordClose } from '../../db/period-closes.ts';
import { fixVersions } from '../../db/reference.ts';
import { attemptsBefore } from '../../db/report-rows.ts';
import type { Snapshot } from '../../db/snapshot.ts';
import { discardDrafts } from '../../reports/publish.ts';
import type { ReportFolder } from '../../reports/report-store.ts';
import { versionsInUse } from './closed-months.ts';
import { bookedMonth, type Month } from './month.ts';
import { expectNets, writeFiles, type WrittenReport } from './write-files.ts';

/** How a month is closed. */
export type Freezing = {
  readonly closedBy: string;
  readonly forcedReason: string | null;
  readonly beginReason?: string | null;
  /** Whether this is the first close. */
  readonly isFirst: boolean;
  /** Blockers that the close is forced past. */
  readonly counts: BlockerCounts | undefined;
  readonly folder: ReportFolder;
  readonly signal?: AbortSignal | undefined;
};

/**
 * Books the lines, charges and disagreements of a month, writes its files from the booked rows, and records the close,
 * all in the transaction of `booking`. The files still have temporary names.
 *
 * @param month the open month, opened in that transaction.
 * @throws LedgerError `report_unbalanced`, `storage_full`, `storage_failed`, `database_unavailable`
 */
export async function freeze(booking: Snapshot, month: Month, close: Freezing): Promise<WrittenReport> {
  const { queries } = booking;
  const { span, timeZone, references } = month;
  const { period, priceList } = month.head;
  const earlier = close.isFirst ? (await attemptsBefore(queries, span.start)).attempts : 0;
  const forcedPast = close.counts || earlier > 0 ? { ...(close.counts ?? noBlockers), earlier } : undefined;
  const forcedReason = (close.counts && close.forcedReason) ?? close.beginReason ?? null;
  await bookLines(queries, period, month.sql.lines);
  expectNets(period, await bookedTwice(queries, period));
  await bookDisagreements(queries, period, month.sql.disagreements);
  const booked = bookedMonth(queries, month);
  const { charges } = await booked.totals();
  await bookCharges(queries, period, charges, priceList?.minorDigits ?? 2);
  await fixVersions(queries, versionsInUse(references, timeZone, span.end));
  const { folder, signal } = close;
  const written = await writeFiles(booking, booked, { folder, signal, blockers: forcedPast });
  try {
    await recordClose(queries, {
      period,
      start: span.start,
      end: span.end,
      timeZone,
      currency: priceList?.currency ?? null,
      rulesSha256: references.rules.sha256,
      pricesSha256: references.prices?.sha256 ?? null,
      closedBy: close.closedBy,
      forcedReason: forcedPast ? forcedReason : null,
      blockers: { ...forcedPast },
      manifest: written.manifestText,
      manifestSha256: written.manifest.sha256,
    });
    if (close.isFirst) await noteChangesBefore(queries, span.start);
    return written;
  } catch (error) {
    await discardDrafts([...written.files, written.manifest]);
    throw error;
  }
}
