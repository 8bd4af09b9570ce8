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

const minuteMs = 60_000;
/** Refused reports of pages a minute, from one address (for IPv6, one /64). */
export const maxRefusedReports = 30;
/** Reports a minute with one token. A page sends three, and repeats what was not answered. */
export const maxReportsPerToken = 20;

/** Counts reports of pages, for each process separately. Reports with valid tokens are not counted by address. */
export type BrowserLimits = {
  /** @throws LedgerError `too_many_requests` for an address of which too many reports were refused. */
  readonly refused: (request: FastifyRequest) => Promise<void>;
  /** @throws LedgerError `too_many_requests` for a token that sends too many. */
  readonly taken: (request: FastifyRequest, tokenId: string) => Promise<void>;
};

export function createBrowserLimits(server: FastifyInstance): BrowserLimits {
  const tokens = new WeakMap<FastifyRequest, string>();
  const byAddress = server.createRateLimit({ max: maxRefusedReports, timeWindow: minuteMs, ipv6Subnet: 64 });
  const keyGenerator = (request: FastifyRequest) => tokens.get(request) ?? '';
  const byToken = server.createRateLimit({ max: maxReportsPerToken, timeWindow: minuteMs, keyGenerator });
  const check = async (limit: typeof byAddress, request: FastifyRequest) => {
    const found = await limit(request);
    if (found.isAllowed || !found.isExceeded) return;
    throw new LedgerError('too_many_requests', 'There were too many reports.', {
      fields: { retryAfterSeconds: Math.max(1, found.ttlInSeconds) },
      hint: 'Wait a while. Nothing is lost: results are found without pages.',
    });
  };
  return {
    refused: (request) => check(byAddress, request),
    taken: (request, tokenId) => {
      tokens.set(request, tokenId);
      return check(byToken, request);
    },
  };
}
