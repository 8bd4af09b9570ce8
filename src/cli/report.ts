import { composeBooks } from '../compose/books.ts';
import type { Database } from '../db/database.ts';
import { firstRegisteredAt } from '../db/report-rows.ts';
import { requestReport, withReportLock } from '../db/report-runs.ts';
import { isCalendarDate, isPeriod } from '../domain/billing-month.ts';
import { counted } from '../domain/wording.ts';
import { LedgerError } from '../errors.ts';
import { type Moved, movedSinceReconciled } from '../jobs/reconcile/books-moved.ts';
import type { WrittenReport } from '../jobs/month/write-files.ts';
import { writeReport } from '../jobs/month/write-report.ts';
import { type WrittenDialect, writeDialects } from '../reports/dialects.ts';
import { money } from '../reports/files.ts';
import type { DialectName } from '../reports/names.ts';
import { remark, say } from './output.ts';
import { reportText } from './report-text.ts';
import { type CommandInput, type ExitCode, usageError } from './run.ts';

export type ReportOptions = {
  readonly json: boolean;
  readonly enqueue: boolean;
  readonly dialect: readonly DialectName[];
  readonly restated: boolean;
  readonly asOf?: string;
};

/** `report <YYYY-MM> [--json] [--enqueue] [--dialect names] [--restated | --as-of <instant>]` */
export async function report(
  period: string,
  { json, enqueue, dialect: dialects, restated: isRestated, asOf }: ReportOptions,
  input: CommandInput,
): Promise<ExitCode> {
  if (!isPeriod(period)) throw usageError(`${period} is not a month.`, 'Write it as YYYY-MM, such as 2026-10.');
  const at = asOf === undefined ? undefined : instantGiven(asOf);
  if (enqueue && (dialects.length > 0 || at || isRestated))
    throw usageError(
      'A worker makes no copies for spreadsheets, no restated months and no earlier states.',
      'Leave out --enqueue, or --dialect, --restated and --as-of.',
    );
  if (at && isRestated) throw usageError('A month is restated as it is now.', 'Leave out --as-of, or --restated.');
  if (dialects.length > 0 && input.config.reports)
    throw usageError(
      'Copies for spreadsheets are not written to S3 (REPORTS_URL).',
      'The service makes them when they are downloaded, on the page of the month.',
    );
  if (enqueue) return enqueueReport(period, input);
  const { context, close } = await composeBooks(input.config);
  try {
    const written = await writeReport(context, period, { asOf: at ?? null, isRestated, signal: input.signal });
    const copies = dialects.length > 0 ? await copyReport(context.db, written, dialects, input.signal) : [];
    if (json) say(asJson(written, copies));
    else {
      const booksBegan = at ? await firstRegisteredAt(context.db.kysely) : undefined;
      const moved = await movedSinceReconciled(context, written);
      say(
        ...reportText(written, { now: context.now(), booksBegan }),
        ...copyLines(copies),
        ...movedLines(written, moved),
      );
    }
    return 0;
  } finally {
    await close();
  }
}

const instantPattern = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?(Z|[+-]\d{2}:\d{2})$/;

function instantGiven(text: string): Date {
  const at = new Date(text);
  if (instantPattern.test(text) && isCalendarDate(text.slice(0, 10)) && !Number.isNaN(at.getTime())) return at;
  throw usageError(
    `${text} is not an instant.`,
    'Write it with its offset, such as 2026-11-03T09:00:00Z or 2026-11-03T10:00+01:00.',
  );
}

async function enqueueReport(period: string, { config }: CommandInput): Promise<ExitCode> {
  const { composeQueues } = await import('../compose/queues.ts');
  const { context, close } = await composeQueues(config, { notice: remark });
  try {
    const generation = await requestReport(context.db.kysely, period, 'command_line', 0);
    await context.queues.wakeReport({ period, generation }).catch((error: unknown) => {
      if (!(error instanceof LedgerError) || error.code !== 'queue_unavailable') throw error;
      remark(`${error.message} The request is committed, and a worker finds it once Redis is back.`);
    });
    say(`The report of ${period} is requested; a worker writes it.`);
    return 0;
  } finally {
    await close();
  }
}

/** Holds the month's lock, so that no worker publishes other files meanwhile. */
async function copyReport(
  db: Database,
  { head, directory, manifest }: WrittenReport,
  dialects: readonly DialectName[],
  signal: AbortSignal,
): Promise<WrittenDialect[]> {
  const copies = await withReportLock(db, head.period, () => writeDialects(directory, manifest, dialects, signal));
  if (copies) return copies;
  throw new LedgerError('report_busy', `Another process is writing the report of ${head.period}.`, {
    fields: { period: head.period },
    hint: 'The report was written, the copies for spreadsheets were not: run the command again.',
  });
}

/** The manifest of a report, for a program. */
export function asJson(
  { directory, manifest, manifestText, possiblyCreated }: WrittenReport,
  copies: readonly WrittenDialect[] = [],
): string {
  const content = JSON.parse(manifestText) as object;
  const dialects = copies.map((copy) => ({
    dialect: copy.dialect,
    manifest: copy.manifest.name,
    manifest_sha256: copy.manifest.sha256,
    files: copy.files.map(({ name }) => name),
  }));
  return JSON.stringify(
    {
      directory,
      manifest_sha256: manifest.sha256,
      possibly_created: possiblyCreated,
      ...(copies.length > 0 ? { dialects } : {}),
      ...content,
    },
    null,
    2,
  );
}

const copyLines = (copies: readonly WrittenDialect[]): string[] =>
  copies.flatMap(({ dialect, files, manifest }) => [
    `Copies for ${dialect}:`,
    ...[...files, manifest].map(({ name, bytes }) => `  ${name}  ${counted(bytes, 'byte')}`),
  ]);

const movedLines = ({ head }: WrittenReport, moved: Moved | undefined): string[] =>
  moved
    ? [
        `The books moved since they were reconciled: ${money(moved.before, head.priceList) ?? ''} then, ${money(moved.now, head.priceList) ?? ''} now. Reconcile again: npx idscan-ledger reconcile ${head.period}`,
      ]
    : [];
