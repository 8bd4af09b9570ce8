import type { FastifyRequest } from 'fastify';
import type { Role, ServiceConfig } from '../../config/config.ts';
import { LedgerError } from '../../errors.ts';
import type { Principal } from '../context.ts';
import { refuseCrossSite } from '../security.ts';
import type { OidcVerifier } from './oidc.ts';
import type { Sessions } from './sessions.ts';
import { recogniseToken, tokenName } from './tokens.ts';

/** How a request may authenticate. */
type Means = 'bearer' | 'bearer or session';

/** A hook for `onRequest`: no body is read before it has passed. */
export type Guard = (roles: readonly Role[], means: Means) => (request: FastifyRequest) => Promise<void>;

/** Checks who sent a request, and whether their roles allow it. */
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
      throw new LedgerError('unauthenticated', 'This needs authentication.', {
        hint: means === 'bearer' ? 'Send a bearer token in the header Authorization.' : 'Sign in at /sign-in.',
      });
    // Set before the checks below, so that their errors are shown and logged for this sender.
    request.principal = principal;
    if (!principal.roles.some((role) => roles.includes(role)))
      throw new LedgerError('forbidden', `This needs the role ${roles.join(' or ')}.`);
    if (principal.via === 'session') refuseCrossSite(request, service);
  };
}

/** The token of `Authorization: Bearer …`. Any other content of the header counts as an unknown token. */
function bearerOf(request: FastifyRequest): string | undefined {
  const header = request.headers.authorization;
  if (header === undefined) return undefined;
  return /^Bearer +([!-~]+)$/i.exec(header)?.[1] ?? '';
}
