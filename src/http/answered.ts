import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

/** What proxies log for a client that left before it was answered. */
const clientLeft = 499;

/**
 * Calls `act` once for each request, when its answer is sent or its client has gone. Fastify's `onResponse` is left out
 * where a client closes the connection first, be it in the middle of a file or right after its last byte.
 */
export function whenAnswered(
  server: FastifyInstance,
  act: (request: FastifyRequest, reply: FastifyReply, status: number) => void,
): void {
  server.addHook('onRequest', (request, reply, done) => {
    reply.raw.once('close', () => act(request, reply, reply.raw.headersSent ? reply.statusCode : clientLeft));
    done();
  });
}
