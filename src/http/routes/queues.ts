import type { FastifyAdapter } from '@bull-board/fastify';
import type { FastifyInstance } from 'fastify';
import { errorCode, missingPackage } from '../../errors.ts';
import { asQueueError, refusalOf } from '../../redis/refusal.ts';
import type { Guard } from '../access/guard.ts';
import type { ServiceContext } from '../context.ts';
import { acceptJson } from '../json.ts';

const boardPath = '/queues';

/**
 * Allows the board's own scripts, and the styles that it sets at run time, but no other host. Its link to a font is
 * removed.
 */
const policy =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; " +
  "connect-src 'self'; form-action 'none'; base-uri 'self'; frame-ancestors 'none'";
const foreignLink = /<link\b[^>]*\bhref="https?:[^>]*>/gi;

/**
 * Shows the content of the queues to operators. The sweep puts back whatever is removed there, because Postgres
 * decides.
 */
export function addQueueBoard(server: FastifyInstance, context: ServiceContext, guard: Guard): void {
  void server.register(async (scope) => {
    const adapter = await openBoard(context);
    if (!adapter) return;
    acceptJson(scope);
    scope.addHook('onRequest', guard(['operator'], 'bearer or session'));
    scope.addHook('onRequest', async (_request, reply) => {
      void reply.header('content-security-policy', policy);
      return Promise.resolve();
    });
    // The board itself would wait for Redis without limit.
    scope.addHook('preHandler', async ({ url }) => {
      if (url.startsWith(`${boardPath}/api`) && !(await context.isRedisReady()))
        throw asQueueError(context.redisHealth.trouble()?.cause);
    });
    scope.addHook('onSend', async (_request, _reply, payload) =>
      Promise.resolve(typeof payload === 'string' ? payload.replace(foreignLink, '') : payload),
    );
    void scope.register(adapter.registerPlugin(), { prefix: boardPath });
  });
}

/** The board is optional: npm leaves it out where its own Node is too old for it, and nothing else needs it. */
async function openBoard({ queues, log }: ServiceContext): Promise<FastifyAdapter | undefined> {
  try {
    const [{ createBullBoard }, { BullMQAdapter }, { FastifyAdapter }] = await Promise.all([
      import('@bull-board/api'),
      import('@bull-board/api/bullMQAdapter'),
      import('@bull-board/fastify'),
    ]);
    const adapter = new FastifyAdapter();
    createBullBoard({
      queues: queues.all.map((queue) => new BullMQAdapter(queue)),
      serverAdapter: adapter,
      options: { uiConfig: { boardTitle: 'idscan-ledger', hideRedisDetails: true } },
    });
    adapter.setBasePath(boardPath);
    // Rethrown, so that our own handler answers, which reveals no more than it should.
    adapter.setErrorHandler((error) => {
      throw asRedisError(error);
    });
    return adapter;
  } catch (error) {
    const name = missingPackage(error);
    if (name === undefined) throw error;
    log.warn({ package: name }, 'there is no page of the queues: an optional package is not installed');
    return undefined;
  }
}

function asRedisError(error: Error): Error {
  const isAway = /connection is closed|isn't writeable|command timed out|ECONN|max retries|socket closed/i;
  if (errorCode(error) !== 'internal' || !(isAway.test(error.message) || refusalOf(error))) return error;
  return asQueueError(error);
}
