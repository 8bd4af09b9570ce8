import type { FastifyInstance, FastifyRequest } from 'fastify';
import { LedgerError } from '../../errors.ts';

const windowMs = 15 * 60_000;
/** Failed sign-ins within the window, from one address (for IPv6, one /64). */
export const maxFailedSignIns = 10;

/**
 * Counts failed sign-ins, for each process separately. Nobody can lock others out: an attempt with a valid token is
 * neither counted nor checked here.
 */
export type SignInLimits = {
  /** @throws LedgerError `too_many_requests` for an address with too many failed sign-ins */
  readonly failed: (request: FastifyRequest) => Promise<void>;
};

/** Needs @fastify/rate-limit to be registered. It keeps 5,000 addresses, and forgets those not seen for longest. */
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
