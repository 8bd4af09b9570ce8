import { counted } from '../domain/wording.ts';
import { LedgerError } from '../errors.ts';
import { type MonthVerification, type ReportsVerification, verifyReports } from '../reports/verify-reports.ts';
import type { ReportStore } from '../reports/report-store.ts';
import { say, table } from './output.ts';
import type { ExitCode } from './run.ts';
import { reconciledText } from './verify-reconciliation.ts';
import { problemLines } from './verify-text.ts';

/** `verify <folder of months> [--json]` */
export async function verifyMonths(reports: ReportStore, periods: readonly string[], json: boolean): Promise<ExitCode> {
  const found = await verifyReports(reports, periods);
  const folder = reports.place;
  const { unbalanced, problemCount } = found;
  if (json) say(JSON.stringify(asJson(folder, found), null, 2));
  else if (problemCount === 0) say(...accountLines(folder, found));
  else say(...monthLines(found), '', ...problemLines(found));
  if (problemCount === 0) return 0;
  const attempts = unbalanced.length > 0 ? ` Over the months these do not add up: ${unbalanced.join('; ')}.` : '';
  throw new LedgerError(
    'verification_failed',
    `The reports in ${folder} are not as they were written: ${counted(problemCount, 'problem')}.${attempts}`,
    {
      hint: 'Do not book from the months named. Write a provisional month again (report): it may be older than the last close. Fetch the folder of a closed one again from where it was written, and verify that; if it fails there too, report it as a fault of the program.',
      fields: { problems: problemCount, attempts: unbalanced.join('; ') },
    },
  );
}

function asJson(folder: string, found: ReportsVerification): object {
  const { books } = found;
  return {
    verdict: found.problemCount === 0 ? 'proven' : 'failed',
    folder,
    months: found.months.map(({ period, found: month }) => ({
      period,
      verdict: month?.problemCount === 0 ? 'proven' : 'failed',
      period_status: month?.manifest?.period_status ?? null,
      version: month?.manifest?.version ?? null,
      manifest_sha256: month?.manifestSha256 ?? null,
      reconciliation_sha256: month?.reconciliation?.manifestSha256 ?? null,
      compared: found.compared.includes(period),
    })),
    disputes: found.disputes,
    compared: { attempts: books.attempts, lines: books.lines, unchecked_corrections: books.unchecked },
    unbalanced: found.unbalanced,
    problem_count: found.problemCount,
    problems: found.problems,
    notes: found.notes,
  };
}

function accountLines(folder: string, found: ReportsVerification): string[] {
  const { months, disputes, compared, books, notes } = found;
  const reports = months.filter(({ found: month }) => month?.manifest).length;
  return [
    `Proven: ${counted(reports, 'report')} in ${folder}, each as it was written and following from its detail file.`,
    '',
    ...monthLines(found),
    ...months.flatMap(({ found: month }) => (month?.reconciliation ? [reconciledText(month.reconciliation)] : [])),
    '',
    compared.length === 0
      ? 'No month is closed: there is nothing that the months could be compared by.'
      : `Together (${compared.join(', ')}): ${counted(books.lines, 'line')} of ${counted(books.attempts, 'attempt')}, each of which adds up to 0 or 1 after every month.`,
    ...(disputes.length === 0 ? [] : [`${disputes.join(', ')}: as written, adding up to the credit that is expected.`]),
    ...notes.map((note) => `Note: ${note}`),
    '',
    'Compare each sha256 with a copy kept elsewhere: it changes if somebody changes the files together with the manifest.',
  ];
}

const monthLines = ({ months }: ReportsVerification): string[] =>
  table(['month', 'status', 'attempts', 'total', 'verdict', 'sha256 of manifest.json'], months.map(monthRow), [2, 3]);

function monthRow({ period, found }: MonthVerification): string[] {
  const manifest = found?.manifest;
  const totals = manifest?.control_totals;
  return [
    period,
    manifest?.period_status ?? (found?.manifestSha256 === null ? 'no report' : 'unknown'),
    String(totals?.attempts ?? ''),
    totals?.amount ? `${totals.amount} ${totals.currency ?? ''}`.trimEnd() : '',
    found?.problemCount === 0 ? 'proven' : 'failed',
    found?.manifestSha256 ?? '',
  ];
}
