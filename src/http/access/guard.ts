import type { FastifyRequest } from 'fastify';
import type { Role, ServiceConfig } from '../../config/config.ts';
import { LedgerError } from '../../errors.ts';
import type { Principal } from '../context.ts';
import { refuseCrossSite } from '../security.ts';
import type { OidcVerifier } from './oidc.ts';
import type { Sessions } from './sessions.ts';
import { recogniseToken, tokenName } from './tokens.ts';

/** How a request may say who it is from. */
type Means = 'bearer' | 'bearer or session';

/** A hook for `onRequest`: before it has passed, nothing of a body is read. */
export type Guard = (roles: readonly Role[], means: Means) => (request: FastifyRequest) => Promise<void>;

/** Asks who a request is from, and whether that is enough. */
export function createGuard(service: ServiceConfig, sessions: Sessions, oidc: OidcVerifier | undefined): Guard {
  const identify = async (request: FastifyRequest, means: Means): Promise<Principal | null> => {
    const bearer = bearerOf(request);
    if (bearer !== undefined) return fromBearer(bearer);
    return means === 'bearer' ? null : sessions.read(request);
  };
  const fromBearer = async (bearer: string): Promise<Principal | null> => {
    const token = recogniseToken(service.tokens, bearer);
    if (token) return { name: tokenName(token), roles: token.roles, via: 'bearer' };
    const identity = await oidc?.verifyBearer(bearer);
    return identity ? { name: `oidc ${identity.subject}`, roles: identity.roles, via: 'bearer' } : null;
  };
  return (roles, means) => async (request) => {
    const principal = await identify(request, means);
    if (!principal)
      throw new LedgerError('unauthenticated', 'This needs somebody who is known here.', {
        hint: means === 'bearer' ? 'Send a bearer token in the header Authorization.' : 'Sign in at /sign-in.',
      });
    // Known from here on: what follows may refuse, and says so to whom it is.
    request.principal = principal;
    if (!principal.roles.some((role) => roles.includes(role)))
      throw new LedgerError('forbidden', `This needs the role ${roles.join(' or ')}.`);
    if (principal.via === 'session') refuseCrossSite(request, service);
  };
}

/** The token of `Authorization: Bearer …`; anything else in that header is a token that nobody has. */
function bearerOf(request: FastifyRequest): string | undefined {
  const header = request.headers.authorization;
  if (header === undefined) return undefined;
  return /^Bearer +([!-~]+)$/i.exec(header)?.[1] ?? '';
}
