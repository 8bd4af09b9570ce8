import type { Readable } from 'node:stream';
import type { Queries } from '../db/database.ts';
import { copyCsv, type CsvQuery, detailQuery, discrepanciesQuery } from '../db/report-files.ts';
import type { OpenItems } from '../db/report-rows.ts';
import type { Dedicated, Snapshot } from '../db/snapshot.ts';
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
  readonly directory: string;
  readonly lines: ReportLines;
  readonly openItems: OpenItems;
  readonly discrepancies: number;
  readonly files: readonly DraftFile[];
};

export type DraftInput = Pick<DraftReport, 'head' | 'month' | 'directory'> & {
  readonly source: ReportSource;
  readonly signal: AbortSignal | undefined;
};

/** What a month's files say, added up. */
export type Figures = Pick<DraftReport, 'lines' | 'openItems'>;

/**
 * Writes the CSVs of a month from one snapshot and checks that they balance. While the detail file is copied, the
 * figures are added up beside it. Nothing carries a final name yet; if it fails, nothing is left behind.
 *
 * @param figuresOf adds up the figures, from the same snapshot.
 * @throws LedgerError `report_unbalanced`, `storage_full`, `storage_failed`, `database_unavailable`
 */
export async function draftFiles<F extends Figures>(
  snapshot: Snapshot,
  { source, signal, ...report }: DraftInput,
  figuresOf: (queries: Queries) => Promise<F>,
): Promise<DraftReport & F> {
  const { head, directory } = report;
  const drafts: DraftFile[] = [];
  const draft = async (name: string, chunks: AsyncIterable<Buffer> | Iterable<Buffer>): Promise<DraftFile> => {
    const file = await writeDraft(directory, name, chunks, signal);
    drafts.push(file);
    return file;
  };
  const detailOf = detailQuery(source.lines, head.period, head.priceList?.currency ?? null);
  const discrepanciesOf = discrepanciesQuery(source.disagreements, head.period);
  try {
    const [detail, { figures, discrepancies }] = await snapshot.both(
      (connection) => draft(fileName(head, 'detail'), copied(connection, detailOf)),
      async (connection) => ({
        figures: await figuresOf(connection.queries),
        discrepancies: await draft(fileName(head, 'discrepancies'), copied(connection, discrepanciesOf)),
      }),
    );
    const { lines } = figures;
    const summary = await draft(fileName(head, 'summary'), csvStream(summaryColumns(head), summaryRows(lines)));
    const codes = await draft(fileName(head, 'codes'), csvStream(codesColumns(head), lines.codes));
    checkBalance(lines, detail, head.period);
    const files = [detail, summary, codes, discrepancies];
    return { ...report, ...figures, discrepancies: discrepancies.rows, files };
  } catch (error) {
    await discardDrafts(drafts);
    throw error;
  }
}

async function* copied(connection: Dedicated, query: CsvQuery): AsyncGenerator<Buffer> {
  yield headerLine(query.headers);
  const source: Readable = copyCsv(connection, query);
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
  if (BigInt(detail.rows) !== totals.lines)
    problems.push(`the detail file has ${detail.rows} rows, the total is ${totals.lines} lines`);
  if (problems.length === 0) return;
  throw new LedgerError('report_unbalanced', `The report of ${period} does not balance: ${problems.join('; ')}.`, {
    fields: { period, problems: problems.length },
    hint: 'Nothing was published. This is a fault of the program: please report it with this message.',
  });
}
