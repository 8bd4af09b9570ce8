import {
  claimCheck,
  codesWithoutRule,
  endCrossings,
  mismatchesByMonth,
  overdueWork,
  recordNotification,
  scheduledReports,
  untold,
} from '../../db/notifications.ts';
import { openFindings } from '../../db/settlements.ts';
import { periodCloses } from '../../db/period-closes.ts';
import type { NotificationKind } from '../../domain/notification-kinds.ts';
import { withSnapshot } from '../../db/snapshot.ts';
import { monthBounds, periodOf, previousPeriod, type Span } from '../../domain/billing-month.ts';
import { formatAmount, type Micros, minorUnitDigits } from '../../domain/money.ts';
import { nameKey } from '../../domain/reconciliation/standing.ts';
import { counted, form } from '../../domain/wording.ts';
import { publishedIn } from '../../reports/published.ts';
import { errorCode } from '../../errors.ts';
import { type Context, type NotifyingContext, wantedKinds } from '../context.ts';
import { inWords, type MonthMessage, monthMessage, reportMessage } from './notification-messages.ts';
import { monthOf } from '../month/month.ts';

/** Counting a month takes time, and nobody needs to know of a crossed threshold within seconds. */
const checkIntervalMs = 5 * 60_000;
const dayMs = 86_400_000;
/** After this time a difference with the vendor's invoice, or what was asked of the vendor, is reported. */
const openForMs = 14 * dayMs;
const urgentFirst = ['overdue', 'unclassified', 'counter_mismatch', 'budget', 'open_findings'] as const;

type Month = Span & { readonly period: string };

/** Something to notify people of. Its `subjects` identify it: it is sent again only for new ones. */
type Crossing = {
  readonly kind: NotificationKind;
  readonly period: string;
  readonly subjects: readonly string[];
  /** What happened, in words, for the subjects that are new. */
  readonly event: (subjects: readonly string[]) => string;
  readonly details: object;
};

/**
 * Notes messages about the reports that the schedule had written. It finds them in Postgres, not by a call from the
 * writer: no crash in between loses a message, and no failure here affects a report.
 *
 * @returns how many messages were noted.
 */
export async function noteReports(context: NotifyingContext): Promise<number> {
  if (!context.notifications.kinds.includes('report')) return 0;
  let noted = 0;
  for (const { period, generation } of await scheduledReports(context.db.kysely))
    noted += await isolated(context, `report of ${period}`, () => noteReport(context, period, generation));
  return noted;
}

async function noteReport(context: NotifyingContext, period: string, generation: number): Promise<number> {
  const subjects = [`${period} ${generation}`];
  if ((await untold(context.db.kysely, 'report', subjects)).length === 0) return 0;
  const published = await publishedIn(context.reports.folder(period), period);
  const month = published
    ? await reportMessage(context, period, published.totals)
    : await monthMessage(context, period);
  const event = () => `The report of ${period} was written.`;
  const details = { manifest_sha256: published?.manifest.sha256 ?? null };
  return note(context, { kind: 'report', period, subjects, event, details }, month);
}

/** A failure does not stop other messages. What failed is tried again at the next check. */
async function isolated({ log }: NotifyingContext, what: string, work: () => Promise<number>): Promise<number> {
  try {
    return await work();
  } catch (error) {
    log.warn({ err: error, code: errorCode(error) }, `notification failed: ${what}`);
    return 0;
  }
}

/**
 * Checks the thresholds and notes a message for each newly crossed one. Several processes take turns.
 *
 * @returns how many messages were noted.
 */
export async function checkThresholds(context: NotifyingContext, intervalMs = checkIntervalMs): Promise<number> {
  if (!(await claimCheck(context.db.kysely, intervalMs))) return 0;
  const { kinds } = context.notifications;
  const months = await openMonths(context);
  let noted = 0;
  for (const kind of urgentFirst)
    if (kinds.includes(kind)) noted += await isolated(context, kind, () => checkKind(context, kind, months));
  return noted;
}

async function checkKind(
  context: NotifyingContext,
  kind: Exclude<NotificationKind, 'report'>,
  months: readonly Month[],
): Promise<number> {
  const found = await finders[kind](context, months);
  // An exceeded budget is reported once a month, whatever the sum does afterwards.
  const lasting = found.flatMap(({ subjects }) => subjects);
  if (kind !== 'budget') await endCrossings(context.db.kysely, kind, lasting);
  let noted = 0;
  for (const crossing of found) noted += await noteNew(context, crossing);
  return noted;
}

/** The current and the previous month, if they are open. */
async function openMonths({ db, config, now }: Context): Promise<Month[]> {
  const present = periodOf(now(), config.billingTimeZone);
  const closed = new Set((await periodCloses(db.kysely)).map(({ period }) => period));
  return [previousPeriod(present), present]
    .filter((period) => !closed.has(period))
    .map((period) => ({ period, ...monthBounds(period, config.billingTimeZone) }));
}

async function noteNew(context: NotifyingContext, crossing: Crossing): Promise<number> {
  const subjects = await untold(context.db.kysely, crossing.kind, crossing.subjects);
  if (subjects.length === 0) return 0;
  return note(context, { ...crossing, subjects }, await monthMessage(context, crossing.period));
}

async function note(
  { db, notifications, config, now }: NotifyingContext,
  { kind, period, subjects, event, details }: Crossing,
  month: MonthMessage,
): Promise<number> {
  const { publicUrl, channels } = notifications;
  const link = publicUrl ? new URL(`/reports/${period}`, publicUrl).href : null;
  const message = {
    text: inWords(
      kind,
      { period, isRunning: now() < monthBounds(period, config.billingTimeZone).end },
      event(subjects),
      month,
    ),
    ...month,
    details,
    link,
  };
  const told = { kind, period, subjects, message, channels: channels.map(({ name }) => name) };
  return (await recordNotification(db.kysely, told)) === undefined ? 0 : 1;
}

type Finder = (context: NotifyingContext, months: readonly Month[]) => Promise<Crossing[]>;

const finders: Record<Exclude<NotificationKind, 'report'>, Finder> = {
  budget: async (context, months) => {
    const { monthlyBudget: budget } = context.notifications;
    const { prices } = context;
    if (budget === undefined || !prices) return [];
    const found: Crossing[] = [];
    for (const { period } of months) {
      const { currency, minorDigits } = prices.content;
      const limit = formatAmount(budget, minorDigits);
      const subjects = [`${period} ${limit} ${currency}`];
      if ((await untold(context.db.kysely, 'budget', subjects)).length === 0) continue;
      const { amount, unpriced } = await costOf(context, period);
      if (amount <= budget) continue;
      const more =
        unpriced > 0n ? `, even without ${counted(unpriced, 'attempt that has', 'attempts that have')} no price` : '';
      found.push({
        kind: 'budget',
        period,
        subjects,
        event: () => `The month costs more than its budget of ${limit} ${currency}${more}.`,
        details: { budget: limit, currency, unpriced: Number(unpriced) },
      });
    }
    return found;
  },
  unclassified: async ({ db }, months) => {
    const [first] = months;
    const last = months.at(-1);
    const codes = first ? await codesWithoutRule(db.kysely, first.start) : [];
    if (!last || codes.length === 0) return [];
    const names = codes.map(({ taskType, code }) => `${taskType}: ${code ?? '(no code)'}`);
    return [
      {
        kind: 'unclassified',
        period: last.period,
        subjects: names,
        event: (added) =>
          `No rule says whether these are invoiced: ${added.slice(0, 10).join(', ')}${added.length > 10 ? ', …' : ''}.`,
        details: {
          codes: codes.slice(0, 100).map(({ taskType, code, attempts }) => ({ task_type: taskType, code, attempts })),
        },
      },
    ];
  },
  counter_mismatch: async ({ db }, months) => {
    const found = await mismatchesByMonth(db.kysely, months);
    return found.map(({ period, tasks, difference }) => ({
      kind: 'counter_mismatch' as const,
      period,
      subjects: [period],
      event: () =>
        `The vendor counts differently: ${counted(tasks, 'task has', 'tasks have')} an invoiced count other than ours.`,
      details: { tasks, vendor_minus_own: difference },
    }));
  },
  overdue: async ({ db, config, now }) => {
    const work = await overdueWork(db.kysely, wantedKinds(config), dayMs);
    const period = periodOf(now(), config.billingTimeZone);
    return work.map(({ kind, count, oldestDueAt }) => ({
      kind: 'overdue' as const,
      period,
      subjects: [kind],
      event: () => `Work has been due for more than a day: ${count} × ${kind}.`,
      details: { kind, count, oldest_due_at: oldestDueAt },
    }));
  },
  open_findings: async ({ db, now }) => {
    const before = now().getTime() - openForMs;
    const old = (await openFindings(db.kysely)).filter(({ since }) => since.getTime() <= before);
    return [...Map.groupBy(old, ({ period }) => period)].map(([period, findings]) => ({
      kind: 'open_findings' as const,
      period,
      subjects: findings.map(nameKey),
      event: (added) =>
        `${counted(added.length, 'difference')} with the vendor's invoice ${form(added.length, 'has', 'have')} been open for 14 days.`,
      details: {
        findings: findings.slice(0, 100).map((one) => {
          const digits = minorUnitDigits(one.currency);
          const { finding, decision, currency, since } = one;
          return { finding, decision, amount_left: formatAmount(one.left, digits), currency, since };
        }),
      },
    }));
  },
};

/** What an open month costs so far. Attempts without a price are counted in `unpriced`. */
function costOf(context: Context, period: string): Promise<{ amount: Micros; unpriced: bigint }> {
  return withSnapshot(context.db, async ({ queries }) => {
    const { lines } = await (await monthOf(context, queries, period)).totals();
    const amount = lines.summary.reduce((sum, line) => sum + (line.amount ?? 0n), 0n);
    return { amount, unpriced: lines.totals.unpriced };
  });
}
