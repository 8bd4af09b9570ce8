import type { UnbalancedAttempt } from '../../db/attempt-nets.ts';
import { countPossiblyCreatedIn } from '../../db/creations.ts';
import { detailQuery, discrepanciesQuery, referencesQuery } from '../../db/report-files.ts';
import { referencesAt } from '../../db/references.ts';
import { countDisagreements } from '../../db/month-figures.ts';
import type { OpenItems } from '../../db/report-rows.ts';
import type { PeriodClose } from '../../db/period-closes.ts';
import type { Snapshot } from '../../db/snapshot.ts';
import type { Span } from '../../domain/billing-month.ts';
import { imbalances, type ReportLines } from '../../domain/report-lines.ts';
import { LedgerError } from '../../errors.ts';
import { csvStream } from '../../reports/csv.ts';
import { codesColumns, fileName, type ReportHead, summaryColumns, summaryRows } from '../../reports/files.ts';
import { manifestOf } from '../../reports/manifest.ts';
import type { DraftFile } from '../../reports/draft-file.ts';
import { kindsOf } from '../../reports/names.ts';
import { discardDrafts, writeDraft } from '../../reports/publish.ts';
import { referencesTallied } from '../../reports/references.ts';
import type { ReportFolder } from '../../reports/report-store.ts';
import { copiedCsv } from '../copied-csv.ts';
import type { Month } from './month.ts';

/** A month's report. Its files are complete, but still have temporary names. */
export type WrittenReport = {
  readonly head: ReportHead;
  readonly span: Span;
  readonly timeZone: string;
  /** The earlier instant of the figures; `null` = now. */
  readonly asOf: Date | null;
  /** Where its files are, for people. */
  readonly directory: string;
  readonly lines: ReportLines;
  readonly openItems: OpenItems;
  /** Rows of the discrepancies file. */
  readonly discrepancies: number;
  /** Rows among them that take back a disagreement booked by a closed month, because both sides now count the same. */
  readonly resolved: number;
  /** Scans still `processing` although their transaction is settled: the vendor never decided them. */
  readonly undecided: bigint;
  /** Creations without an answer whose transaction, if there is one, may belong to the month. No file has them. */
  readonly possiblyCreated: number;
  readonly files: readonly DraftFile[];
  readonly manifest: DraftFile;
  readonly manifestText: string;
};

export type WriteOptions = {
  readonly folder: ReportFolder;
  readonly signal: AbortSignal | undefined;
  /** Blockers that the close was forced past. */
  readonly blockers?: Readonly<Record<string, number>> | undefined;
};

/**
 * Writes the files of a month from the snapshot that it was opened in, and checks that they balance. The files of a
 * closed month must equal those it was closed with. All files keep temporary names; after an error none is left behind.
 *
 * @throws LedgerError `report_unbalanced`, `closed_month_differs`, `storage_full`, `storage_failed`,
 * `database_unavailable`
 */
export async function writeFiles(
  snapshot: Snapshot,
  month: Month,
  { folder, signal, blockers }: WriteOptions,
): Promise<WrittenReport> {
  const { head, span, timeZone, asOf, close, sql, references } = month;
  expectNets(head.period, await month.chargedTwice());
  const { lines, minimum } = await month.totals();
  const openItems = await month.openItems();
  const drafts: DraftFile[] = [];
  const draft = async (name: string, chunks: AsyncIterable<Buffer> | Iterable<Buffer>): Promise<DraftFile> => {
    const file = await writeDraft(folder.drafts, name, chunks, signal);
    drafts.push(file);
    return file;
  };
  try {
    const currency = head.priceList?.currency ?? null;
    const referred = await referencesAt(snapshot.queries, asOf);
    const detailRows = detailQuery(sql.lines, head.period, currency, head.layout, referred);
    const detail = await draft(fileName(head, 'detail'), copiedCsv(snapshot, detailRows));
    await draft(fileName(head, 'summary'), csvStream(summaryColumns(head), summaryRows(lines)));
    if (kindsOf(head.layout).includes('references')) {
      const byReference = copiedCsv(snapshot, referencesQuery(sql.lines, head, referred));
      await draft(fileName(head, 'references'), referencesTallied(byReference, lines.summary, head));
    }
    await draft(fileName(head, 'codes'), csvStream(codesColumns(head), lines.codes));
    const disagreements = discrepanciesQuery(sql.disagreements, head.period);
    const { rows: discrepancies } = await draft(fileName(head, 'discrepancies'), copiedCsv(snapshot, disagreements));
    checkBalance(lines, detail, head.period);
    const files = [...drafts];
    if (close) expectSameBytes(files, close);
    const facts = { head, span, timeZone, asOf, directory: folder.place, lines, openItems, discrepancies, files };
    const bytes = close ? Buffer.from(close.manifest) : manifestOf({ ...facts, ...references, minimum, blockers });
    const manifest = await draft('manifest.json', [bytes]);
    const settled = await settledOf(snapshot, month, discrepancies);
    const possiblyCreated = await countPossiblyCreatedIn(snapshot.queries, span);
    return { ...facts, ...settled, possiblyCreated, manifest, manifestText: bytes.toString() };
  } catch (error) {
    await discardDrafts(drafts);
    throw error;
  }
}

/** Counts the resolved disagreements, and the scans that the vendor never decided. */
async function settledOf({ queries }: Snapshot, { sql }: Month, discrepancies: number) {
  const counts = discrepancies > 0 ? await countDisagreements(queries, sql.disagreements) : [];
  return {
    resolved: counts.reduce((sum, one) => sum + one.resolved, 0),
    undecided: -(counts.find(({ reason }) => reason === 'still_processing')?.difference ?? 0n),
  };
}

/** @throws LedgerError `closed_month_differs` */
function expectSameBytes(files: readonly DraftFile[], { period, manifest }: PeriodClose): void {
  const closed = (JSON.parse(manifest) as { files: { name: string; sha256: string }[] }).files;
  const differing = closed.filter(({ name, sha256 }) => files.find((file) => file.name === name)?.sha256 !== sha256);
  if (differing.length === 0 && closed.length === files.length) return;
  throw new LedgerError(
    'closed_month_differs',
    `The files of ${period} are not those it was closed with: ${differing.map(({ name }) => name).join(', ')}.`,
    {
      fields: { period, files: differing.length },
      hint: 'Nothing was published. The rows of a closed month were changed in the database, or this is a fault of the program: restore them from a backup, or report it with this message.',
    },
  );
}

/**
 * Refuses to publish or book lines that would charge for an attempt more or less than once over all reports.
 *
 * @throws LedgerError `report_unbalanced`
 */
export function expectNets(period: string, attempts: readonly UnbalancedAttempt[]): void {
  const [first] = attempts;
  if (!first) return;
  const named = attempts.map(
    ({ transactionId, taskType, ordinal, net }) => `${transactionId} ${taskType} ${ordinal}: ${net}`,
  );
  throw new LedgerError(
    'report_unbalanced',
    `With the report of ${period} the lines of some attempts would add up to neither 0 nor 1 over all months: ${named.join('; ')}.`,
    {
      fields: { period, transactionId: first.transactionId, taskType: first.taskType, attempt: first.ordinal },
      hint: 'Nothing was published. This is a fault of the program, or rows were changed by hand: idscan-ledger explain <transaction> shows the lines; please report it with this message.',
    },
  );
}

/** Checks `invoiced + not_invoiced + unclassified = attempts` in every file, and that the files agree. */
function checkBalance({ summary, codes, totals }: ReportLines, detail: DraftFile, period: string): void {
  const problems = imbalances(summary, totals);
  const inCodes = codes.reduce((sum, line) => sum + line.attempts, 0n);
  if (inCodes !== totals.attempts)
    problems.push(`the codes file has ${inCodes} attempts, the total is ${totals.attempts}`);
  if (BigInt(detail.rows) !== totals.lines)
    problems.push(`the detail file has ${detail.rows} rows, the total is ${totals.lines} lines`);
  if (problems.length === 0) return;
  throw new LedgerError('report_unbalanced', `The report of ${period} does not balance: ${problems.join('; ')}.`, {
    fields: { period, problems: problems.length },
    hint: 'Nothing was published. This is a fault of the program: please report it with this message.',
  });
}
