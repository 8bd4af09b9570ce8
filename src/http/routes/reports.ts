import type { FastifyInstance, FastifyRequest } from 'fastify';
import { requestReport } from '../../db/report-runs.ts';
import { type MonthStanding, monthStandings } from '../../db/settlements.ts';
import { isPeriod, monthBounds, nextPeriod, previousPeriod } from '../../domain/billing-month.ts';
import { LedgerError } from '../../errors.ts';
import type { Context } from '../../jobs/context.ts';
import { closedTotals, type KnownMonth, knownMonths, type MonthTotals, totalsOf } from '../../jobs/month/months.ts';
import { readForPage } from '../../jobs/reading.ts';
import { publishedIn } from '../../reports/published.ts';
import type { AuditLog } from '../access-log.ts';
import type { Guard } from '../access/guard.ts';
import type { Principal, ServiceContext } from '../context.ts';
import { acceptForms, field, maxFormBytes } from '../forms.ts';
import type { MonthCache } from '../month-cache.ts';
import { twelveUpTo } from '../pages/month-money.ts';
import { monthPage } from '../pages/month.ts';
import { reportsPage } from '../pages/reports.ts';
import { sendPage } from '../pages/send.ts';
import { within } from '../../within.ts';

/** The roles that read reports. */
export const readers = ['finance', 'operator'] as const;

/**
 * The roles that have reports rewritten. This puts work into the queues, and may decide attempts by a new rule table.
 */
const writers = ['operator'] as const;

const monthsPerPage = 24;
/** A month that takes longer to count is shown later. Counting continues in the background. */
const overviewWaitMs = 4_000;
const monthWaitMs = 20_000;
const wakeWithinMs = 2_000;

type Reading = { readonly guard: Guard; readonly months: MonthCache; readonly audit: AuditLog };

/** `/reports`: the months, and what each costs. */
export function addReportRoutes(server: FastifyInstance, context: ServiceContext, reading: Reading): void {
  const { guard, months } = reading;
  const onRequest = guard(readers, 'bearer or session');
  const timeZone = context.config.billingTimeZone;

  /** The totals of a month, if they are available in time. */
  const totalsSoon = async ({ period, close }: KnownMonth, deadlineMs: number): Promise<MonthTotals | undefined> => {
    if (close) return closedTotals(close);
    const waitMs = Math.max(1, deadlineMs - performance.now());
    const figures = await within(waitMs, months.read(period), late).catch((error: unknown) => {
      if (error instanceof Late) return undefined;
      throw error;
    });
    return figures && totalsOf(figures);
  };

  const invoiceOf = (period: string, standings: ReadonlyMap<string, MonthStanding>) => ({
    standing: standings.get(period),
    isOver: monthBounds(period, timeZone).end <= context.now(),
  });

  server.get('/reports', { onRequest }, async (request, reply) => {
    const { value, behind } = await readForPage(context, monthsWithStandings);
    const { all, standings } = value;
    const until = field(request.query, 'until');
    const from = isPeriod(until) ? all.filter(({ period }) => period <= until) : all;
    const shown = from.slice(0, monthsPerPage);
    const next = from[monthsPerPage];
    const deadlineMs = performance.now() + overviewWaitMs;
    const totals = await Promise.all([...shown, ...(next ? [next] : [])].map((one) => totalsSoon(one, deadlineMs)));
    const overview = {
      months: shown.map((month, index) => ({
        ...month,
        totals: totals[index],
        invoice: invoiceOf(month.period, standings),
      })),
      before: totals[shown.length],
      behind,
      older: next?.period ?? null,
      isFirstPage: from.length === all.length,
      timeZone,
    };
    sendPage(reply, reportsPage(principalOf(request), overview));
    return reply;
  });

  server.get<{ Params: { period: string } }>('/reports/:period', { onRequest }, async (request, reply) => {
    const { period } = request.params;
    const { all, standings } = (await readForPage(context, monthsWithStandings)).value;
    const month = knownMonth(all, period);
    const figures = await within(monthWaitMs, months.read(period), tooLate);
    const deadlineMs = performance.now() + overviewWaitMs;
    const byPeriod = new Map(all.map((one) => [one.period, one]));
    const trend = await Promise.all(
      twelveUpTo(period).map(async (one) => {
        const known = byPeriod.get(one);
        if (one === period) return { period: one, totals: totalsOf(figures) };
        return { period: one, totals: known && (await totalsSoon(known, deadlineMs)) };
      }),
    );
    const published = await publishedIn(context.reports.folder(period), period);
    const neighbours = { earlier: byPeriod.has(previousPeriod(period)), later: byPeriod.has(nextPeriod(period)) };
    const invoice = invoiceOf(period, standings);
    sendPage(
      reply,
      monthPage(principalOf(request), { figures, run: month.run, published, trend, neighbours, invoice }),
    );
    return reply;
  });

  addRewriting(server, context, reading);
}

const monthsWithStandings = async (context: Context) => ({
  all: await knownMonths(context),
  standings: await monthStandings(context.db.kysely),
});

/** `POST /reports/<month>/write`: requests that a worker writes the files again. */
function addRewriting(server: FastifyInstance, context: ServiceContext, { guard, months, audit }: Reading): void {
  void server.register((scope, _options, done) => {
    acceptForms(scope);
    const options = { bodyLimit: maxFormBytes, onRequest: guard(writers, 'bearer or session') };
    scope.post<{ Params: { period: string } }>('/reports/:period/write', options, async (request, reply) => {
      const { period } = knownMonth(await knownMonths(context), request.params.period);
      const generation = await requestReport(context.db.kysely, period, 'browser', 0);
      months.forget(period);
      audit(request, 'report asked for', { month: period });
      // Without Redis the request is kept, and the sweep finds it.
      await within(wakeWithinMs, context.queues.wakeReport({ period, generation }), late).catch(() => undefined);
      return reply.redirect(`/reports/${period}#files`, 303);
    });
    done();
  });
}

/** @throws LedgerError `not_found` */
export function knownMonth(months: readonly KnownMonth[], period: string): KnownMonth {
  const known = isPeriod(period) ? months.find((one) => one.period === period) : undefined;
  if (known) return known;
  throw new LedgerError('not_found', 'The books know no such month.', { hint: 'All months: /reports' });
}

/** The sender, who is known behind the guard. */
export function principalOf({ principal }: FastifyRequest): Principal {
  if (!principal) throw new LedgerError('unauthenticated', 'This needs authentication.');
  return principal;
}

class Late extends Error {}
const late = (): Error => new Late();
const tooLate = (): Error =>
  new LedgerError('database_unavailable', 'The month is still being counted.', { hint: 'Look again in a moment.' });
