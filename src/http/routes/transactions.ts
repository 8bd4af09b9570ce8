import type { FastifyInstance, FastifyRequest } from 'fastify';
import { errorCode } from '../../errors.ts';
import type { Context } from '../../jobs/context.ts';
import { explain } from '../../jobs/explain/explain.ts';
import type { Explanation } from '../../jobs/explain/explanation.ts';
import { normaliseId } from '../../domain/transaction-id.ts';
import { readForPage, readingWithin } from '../../jobs/reading.ts';
import type { Accessed } from '../access-log.ts';
import type { Guard } from '../access/guard.ts';
import type { ServiceContext } from '../context.ts';
import { field } from '../forms.ts';
import { explanationPage } from '../pages/explanation.ts';
import { findPage } from '../pages/find.ts';
import { sendPage } from '../pages/send.ts';
import { principalOf, readers } from './reports.ts';

type Route = { Params: { id: string } };

/** Longer than explaining takes: the lines of an open month are those of its report. */
const pageWithinMs = 60_000;

/** Whoever reads documents has to find them. */
const finders = [...readers, 'custodian'] as const;

/** `/transactions?id=…` finds a transaction by its own or its result's ID; `/transactions/<id>` explains it. */
export function addTransactionRoutes(server: FastifyInstance, context: ServiceContext, guard: Guard): void {
  const onRequest = guard(finders, 'bearer or session');
  server.get('/transactions', { onRequest, config: { accessed: searched } }, (request, reply) => {
    const given = field(request.query, 'id').trim();
    const id = normaliseId(given);
    if (id !== undefined) return reply.redirect(`/transactions/${encodeURIComponent(id)}`, 303);
    const isUnknown = given !== '';
    sendPage(reply.code(isUnknown ? 404 : 200), findPage(principalOf(request), isUnknown ? given : undefined));
    return reply;
  });
  const options = { onRequest, config: { accessed: opened } };
  const books = readingWithin(pageWithinMs, context);
  server.get<Route>('/transactions/:id', options, async (request, reply) => {
    const { id } = request.params;
    try {
      const { value, behind } = await readForPage(books, (on) => explainOn(on, books, id));
      sendPage(reply, explanationPage(principalOf(request), value, behind));
    } catch (error) {
      if (errorCode(error) !== 'transaction_unknown') throw error;
      sendPage(reply.code(404), findPage(principalOf(request), id));
    }
    return reply;
  });
}

/** A transaction that the standby does not know yet may be in the books already. */
async function explainOn(on: Context, primary: Context, id: string): Promise<Explanation> {
  try {
    return await explain(on, id);
  } catch (error) {
    if (errorCode(error) !== 'transaction_unknown' || on.db === primary.db) throw error;
    return explain(primary, id);
  }
}

const opened = ({ params }: FastifyRequest): Accessed => about('transaction', (params as Route['Params']).id);
const searched = ({ query }: FastifyRequest): Accessed => about('transaction_search', field(query, 'id'));

/** Text that is not an ID may be anything, such as a name, and is not logged. */
const about = (what: string, id: string): Accessed => ({ what, transactionId: normaliseId(id) ?? null });
