import { PassThrough, Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { isPeriod } from '../../domain/billing-month.ts';
import { isFilterValue } from '../../domain/attempt-filter.ts';
import { LedgerError } from '../../errors.ts';
import { copyAttempts, readAttempts } from '../../jobs/attempts/attempt-list.ts';
import { knownMonths } from '../../jobs/month/months.ts';
import { readingWithin } from '../../jobs/reading.ts';
import { within } from '../../within.ts';
import type { Accessed } from '../access-log.ts';
import type { Guard } from '../access/guard.ts';
import { routeOf } from '../api/operation.ts';
import { attemptsFile } from '../api/reports.ts';
import { parseAttemptQuery } from '../attempt-query.ts';
import type { ServiceContext } from '../context.ts';
import { field } from '../forms.ts';
import { attemptsPage } from '../pages/attempts.ts';
import { sendPage } from '../pages/send.ts';
import { knownMonth, principalOf, readers } from './reports.ts';

type Route = { Params: { period: string } };

const pageWithinMs = 20_000;
/** How long it may take to count what a file has, before its first line. */
const begunWithinMs = 60_000;
/** Who takes a file slower than this holds a connection for nothing. */
const fileWithinMs = 10 * 60_000;

/** `/reports/<month>/attempts`: the attempts behind a number, a page at a time, and all of them as CSV. */
export function addAttemptRoutes(server: FastifyInstance, context: ServiceContext, guard: Guard): void {
  const books = readingWithin(fileWithinMs, context);
  const options = { onRequest: guard(readers, 'bearer or session'), config: { accessed } };

  server.get<Route>('/reports/:period/attempts', options, async (request, reply) => {
    const query = parseAttemptQuery(request.query);
    const { period } = knownMonth(await knownMonths(context), request.params.period);
    const shown = await within(
      pageWithinMs,
      readAttempts(books, period, query),
      tooLate('Look again in a moment, or have them as CSV.'),
    );
    sendPage(reply, attemptsPage(principalOf(request), shown));
    return reply;
  });

  server.get<Route>(routeOf(attemptsFile), options, async (request, reply) => {
    const { filter } = parseAttemptQuery(request.query);
    const { period } = knownMonth(await knownMonths(context), request.params.period);
    void reply.type('text/csv; charset=utf-8; header=present');
    void reply.header('content-disposition', `attachment; filename="idscan-cost_${period}_attempts.csv"`);
    if (request.method === 'HEAD') return reply.send(Readable.from([]));
    const file = new PassThrough();
    const begun = Promise.withResolvers<undefined>();
    const copied = copyAttempts(books, period, filter, async (chunks) => {
      begun.resolve(undefined);
      await pipeline(chunks, file, { signal: AbortSignal.timeout(fileWithinMs) });
    });
    // Once a file is begun, its answer cannot become an error any more: it is cut off, and whoever reads it sees that.
    copied.catch((error: unknown) => {
      begun.reject(error);
      file.destroy();
    });
    try {
      await within(begunWithinMs, begun.promise, tooLate('Look again in a moment.'));
    } catch (error) {
      file.destroy();
      throw error;
    }
    return reply.send(file);
  });
}

const tooLate = (hint: string) => (): Error =>
  new LedgerError('database_unavailable', 'The attempts are still being looked for.', { hint });

function accessed({ params, query }: FastifyRequest): Accessed {
  const { period } = params as Route['Params'];
  const finding = field(query, 'finding');
  return {
    what: 'attempts',
    month: isPeriod(period) ? period : null,
    ...(isFilterValue('finding', finding) ? { finding } : {}),
  };
}
