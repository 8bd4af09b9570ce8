import { createBullBoard } from '@bull-board/api';
import { BullMQAdapter } from '@bull-board/api/bullMQAdapter';
import { FastifyAdapter } from '@bull-board/fastify';
import type { FastifyInstance } from 'fastify';
import { errorCode } from '../../errors.ts';
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
  const adapter = new FastifyAdapter();
  createBullBoard({
    queues: context.queues.all.map((queue) => new BullMQAdapter(queue)),
    serverAdapter: adapter,
    options: { uiConfig: { boardTitle: 'idscan-ledger', hideRedisDetails: true } },
  });
  adapter.setBasePath(boardPath);
  // Rethrown, so that our own handler answers, which reveals no more than it should.
  adapter.setErrorHandler((error) => {
    throw asRedisError(error);
  });
  void server.register((scope, _options, done) => {
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
    done();
  });
}

function asRedisError(error: Error): Error {
  const isAway = /connection is closed|isn't writeable|command timed out|ECONN|max retries|socket closed/i;
  if (errorCode(error) !== 'internal' || !(isAway.test(error.message) || refusalOf(error))) return error;
  return asQueueError(error);
}
