import { composeBooks } from '../compose/books.ts';
import { custodyStatus, type CustodyStatus } from '../db/erasure-receipts.ts';
import { readWorkers } from '../db/heartbeats.ts';
import { readStatus, type Status } from '../db/status.ts';
import { retentionStatus, type RetentionStatus } from '../db/retention.ts';
import { reportRuns, type ReportRun } from '../db/report-runs.ts';
import { counted } from '../domain/wording.ts';
import { type Context, isStoreWanted } from '../jobs/context.ts';
import { errorTable, isErrorCode } from '../error-table.ts';
import { instant, say, table } from './output.ts';
import type { CommandInput, ExitCode } from './run.ts';

const dayMs = 86_400_000;

type Workers = Awaited<ReturnType<typeof readWorkers>>;

/** `status [--json]` */
export async function status({ json }: { json: boolean }, { config }: CommandInput): Promise<ExitCode> {
  const { context, close } = await composeBooks(config);
  try {
    const now = await readStatus(context.db.kysely);
    const workers = await readWorkers(context.db.kysely);
    const reports = await reportRuns(context.db.kysely);
    const custody = await custodyStatus(context.db.kysely);
    const retention = await retentionOf(context);
    if (json) say(JSON.stringify({ ...now, workers: workers.alive, reports, custody, retention }, null, 2));
    else
      say(
        ...statusLines(now, workersLine(workers), reports, isStoreWanted(config)),
        ...custodyLines(custody, retention),
      );
    return 0;
  } finally {
    await close();
  }
}

/** Of the kinds of files that have a retention. */
async function retentionOf({ db, config, now }: Context): Promise<RetentionStatus[]> {
  const statuses: RetentionStatus[] = [];
  for (const kind of ['document', 'audit_report'] as const) {
    const days = config.custody.retentionDays[kind];
    if (days === undefined) continue;
    statuses.push(await retentionStatus(db.kysely, kind, new Date(now().getTime() - days * dayMs)));
  }
  return statuses;
}

function workersLine({ alive, lastSeenAt }: Workers): string {
  if (alive.length === 0) return `none runs${lastSeenAt ? `, the last one was seen ${instant(lastSeenAt)}` : ''}`;
  const jobs = alive.reduce((sum, { activeJobs }) => sum + activeJobs, 0);
  const cut = alive.filter(({ redisUsable }) => !redisUsable).length;
  const codes = [...new Set(alive.flatMap(({ storeErrorCode }) => storeErrorCode ?? []))];
  const storeless = alive.filter(({ storeErrorCode }) => storeErrorCode !== null).length;
  return [
    `${alive.length} alive, ${counted(jobs, 'job')} under way`,
    ...(cut > 0 ? [`${cut} cannot use Redis`] : []),
    ...(storeless > 0 ? [`${storeless} cannot use the document store, files wait (${codes.join(', ')})`] : []),
  ].join('; ');
}

function statusLines(now: Status, workers: string, reports: readonly ReportRun[], areFilesWanted: boolean): string[] {
  const { transactions, attempts, oldestOpen } = now;
  const lines = [
    `Transactions: ${transactions.total} registered, ${transactions.fetched} fetched, ${transactions.settled} settled` +
      (transactions.withdrawn > 0 ? `, ${transactions.withdrawn} withdrawn` : ''),
    `Attempts:     ${attempts.total}, of which ${attempts.unclassified} unclassified`,
    `Workers:      ${workers}`,
    '',
    ...table(
      ['work', 'state', 'count', 'oldest since'],
      now.obligations.map(({ kind, state, count, oldestAt }) => [kind, state, String(count), instant(oldestAt)]),
      [2],
    ),
  ];
  if (oldestOpen)
    lines.push(
      '',
      `Oldest open:  ${oldestOpen.kind} of ${oldestOpen.transactionId}, since ${instant(oldestOpen.since)}, due ${instant(oldestOpen.dueAt)}, ` +
        `${counted(oldestOpen.attemptsMade, 'attempt')} made${oldestOpen.lastErrorCode === null ? '' : `, last error ${oldestOpen.lastErrorCode}`}`,
    );
  const section = (title: string, rows: readonly (readonly [string, string, number, string?])[]) => {
    if (rows.length > 0)
      lines.push(
        '',
        `${title}:`,
        ...table(
          ['', '', '', ''],
          rows.map(([a, b, n, remark = '']) => [`  ${a}`, b, String(n), remark]),
          [2],
        ).slice(1),
      );
  };
  section(
    'Failed (reprocess --failed, or --code CODE)',
    now.failed.map(({ kind, code, count }) => [kind, code, count, hintOf(code)]),
  );
  section(
    'Being retried',
    now.retrying.map(({ kind, code, count }) => [kind, code, count, hintOf(code)]),
  );
  section(
    'Unclassified',
    now.unclassifiedCodes.map(({ taskType, code, count }) => [taskType, code ?? 'success', count]),
  );
  section(
    'Files',
    now.files.map(({ kind, state, count }) => [kind, state, count]),
  );
  lines.push(...unansweredLines(now));
  lines.push(...amissLines(now));
  if (areFilesWanted) lines.push(...missingLines(now));
  if (hasOnlyMissingAuditReports(now))
    lines.push('', 'No audit report was found at all: check IDSCAN_AUDIT_REPORT_PATH, its default is an assumption.');
  if (reports.length > 0)
    lines.push(
      '',
      ...table(
        ['report', 'written', 'requested', 'last error'],
        reports.map((run) => [
          run.period,
          run.finishedAt ? instant(run.finishedAt) : 'never',
          run.dueAt ? instant(run.dueAt) : '',
          run.lastErrorCode ?? '',
        ]),
      ),
    );
  return lines;
}

function custodyLines(
  { closed, held, nextDestroyAt, clear, onRetired }: CustodyStatus,
  retention: readonly RetentionStatus[],
): string[] {
  const lines = [
    ...(closed > 0
      ? [
          `Documents to be erased: those of ${counted(closed, 'transaction')}, ${held} held; ${nextDestroyAt === null ? 'none is due' : `the next ${instant(nextDestroyAt)}`}.`,
        ]
      : []),
    ...retention.map(
      ({ kind, overdue, destroyed }) =>
        `Retention of ${kind === 'document' ? 'documents' : 'audit reports'}: ${counted(destroyed, 'file')} destroyed, those of ${counted(overdue, 'transaction')} overdue.`,
    ),
    ...(clear > 0 ? [`Documents in the clear: ${clear}, of an earlier version. Workers encrypt them.`] : []),
    ...(onRetired > 0 ? [`Document keys on a retired master: ${onRetired}. Run documents rotate again.`] : []),
  ];
  return lines.length === 0 ? [] : ['', ...lines];
}

const hintOf = (code: string): string => (isErrorCode(code) ? errorTable[code].hint.replaceAll('`', '') : '');

const mostUnanswered = 20;

/** Only a person can find out whether they exist. */
function unansweredLines({ possiblyCreated, possiblyCreatedTotal: total, creationsUnderWay }: Status): string[] {
  const underWay =
    creationsUnderWay === 0
      ? []
      : [
          '',
          `Being created: ${counted(creationsUnderWay, 'transaction')}. What has no answer two minutes after it was asked for is listed here.`,
        ];
  if (total === 0) return underWay;
  return [
    ...underWay,
    '',
    `Possibly created: ${counted(total, 'transaction')} asked for, and the answer never came. Ask the vendor, then: transactions resolve`,
    ...table(
      ['  creation', 'asked', 'reference', 'last error'],
      possiblyCreated
        .slice(0, mostUnanswered)
        .map(({ id, askedAt, reference, errorCode }) => [
          `  ${id}`,
          instant(askedAt),
          reference ?? '',
          errorCode ?? '',
        ]),
    ),
    ...(total > mostUnanswered ? [`  and ${total - mostUnanswered} more`] : []),
  ];
}

/** Lost or damaged files get lines of their own: they matter more than other rows. */
function amissLines({ filesAmiss }: Status): string[] {
  if (filesAmiss.length === 0) return [];
  const of = (state: 'lost' | 'damaged') =>
    filesAmiss.filter((one) => one.state === state).reduce((sum, one) => sum + one.count, 0);
  const gone = filesAmiss.reduce((sum, one) => sum + one.notAtVendor, 0);
  return [
    '',
    `Files lost or damaged: ${of('lost')} lost, ${of('damaged')} damaged${gone === 0 ? '' : `; the vendor no longer has ${gone} of them`}.`,
    'Fetch again what the vendor still has: npx idscan-ledger documents verify --repair',
  ];
}

function missingLines({ transactions: { missingResultId } }: Status): string[] {
  if (missingResultId === 0) return [];
  return [
    '',
    `Files not fetched: ${counted(missingResultId, 'completed transaction')} ${missingResultId === 1 ? 'has' : 'have'} no result ID.`,
    'Enqueue each again with it: npx idscan-ledger enqueue <transactionId> <resultId>; docs/operations.md says how to list them.',
  ];
}

function hasOnlyMissingAuditReports({ files }: Status): boolean {
  const ofReports = files.filter(({ kind }) => kind === 'audit_report');
  return ofReports.length > 0 && ofReports.every(({ state }) => state === 'gone');
}
