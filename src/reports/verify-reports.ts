import { nextPeriod } from '../domain/billing-month.ts';
import { counted, form } from '../domain/wording.ts';
import { LedgerError } from '../errors.ts';
import { reportsAt } from './folder-reports.ts';
import { csvName, manifestName } from './names.ts';
import { reconciliationManifestName } from './reconciliation-files.ts';
import { notThere, type ReportStore } from './report-store.ts';
import { type BooksFound, booksChecker } from './verify/books.ts';
import { disputeManifestName } from './dispute/files.ts';
import { verifyDispute } from './verify/dispute.ts';
import { statusOf } from './verify/manifest.ts';
import { mergeRows } from './verify/merge.ts';
import { Problems, type Problem } from './verify/problems.ts';
import { streamRows } from './verify/reading.ts';
import { type Verification, verifyFolder } from './verify.ts';

/** The result for a month's folder; `undefined` = it could not be verified. */
export type MonthVerification = { readonly period: string; readonly found: Verification | undefined };

/** The result for a folder of months. No problems = every month is proven by itself and together with the others. */
export type ReportsVerification = {
  readonly months: readonly MonthVerification[];
  /** Closed months with their corrections, each proven by itself. */
  readonly restated: readonly MonthVerification[];
  /** Folders of disputes, each proven by itself. */
  readonly disputes: readonly string[];
  readonly problems: readonly Problem[];
  readonly problemCount: number;
  readonly notes: readonly string[];
  /** The first attempts whose lines do not add up to 0 or 1 or do not match what was booked. */
  readonly unbalanced: readonly string[];
  /** The months that were compared with each other, and the result. */
  readonly compared: readonly string[];
  readonly books: BooksFound;
};

const monthName = /^2\d{3}-(?:0[1-9]|1[0-2])$/;
const disputeFolderName = /^(2\d{3}-(?:0[1-9]|1[0-2]))-dispute$/;
const restatedName = /^(2\d{3}-(?:0[1-9]|1[0-2]))-restated$/;

/** The folders of months in a folder, in order. Empty if the folder is itself a month's, or does not exist. */
export async function monthsIn(where: string | ReportStore): Promise<string[]> {
  const reports = reportsAt(where);
  const entries = (await reports.folder('').list().catch(notThere)) ?? [];
  if (entries.some(({ name }) => name === manifestName)) return [];
  const folders = (await reports.folders().catch(notThere)) ?? [];
  return folders.filter((name) => monthName.test(name)).sort();
}

/**
 * Verifies every month in a folder and all of them together: after each month, in the order of closing, the lines of
 * every attempt add up to 0 or 1. Of the open months only the one after the last closed one is compared, because it has
 * the corrections. Memory grows with the number of months, not of lines.
 *
 * @param where a folder of this machine, or a store.
 * @throws LedgerError `verification_impossible` if nothing in it can be verified; `storage_failed` if the store cannot be
 * asked.
 */
export async function verifyReports(
  where: string | ReportStore,
  periods: readonly string[],
): Promise<ReportsVerification> {
  const folder = reportsAt(where);
  const problems = new Problems();
  const notes: string[] = [];
  const months: MonthVerification[] = [];
  for (const period of periods) months.push(await verifyMonth(folder, { name: period, period }, problems, notes));
  const restated: MonthVerification[] = [];
  for (const one of await foldersIn(folder, restatedName))
    restated.push(await verifyMonth(folder, one, problems, notes));
  const disputes = await foldersIn(folder, disputeFolderName);
  for (const one of disputes) await verifyDisputeIn(folder, one, problems, notes);
  if (!months.some(({ found }) => found))
    throw new LedgerError('verification_impossible', `None of the months in ${folder.place} can be verified.`, {
      hint: 'Give a folder that holds the folders of months, such as reports, or the folder of a month.',
    });
  checkGaps(months, problems);
  const comparable = comparableMonths(months, notes);
  const { books, unbalanced } = await compareMonths(folder, comparable, problems);
  if (books.unchecked > 0)
    notes.push(
      `${counted(books.unchecked, 'correction is', 'corrections are')} of months that are not here (${[...books.uncheckedMonths].sort().join(', ')}) or could not be compared: what ${form(books.unchecked, 'it takes', 'they take')} back or ${form(books.unchecked, 'replaces', 'replace')} was not checked.`,
    );
  checkBounds(comparable, problems);
  const compared = comparable.map(({ period }) => period);
  return {
    months,
    restated,
    disputes: disputes.map(({ name }) => name),
    problems: problems.list,
    problemCount: problems.count,
    notes,
    unbalanced,
    compared,
    books,
  };
}

/** Folders of a month beside its own, which are no part of the sums of months. */
async function foldersIn(folder: ReportStore, pattern: RegExp): Promise<{ name: string; period: string }[]> {
  return (await folder.folders())
    .flatMap((name) => {
      const period = pattern.exec(name)?.[1];
      return period === undefined ? [] : [{ name, period }];
    })
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

async function verifyDisputeIn(
  folder: ReportStore,
  { name, period }: { readonly name: string; readonly period: string },
  problems: Problems,
  notes: string[],
): Promise<void> {
  try {
    const found = await verifyDispute(folder.folder(name));
    if (found.manifest && found.manifest.period !== period)
      problems.add(`${name}/${disputeManifestName}`, `is of ${found.manifest.period}`, { column: 'period' });
    addAll(found, name, problems, notes);
  } catch (error) {
    if (!(error instanceof LedgerError) || error.code !== 'verification_impossible') throw error;
    problems.add(name, `cannot be verified: ${error.message}`);
  }
}

/** Adds what was found in a folder, under its name. */
function addAll(
  found: Pick<Verification, 'problems' | 'problemCount' | 'notes'>,
  name: string,
  problems: Problems,
  notes: string[],
): void {
  for (const { file, problem, row, column } of found.problems)
    problems.add(`${name}/${file}`, problem, { row, column });
  problems.count += found.problemCount - found.problems.length;
  notes.push(...found.notes.map((note) => `${name}/${note}`));
}

async function verifyMonth(
  folder: ReportStore,
  { name, period }: { readonly name: string; readonly period: string },
  problems: Problems,
  notes: string[],
): Promise<MonthVerification> {
  try {
    const found = await verifyFolder(folder.folder(name));
    if (found.manifest && found.manifest.period !== period)
      problems.add(`${name}/${manifestName}`, `is of ${found.manifest.period}`, { column: 'period' });
    if (found.manifest && (found.manifest.period_status === 'restated') !== (name !== period))
      problems.add(`${name}/${manifestName}`, `is ${found.manifest.period_status}, which its folder is not for`, {
        column: 'period_status',
      });
    const alone = found.manifest ? undefined : found.reconciliation?.manifest;
    if (alone && (name !== period || alone.period !== period))
      problems.add(`${name}/${reconciliationManifestName}`, `is of ${alone.period}`, { column: 'period' });
    addAll(found, name, problems, notes);
    return { period, found };
  } catch (error) {
    if (!(error instanceof LedgerError) || error.code !== 'verification_impossible') throw error;
    problems.add(name, `cannot be verified: ${error.message}`);
    return { period, found: undefined };
  }
}

const isClosed = ({ found }: MonthVerification): boolean => found?.manifest?.period_status === 'closed';

/** Months are closed in order, so there is no gap between closed months. */
function checkGaps(months: readonly MonthVerification[], problems: Problems): void {
  const [first, ...rest] = months.filter(isClosed).map(({ period }) => period);
  let expected = first && nextPeriod(first);
  for (const period of rest) {
    for (; expected !== undefined && expected < period; expected = nextPeriod(expected)) {
      const isHere = months.some((month) => month.period === expected);
      problems.add(
        expected,
        `is ${isHere ? 'not closed' : 'missing'}, but ${period} is closed: months are closed in order`,
      );
    }
    expected = nextPeriod(period);
  }
}

/** A month begins where the previous one ends, so that every attempt is in exactly one. */
function checkBounds(months: readonly MonthVerification[], problems: Problems): void {
  for (const [index, { period, found }] of months.entries()) {
    const before = months[index - 1];
    const [end, start] = [before?.found?.manifest?.bounds.end, found?.manifest?.bounds.start];
    if (before && nextPeriod(before.period) === period && end !== start)
      problems.add(`${period}/${manifestName}`, `bounds: it begins ${start}, but ${before.period} ends ${end}`, {
        column: 'bounds',
      });
  }
}

/** The closed months, and the open one after them. */
function comparableMonths(months: readonly MonthVerification[], notes: string[]): MonthVerification[] {
  const last = months.findLast(isClosed)?.period;
  const isOpenNext = ({ period, found }: MonthVerification): boolean =>
    last !== undefined && nextPeriod(last) === period && found?.manifest?.as_of === null;
  return months.filter((month) => {
    const { period, found } = month;
    if (!found?.manifest) return false;
    if (!isClosed(month) && !isOpenNext(month)) {
      notes.push(
        `${period} is provisional and was verified by itself: only the open month after closed ones is compared with them.`,
      );
      return false;
    }
    if (!found.isDetailInOrder || found.manifest.period !== period) {
      notes.push(
        `${period} cannot be compared with the other months: its detail file cannot be read in full or is out of order.`,
      );
      return false;
    }
    return true;
  });
}

const mostNamed = 5;

async function compareMonths(
  folder: ReportStore,
  months: readonly MonthVerification[],
  problems: Problems,
): Promise<{ books: BooksFound; unbalanced: string[] }> {
  const files = months.flatMap(({ period, found }) =>
    found?.manifest && found.manifestSha256 !== null
      ? [{ period, name: csvName(period, statusOf(found.manifest), 'detail'), sha256: found.manifestSha256 }]
      : [],
  );
  const unbalanced = new Set<string>();
  const checker = booksChecker(
    files.map(({ period }) => period),
    (month, row, key, problem) => {
      if (unbalanced.size < mostNamed) unbalanced.add(`${key[0]}, ${key[1]} attempt ${key[2]}`);
      const { period, name } = files[month] ?? { period: '', name: '' };
      problems.add(`${period}/${name}`, problem, { row: row.line, column: 'quantity' });
    },
  );
  const rows = files.map(({ period, name, sha256 }) =>
    streamRows({ files: folder.folder(period).filesOf(manifestName, sha256), name, kind: 'detail' }),
  );
  const broken = await mergeRows(rows, checker.row);
  if (broken !== undefined)
    throw new LedgerError('verification_impossible', `${files[broken]?.name} was changed while it was read.`, {
      hint: 'Verify the folder again when nothing is writing to it.',
    });
  return { books: checker.found, unbalanced: [...unbalanced] };
}
