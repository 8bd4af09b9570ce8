import type { FastifyInstance } from 'fastify';
import { LedgerError } from '../../errors.ts';
import { createTransaction } from '../../jobs/intake/create-transaction.ts';
import type { Guard } from '../access/guard.ts';
import { createTransaction as operation } from '../api/creation.ts';
import type { ServiceContext } from '../context.ts';
import { acceptJson } from '../json.ts';

/**
 * `POST /api/transactions`: has the vendor create a transaction, and takes it in. Answers 201 with its ID and address,
 * 200 for a repeated idempotency key, 504 if the vendor's answer never came.
 */
export function addCreationRoute(server: FastifyInstance, context: ServiceContext, guard: Guard): void {
  void server.register((scope, _options, done) => {
    acceptJson(scope);
    const { path, roles, means, body } = operation;
    const options = { bodyLimit: body.maxBytes, onRequest: guard(roles, means) };
    scope.post(path, options, async (request, reply) => {
      const { vendor } = context;
      if (!vendor)
        throw new LedgerError('not_configured', 'This service has no key of the vendor, so it creates nothing.', {
          hint: 'Set IDSCAN_KEY_ID and IDSCAN_KEY_SECRET for serve.',
        });
      const key = request.headers['idempotency-key'];
      const { transactionId, url, expires, unknown, isNew } = await createTransaction(
        { ...context, vendor },
        {
          wanted: request.body,
          idempotencyKey: typeof key === 'string' ? key : null,
          askedBy: request.principal?.name ?? 'unknown',
        },
      );
      // The address is for one person: no cache keeps it.
      return reply
        .code(isNew ? 201 : 200)
        .header('cache-control', 'no-store')
        .send({ transactionId, url, expires, unknownSettings: unknown });
    });
    done();
  });
}
