import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { roles, type ServiceConfig } from '../../config.ts';
import type { Principal } from '../context.ts';
import { isOverTls } from '../security.ts';
import type { Sealer } from './sealing.ts';
import { rolesOfHash, tokenName } from './tokens.ts';

/** Whose session it is: a configured token's, or that of somebody the identity provider vouched for. */
const content = z.union([
  z.object({ sha256: z.string() }),
  z.object({ subject: z.string(), roles: z.array(z.enum(roles)) }),
]);
export type SessionContent = z.output<typeof content>;

/** Signed-in browsers. The cookie holds all there is to a session, encrypted; nothing is stored here. */
export type Sessions = {
  readonly start: (request: FastifyRequest, reply: FastifyReply, whose: SessionContent) => Promise<void>;
  readonly read: (request: FastifyRequest) => Promise<Principal | null>;
  readonly end: (request: FastifyRequest, reply: FastifyReply) => void;
};

const purpose = 'session';

export function createSessions(service: ServiceConfig, sealer: Sealer): Sessions {
  const lifetimeSeconds = service.session.lifetimeMinutes * 60;
  return {
    start: async (request, reply, whose) => {
      const cookie = cookieFor(request, service, 'session');
      const sealed = await sealer.seal(purpose, whose, lifetimeSeconds);
      void reply.setCookie(cookie.name, sealed, { ...cookie.options, maxAge: lifetimeSeconds });
    },
    read: async (request) => {
      const sealed = request.cookies[cookieFor(request, service, 'session').name];
      if (sealed === undefined) return null;
      const opened = content.safeParse(await sealer.open(purpose, sealed));
      return opened.success ? principalOf(service, opened.data) : null;
    },
    end: (request, reply) => {
      const cookie = cookieFor(request, service, 'session');
      void reply.clearCookie(cookie.name, cookie.options);
    },
  };
}

/** A token that is no longer configured has no roles, and its sessions end with it. */
function principalOf(service: ServiceConfig, whose: SessionContent): Principal | null {
  if ('subject' in whose) return { name: `oidc ${whose.subject}`, roles: whose.roles, via: 'session' };
  const granted = rolesOfHash(service.tokens, whose.sha256);
  return granted.length === 0 ? null : { name: tokenName(whose.sha256), roles: granted, via: 'session' };
}

/**
 * Name and attributes of a cookie. Over TLS its name says `__Host-`: browsers then take it from this very host alone,
 * and a neighbouring one cannot plant it.
 */
export function cookieFor(request: FastifyRequest, service: ServiceConfig, what: 'session' | 'sign-in') {
  const secure = isOverTls(request, service);
  return {
    name: `${secure ? '__Host-' : ''}idscan-ledger-${what}`,
    options: { path: '/', httpOnly: true, sameSite: 'lax', secure } as const,
  };
}
