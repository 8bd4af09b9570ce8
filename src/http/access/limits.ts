import type { FastifyInstance, FastifyRequest } from 'fastify';
import { LedgerError } from '../../errors.ts';

const windowMs = 15 * 60_000;
/** Failed attempts at signing in within the window, from one address (of IPv6 one /64) and from all together. */
export const maxFailedSignIns = { perAddress: 10, inTotal: 100 };

/** Counts failed attempts at signing in. Each process counts for itself. */
export type SignInLimits = {
  /** @throws LedgerError `too_many_requests` */
  readonly check: (request: FastifyRequest) => Promise<void>;
  readonly failed: (request: FastifyRequest) => Promise<void>;
};

/** Needs @fastify/rate-limit to be registered. */
export function createSignInLimits(server: FastifyInstance): SignInLimits {
  const limits = [
    server.createRateLimit({ max: maxFailedSignIns.perAddress, timeWindow: windowMs, ipv6Subnet: 64 }),
    server.createRateLimit({ max: maxFailedSignIns.inTotal, timeWindow: windowMs, keyGenerator: () => 'all' }),
  ];
  return {
    check: async (request) => {
      for (const limit of limits) {
        const found = await limit(request, { increment: false });
        if (!found.isAllowed && found.remaining === 0)
          throw new LedgerError('too_many_requests', 'There were too many failed attempts at signing in.', {
            fields: { retryAfterSeconds: Math.max(1, found.ttlInSeconds) },
            hint: 'Wait a while, then try again.',
          });
      }
    },
    failed: async (request) => {
      for (const limit of limits) await limit(request);
    },
  };
}
