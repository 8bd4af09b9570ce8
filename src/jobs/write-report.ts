import path from 'node:path';
import type { Readable } from 'node:stream';
import type { Queries } from '../db/database.ts';
import { decisionGroups, redecide } from '../db/decisions.ts';
import { copyCsv, type CsvQuery, detailQuery, discrepanciesQuery, type PriceCell } from '../db/report-files.ts';
import { attemptGroups, type OpenItems, openItems } from '../db/report-rows.ts';
import { finishReport, withReportLock } from '../db/report-runs.ts';
import { type Snapshot, withSnapshot } from '../db/snapshot.ts';
import { monthBounds, type Span } from '../domain/billing-month.ts';
import { classify } from '../domain/classify.ts';
import { boundariesWithin, inForceAt } from '../domain/effective-dates.ts';
import { formatAmount } from '../domain/money.ts';
import { type AttemptGroup, imbalances, priceOf, type ReportLines, reportLines } from '../domain/report-lines.ts';
import { LedgerError } from '../errors.ts';
import { csvStream, headerLine, toCrlf } from '../reports/csv.ts';
import { codesColumns, fileName, type ReportHead, summaryColumns, summaryRows } from '../reports/files.ts';
import { manifestOf } from '../reports/manifest.ts';
import { discardDrafts, type DraftFile, publishDrafts, removeStaleDrafts, writeDraft } from '../reports/publish.ts';
import type { Context } from './context.ts';

export type WrittenReport = {
  readonly head: ReportHead;
  readonly month: Span;
  readonly directory: string;
  readonly lines: ReportLines;
  readonly openItems: OpenItems;
  readonly discrepancies: number;
  readonly manifest: DraftFile;
  readonly files: readonly DraftFile[];
};

/**
 * Writes all files of a month: decides its attempts anew where the rules changed, reads one snapshot, checks that every
 * file balances, and only then publishes. Until then nothing carries a final name.
 *
 * @param generation the request that this run answers; `null` = none.
 * @throws LedgerError `report_busy`, `report_unbalanced`, `storage_full`, `storage_failed`, `database_unavailable`
 */
export async function writeReport(
  context: Context,
  period: string,
  generation: number | null,
  signal?: AbortSignal,
): Promise<WrittenReport> {
  const report = await withReportLock(context.db, period, async (queries) => {
    const directory = path.join(context.config.reportsDir, period);
    await removeStaleDrafts(directory);
    await redecideMonth(context, queries, period);
    const written = await withSnapshot(context.db, (snapshot) =>
      writeFiles(context, snapshot, period, directory, signal),
    );
    await publishDrafts(directory, [...written.files, written.manifest]);
    await finishReport(context.db.kysely, period, generation, written.manifest.sha256);
    return written;
  });
  if (report) return report;
  throw new LedgerError('report_busy', `Another process is writing the report of ${period}.`, {
    fields: { period },
    hint: 'Wait for it to end, or run the command again to get a newer one.',
  });
}

/**
 * Holds every stored decision of an open month against the rules now in force and decides anew what differs. Works on
 * groups of like attempts, so its cost does not grow with the number of attempts read into memory.
 *
 * @returns how many attempts changed.
 */
export async function redecideMonth({ rules, config }: Context, queries: Queries, period: string): Promise<number> {
  const { billingTimeZone: timeZone } = config;
  const month = monthBounds(period, timeZone);
  const starts = [month.start, ...boundariesWithin(rules.content, month.start, month.end, timeZone)];
  let changed = 0;
  for (const [index, start] of starts.entries()) {
    const table = inForceAt(rules.content, start, timeZone);
    for (const group of await decisionGroups(queries, { start, end: starts[index + 1] ?? month.end })) {
      const decision = classify(group, table);
      const isSame =
        decision.invoiced === group.invoiced &&
        decision.reason === group.reason &&
        decision.ruleTableVersion === group.ruleTableVersion;
      if (!isSame) changed += await redecide(queries, group, decision);
    }
  }
  return changed;
}

async function writeFiles(
  context: Context,
  snapshot: Snapshot,
  period: string,
  directory: string,
  signal?: AbortSignal,
): Promise<WrittenReport> {
  const { rules, prices, config } = context;
  const timeZone = config.billingTimeZone;
  const month = monthBounds(period, timeZone);
  const head: ReportHead = { period, status: 'provisional', priceList: prices?.content };
  const boundaries = prices ? boundariesWithin(prices.content.prices, month.start, month.end, timeZone) : [];
  const groups = await attemptGroups(snapshot.queries, month, boundaries);
  const lines = reportLines(groups, { list: prices?.content, timeZone });
  const items = await openItems(snapshot.queries, month);
  const drafts: DraftFile[] = [];
  const draft = async (name: string, chunks: AsyncIterable<Buffer> | Iterable<Buffer>): Promise<DraftFile> => {
    const file = await writeDraft(directory, name, chunks, signal);
    drafts.push(file);
    return file;
  };
  try {
    const detail = detailQuery({ period, month, boundaries, ...pricesFor(context, groups) });
    const detailFile = await draft(fileName(head, 'detail'), copied(snapshot, detail));
    await draft(fileName(head, 'summary'), csvStream(summaryColumns(head), summaryRows(lines)));
    await draft(fileName(head, 'codes'), csvStream(codesColumns(head), lines.codes));
    const query = discrepanciesQuery(period, month);
    const discrepancies = (await draft(fileName(head, 'discrepancies'), copied(snapshot, query))).rows;
    checkBalance(lines, detailFile, period);
    const manifest = manifestOf({
      ...{ head, month, timeZone, totals: lines.totals, discrepancies, openItems: items, rules, prices },
      files: drafts,
    });
    const files = [...drafts];
    const manifestFile = await draft('manifest.json', [manifest]);
    return { head, month, directory, lines, openItems: items, discrepancies, manifest: manifestFile, files };
  } catch (error) {
    await discardDrafts(drafts);
    throw error;
  }
}

/** The prices that occur in a month, as the detail file writes them. */
function pricesFor({ prices, config }: Context, groups: readonly AttemptGroup[]) {
  if (!prices) return { prices: [], priceList: null };
  const { minorDigits, version, currency } = prices.content;
  const cells = new Map<string, PriceCell>();
  for (const group of groups) {
    const micros = priceOf(group, { list: prices.content, timeZone: config.billingTimeZone });
    if (micros === null) continue;
    const { taskType, level, pricedAt } = group;
    const key = JSON.stringify([taskType, level, pricedAt]);
    cells.set(key, { taskType, level, pricedAt, unitPrice: formatAmount(micros, minorDigits) });
  }
  return { prices: [...cells.values()], priceList: { version, currency, zero: formatAmount(0n, minorDigits) } };
}

async function* copied(snapshot: Snapshot, query: CsvQuery): AsyncGenerator<Buffer> {
  yield headerLine(query.headers);
  const source: Readable = copyCsv(snapshot, query);
  const converted = source.pipe(toCrlf());
  source.once('error', (error) => converted.destroy(error));
  for await (const chunk of converted) yield chunk as Buffer;
}

/** `invoiced + not_invoiced + unclassified = attempts`, in every file and between them. */
function checkBalance({ summary, codes, totals }: ReportLines, detail: DraftFile, period: string): void {
  const problems = imbalances(summary, totals);
  const inCodes = codes.reduce((sum, line) => sum + line.attempts, 0n);
  if (inCodes !== totals.attempts)
    problems.push(`the codes file has ${inCodes} attempts, the total is ${totals.attempts}`);
  if (BigInt(detail.rows) !== totals.attempts)
    problems.push(`the detail file has ${detail.rows} rows, the total is ${totals.attempts} attempts`);
  if (problems.length === 0) return;
  throw new LedgerError('report_unbalanced', `The report of ${period} does not balance: ${problems.join('; ')}.`, {
    fields: { period, problems: problems.length },
    hint: 'Nothing was published. This is a fault of the program: please report it with this message.',
  });
}
