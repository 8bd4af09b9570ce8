import path from 'node:path';
import type { Queries } from '../db/database.ts';
import { tablesAsOf } from '../db/lines.ts';
import { periodCloses } from '../db/period-closes.ts';
import { keptFile, usedAt } from '../db/reference.ts';
import { withNamedLock } from '../db/report-runs.ts';
import { LedgerError } from '../errors.ts';
import { publishDrafts, removeStaleDrafts } from '../reports/publish.ts';
import { parsePriceList } from '../reference-data/price-list.ts';
import { parseRuleTables } from '../reference-data/rule-tables.ts';
import { expectNotPassedOver } from './closed-months.ts';
import type { Context } from './context.ts';
import { withReportSnapshot } from './reading.ts';
import { draftOpen, type WrittenReport } from './write-report.ts';

/**
 * Writes the report of a month as it would have been written at an earlier instant: with what was known, how it was
 * decided and which price list was in use then. Its files go to a folder of their own.
 *
 * @throws LedgerError `usage_invalid` for an instant to come or one at which the month was closed; `report_busy`,
 * and all that `writeReport` throws.
 */
export async function writeReportAsOf(
  context: Context,
  period: string,
  asOf: Date,
  signal?: AbortSignal,
): Promise<WrittenReport> {
  if (asOf > context.now())
    throw new LedgerError('usage_invalid', `${asOf.toISOString()} is still to come.`, {
      hint: 'Give an instant that has passed, or leave --as-of away.',
    });
  const stamp = asOf.toISOString().replaceAll(/[-:]/g, '').replace('.000Z', 'Z');
  const directory = path.join(context.config.reportsDir, 'as-of', stamp, period);
  const report = await withNamedLock(context.db, `report ${period} as of ${stamp}`, async (queries) => {
    const closes = await periodCloses(queries, asOf);
    const close = closes.find((one) => one.period === period);
    if (close)
      throw new LedgerError(
        'usage_invalid',
        `${period} was closed on ${close.closedAt.toISOString()}, before ${asOf.toISOString()}: it has not moved since.`,
        { hint: `Its files: idscan-ledger report ${period}` },
      );
    expectNotPassedOver(closes, period);
    const rules = await rulesAt(context, queries, asOf);
    const then = { ...context, rules, prices: await pricesAt(context, queries, asOf) };
    await removeStaleDrafts(directory);
    const written = await withReportSnapshot(context, (snapshot) =>
      draftOpen(then, snapshot, { period, closes, directory, signal }, { tables: tablesAsOf(asOf), asOf }),
    );
    await publishDrafts(directory, [...written.files, written.manifest]);
    return written;
  });
  if (report) return report;
  throw new LedgerError('report_busy', `Another process is writing this report of ${period}.`, {
    hint: 'Wait for it to end.',
  });
}

/** The rules that reports used then; before the first one that noted them, the present ones. */
async function rulesAt({ rules }: Context, queries: Queries, asOf: Date): Promise<Context['rules']> {
  const used = await usedAt(queries, 'rules', asOf);
  const bytes = used?.sha256 && used.sha256 !== rules.sha256 ? await keptFile(queries, used.sha256) : undefined;
  return bytes ? parseRuleTables(bytes, `the rules in use at ${asOf.toISOString()}`) : rules;
}

/** The price list that reports used then; before the first one that used any, the present one. */
async function pricesAt({ prices }: Context, queries: Queries, asOf: Date): Promise<Context['prices']> {
  const used = await usedAt(queries, 'prices', asOf);
  if (!used || used.sha256 === prices?.sha256) return prices;
  if (used.sha256 === null) return undefined;
  const bytes = await keptFile(queries, used.sha256);
  return bytes && parsePriceList(bytes, `the price list in use at ${asOf.toISOString()}`);
}
