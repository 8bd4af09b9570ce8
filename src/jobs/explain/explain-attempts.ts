import { bookedLines, type LineRow, linesOfTransaction } from '../../db/explain-lines.ts';
import type { AttemptRow } from '../../db/explain.ts';
import type { Queries } from '../../db/database.ts';
import { hasLateChanges } from '../../db/late-changes.ts';
import type { PeriodClose } from '../../db/period-closes.ts';
import { monthBounds, nextPeriod, periodOf } from '../../domain/billing-month.ts';
import { classify } from '../../domain/classify.ts';
import { inForceAt } from '../../domain/effective-dates.ts';
import { evidenceMeaning, timeBasisMeaning } from '../../domain/wording.ts';
import type { Context } from '../context.ts';
import { type Archive, explainBooked, explainDecision, explainProvisional } from './explain-lines.ts';
import type * as Explained from './explanation.ts';
import { openMonth } from '../month/month.ts';

/** A line, and the attempt that it is for. */
export type Line = { readonly taskType: string; readonly ordinal: number; readonly line: Explained.ExplainedLine };
const keyOf = ({ taskType, ordinal }: Pick<Line, 'taskType' | 'ordinal'>): string => `${ordinal} ${taskType}`;
const attemptOf = (row: LineRow) => ({ taskType: row.task_type, ordinal: row.ordinal });

/** The lines that reports of open months have now: ordinary ones, and corrections of closed months. */
export async function provisionalLines(
  context: Context,
  queries: Queries,
  archive: Archive,
  { transactionId, attempts }: { transactionId: string; attempts: readonly AttemptRow[] },
): Promise<Line[]> {
  const { closes } = archive;
  const last = closes.at(-1);
  const periods = new Set(
    attempts
      .map((attempt) => monthOf(context, closes, attempt.attemptedAt))
      .filter(({ state }) => state === 'open')
      .map(({ period }) => period),
  );
  // Late changes of other transactions can change the price of this one's attempts.
  if (last && (await hasLateChanges(queries, null))) periods.add(nextPeriod(last.period));
  const lines: Line[] = [];
  for (const period of [...periods].sort()) {
    const { sql } = await openMonth(context, queries, period, closes);
    for (const row of await linesOfTransaction(queries, sql.lines, transactionId))
      lines.push({ ...attemptOf(row), line: await explainProvisional(archive, row, period) });
  }
  return lines;
}

function monthOf(
  { config }: Pick<Context, 'config'>,
  closes: readonly PeriodClose[],
  at: Date,
): Explained.ExplainedMonth {
  const closed = closes.find(({ start, end }) => start <= at && at < end);
  if (closed) {
    const { period, start, end, timeZone } = closed;
    return { period, start, end, timeZone, state: 'closed' };
  }
  const { billingTimeZone: timeZone } = config;
  const period = periodOf(at, timeZone);
  const isPassed = closes.some((close) => period <= close.period);
  return { period, ...monthBounds(period, timeZone), timeZone, state: isPassed ? 'passed_over' : 'open' };
}

/** Each attempt as it stands, with all its lines. */
export async function explainAttempts(
  context: Context,
  queries: Queries,
  archive: Archive,
  of: { transactionId: string; attempts: readonly AttemptRow[]; provisional: readonly Line[] },
): Promise<Explained.ExplainedAttempt[]> {
  const booked: Line[] = [];
  for (const row of await bookedLines(queries, of.transactionId))
    booked.push({ ...attemptOf(row), line: await explainBooked(archive, row) });
  const lines = [...booked, ...of.provisional];
  const all = new Map([...of.attempts, ...lines].map((one) => [keyOf(one), one]));
  const explained: Explained.ExplainedAttempt[] = [];
  for (const [key, { taskType, ordinal }] of all) {
    const row = of.attempts.find((one) => keyOf(one) === key);
    explained.push({
      taskType,
      ordinal,
      present: row ? await presentAttempt(context, archive, row) : null,
      lines: lines.filter((one) => keyOf(one) === key).map(({ line }) => line),
    });
  }
  return explained.sort((a, b) =>
    a.taskType === b.taskType ? a.ordinal - b.ordinal : a.taskType < b.taskType ? -1 : 1,
  );
}

async function presentAttempt(context: Context, archive: Archive, row: AttemptRow): Promise<Explained.PresentAttempt> {
  const { attemptedAt, timeBasis, evidence, code, linked, captureSource, firstSeenAt, taskType } = row;
  const due = classify(row, inForceAt(context.rules.content, attemptedAt, context.config.billingTimeZone));
  const isSame =
    due.invoiced === row.invoiced && due.reason === row.reason && due.ruleTableVersion === row.ruleTableVersion;
  return {
    attemptedAt,
    timeBasis,
    timeBasisMeaning: timeBasisMeaning[timeBasis],
    evidence,
    evidenceMeaning: evidenceMeaning[evidence],
    code,
    linked,
    captureSource,
    firstSeenAt,
    decision: await explainDecision(archive, row),
    decisionDue: isSame ? null : await explainDecision(archive, { ...due, taskType, code }),
    month: monthOf(context, archive.closes, attemptedAt),
  };
}

/** What is wrong with an attempt and its lines. */
export function problemsOf({
  taskType,
  ordinal,
  present,
  lines,
}: Explained.ExplainedAttempt): Explained.ExplainedProblem[] {
  const name = `${taskType} attempt ${ordinal}`;
  const problems: Explained.ExplainedProblem[] = [];
  if (present?.decisionDue)
    problems.push({
      code: 'decision_due',
      message: `${name}: the rules loaded now decide differently; the next report decides by them.`,
    });
  const balance = lines.reduce((sum, { quantity }) => sum + quantity, 0);
  if (balance !== (present ? 1 : 0))
    problems.push({
      code: 'in_no_report',
      message: `${name}: its lines add up to ${balance}, which is a fault of the books: please report it.`,
    });
  for (const { decision, file, row } of lines)
    if (decision.isReproduced !== true)
      problems.push({
        code: 'decision_not_reproduced',
        message: `${name}: rule table ${decision.ruleTableVersion ?? '(none)'} ${decision.isReproduced === null ? 'was not found for' : 'does not lead to'} the decision in ${file}${row === null ? '' : `, row ${row}`}.`,
      });
  return problems;
}
