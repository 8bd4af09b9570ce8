import type { FastifyInstance, FastifyRequest } from 'fastify';
import { LedgerError } from '../../errors.ts';

const windowMs = 15 * 60_000;
/** Failed attempts at signing in within the window, from one address (of IPv6 one /64). */
export const maxFailedSignIns = 10;

/**
 * Counts failed attempts at signing in. Each process counts for itself. Nobody is ever kept from signing in by others:
 * attempts with a right token are neither counted nor asked about here.
 */
export type SignInLimits = {
  /** @throws LedgerError `too_many_requests` for an address with too many of them */
  readonly failed: (request: FastifyRequest) => Promise<void>;
};

/** Needs @fastify/rate-limit to be registered. It remembers 5,000 addresses; of more the longest unseen are forgotten. */
export function createSignInLimits(server: FastifyInstance): SignInLimits {
  const limit = server.createRateLimit({ max: maxFailedSignIns, timeWindow: windowMs, ipv6Subnet: 64 });
  return {
    failed: async (request) => {
      const found = await limit(request);
      if (found.isAllowed || !found.isExceeded) return;
      throw new LedgerError('too_many_requests', 'There were too many failed attempts at signing in.', {
        fields: { retryAfterSeconds: Math.max(1, found.ttlInSeconds) },
        hint: 'Wait a while, then try again. The right token is accepted at once.',
      });
    },
  };
}
