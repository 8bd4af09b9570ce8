import type { Readable } from 'node:stream';
import type { UnbalancedAttempt } from '../db/attempt-nets.ts';
import { copyCsv, type CsvQuery, detailQuery, discrepanciesQuery } from '../db/report-files.ts';
import { countDisagreements } from '../db/month-figures.ts';
import type { OpenItems } from '../db/report-rows.ts';
import type { Snapshot } from '../db/snapshot.ts';
import type { Span } from '../domain/billing-month.ts';
import { imbalances, type ReportLines } from '../domain/report-lines.ts';
import { LedgerError } from '../errors.ts';
import { csvStream, headerLine, toCrlf } from '../reports/csv.ts';
import { codesColumns, fileName, type ReportHead, summaryColumns, summaryRows } from '../reports/files.ts';
import { type DraftFile, discardDrafts, writeDraft } from '../reports/publish.ts';
import type { ReportSource } from './report-source.ts';

/** A month's report, its files written whole under temporary names. */
export type DraftReport = {
  readonly head: ReportHead;
  readonly month: Span;
  /** The zone that the month comes from; of a closed one, as the close kept it. */
  readonly timeZone: string;
  /** The earlier instant that the figures are of; `null` = the present. */
  readonly asOf: Date | null;
  readonly directory: string;
  readonly lines: ReportLines;
  readonly openItems: OpenItems;
  /** Rows of the file of disagreements. */
  readonly discrepancies: number;
  /** Those of them that take back what closed months booked: both count the same now. */
  readonly resolved: number;
  /** Scans that are `processing` although their transaction is settled: the vendor never decided them. */
  readonly undecided: bigint;
  readonly files: readonly DraftFile[];
};

export type DraftInput = Omit<DraftReport, 'discrepancies' | 'resolved' | 'undecided' | 'files'> & {
  readonly source: ReportSource;
  readonly signal: AbortSignal | undefined;
};

/**
 * Writes the CSVs of a month from one snapshot and checks that they balance. Nothing carries a final name yet; if it
 * fails, nothing is left behind.
 *
 * @throws LedgerError `report_unbalanced`, `storage_full`, `storage_failed`, `database_unavailable`
 */
export async function draftFiles(snapshot: Snapshot, { source, signal, ...report }: DraftInput): Promise<DraftReport> {
  const { head, directory, lines } = report;
  const files: DraftFile[] = [];
  const draft = async (name: string, chunks: AsyncIterable<Buffer> | Iterable<Buffer>): Promise<DraftFile> => {
    const file = await writeDraft(directory, name, chunks, signal);
    files.push(file);
    return file;
  };
  try {
    const detail = detailQuery(source.lines, head.period, head.priceList?.currency ?? null, head.layout);
    const detailFile = await draft(fileName(head, 'detail'), copied(snapshot, detail));
    await draft(fileName(head, 'summary'), csvStream(summaryColumns(head), summaryRows(lines)));
    await draft(fileName(head, 'codes'), csvStream(codesColumns(head), lines.codes));
    const query = discrepanciesQuery(source.disagreements, head.period);
    const discrepancies = (await draft(fileName(head, 'discrepancies'), copied(snapshot, query))).rows;
    checkBalance(lines, detailFile, head.period);
    const counts = discrepancies > 0 ? await countDisagreements(snapshot.queries, source.disagreements) : [];
    const resolved = counts.reduce((sum, one) => sum + one.resolved, 0);
    const undecided = -(counts.find(({ reason }) => reason === 'still_processing')?.difference ?? 0n);
    return { ...report, discrepancies, resolved, undecided, files };
  } catch (error) {
    await discardDrafts(files);
    throw error;
  }
}

async function* copied(snapshot: Snapshot, query: CsvQuery): AsyncGenerator<Buffer> {
  yield headerLine(query.headers);
  const source: Readable = copyCsv(snapshot, query);
  const converted = source.pipe(toCrlf());
  source.once('error', (error) => converted.destroy(error));
  for await (const chunk of converted) yield chunk as Buffer;
}

/**
 * Refuses to publish or book what charges for an attempt more or less than once over all reports.
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

/** `invoiced + not_invoiced + unclassified = attempts`, in every file and between them. */
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
