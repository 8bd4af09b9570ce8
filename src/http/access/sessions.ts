import { randomBytes } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { roles, type ServiceConfig } from '../../config/config.ts';
import { asDatabaseError, type Database } from '../../db/database.ts';
import { endSession, isSessionEnded, removeOverSessions } from '../../db/ended-sessions.ts';
import { LedgerError } from '../../errors.ts';
import type { Principal } from '../context.ts';
import { isOverTls } from '../security.ts';
import { within } from '../../within.ts';
import { sha256 } from './digests.ts';
import type { Sealer } from './sealing.ts';
import { knownByHash, tokenName } from './tokens.ts';

/** Whose session it is: of a configured token, or of a user of the identity provider. */
const content = z.union([
  z.object({ sha256: z.string() }),
  z.object({ subject: z.string(), roles: z.array(z.enum(roles)) }),
]);
type SessionContent = z.output<typeof content>;

/** The session's ID and end. A cookie from a version without IDs is not accepted. */
const identity = z.object({ jti: z.string().min(20), exp: z.number() });

/**
 * Sessions of signed-in browsers. The encrypted cookie contains the whole session. Postgres knows only the sessions
 * that were ended early.
 */
export type Sessions = {
  readonly start: (request: FastifyRequest, reply: FastifyReply, whose: SessionContent) => Promise<void>;
  /** @throws LedgerError `database_unavailable`: without Postgres it is unknown whether the session was ended. */
  readonly read: (request: FastifyRequest) => Promise<Principal | null>;
  /**
   * Ends the session in this browser and, through Postgres, everywhere. Sets the request's principal to whose it was.
   *
   * @throws LedgerError `database_unavailable`
   */
  readonly end: (request: FastifyRequest, reply: FastifyReply) => Promise<void>;
};

const purpose = 'session';
const askWithinMs = 5_000;
/**
 * Clocks of several processes may differ a little. An ended session is remembered for longer than any of them accepts
 * it.
 */
const clockMarginSeconds = 600;

export function createSessions(service: ServiceConfig, sealer: Sealer, db: Database): Sessions {
  const lifetimeSeconds = service.session.lifetimeMinutes * 60;
  /** Reads the cookie, whether or not the session was ended. */
  const open = async (request: FastifyRequest) => {
    const sealed = request.cookies[cookieFor(request, service, 'session').name];
    if (sealed === undefined) return null;
    const opened = await sealer.open(purpose, sealed);
    const [whose, which] = [content.safeParse(opened), identity.safeParse(opened)];
    const principal = whose.success ? principalOf(service, whose.data) : null;
    if (!principal || !which.success) return null;
    return { principal, idSha256: sha256(which.data.jti).toString('hex'), expiresAtSeconds: which.data.exp };
  };
  return {
    start: async (request, reply, whose) => {
      const cookie = cookieFor(request, service, 'session');
      const jti = randomBytes(32).toString('base64url');
      const sealed = await sealer.seal(purpose, { ...whose, jti }, lifetimeSeconds);
      void reply.setCookie(cookie.name, sealed, { ...cookie.options, maxAge: lifetimeSeconds });
      request.principal = principalOf(service, whose);
    },
    // Asks Postgres each time: a cached session would outlive its end in another process.
    read: async (request) => {
      const session = await open(request);
      if (!session) return null;
      return (await asking(isSessionEnded(db.kysely, session.idSha256), unknown)) ? null : session.principal;
    },
    end: async (request, reply) => {
      const cookie = cookieFor(request, service, 'session');
      void reply.clearCookie(cookie.name, cookie.options);
      const session = await open(request);
      if (!session) return;
      const expiresAt = new Date((session.expiresAtSeconds + clockMarginSeconds) * 1_000);
      await asking(endSession(db.kysely, session.idSha256, expiresAt), notNoted);
      // If this fails, the next sign-out does it.
      await within(askWithinMs, removeOverSessions(db.kysely), unknown).catch(() => undefined);
      request.principal = session.principal;
    },
  };
}

/** Waits for Postgres for a limited time. `away` makes the error for the case that it does not answer. */
async function asking<T>(answer: Promise<T>, away: (cause?: unknown) => LedgerError): Promise<T> {
  try {
    return await within(askWithinMs, answer, away);
  } catch (thrown) {
    const error = asDatabaseError(thrown);
    throw error instanceof LedgerError && error.code === 'database_unavailable' ? away(thrown) : error;
  }
}

const unknown = (cause?: unknown): LedgerError =>
  new LedgerError('database_unavailable', 'Postgres does not answer, so it is unknown whether you are signed in.', {
    hint: 'Try again in a moment. A bearer token works without it.',
    cause,
  });

const notNoted = (cause?: unknown): LedgerError =>
  new LedgerError('database_unavailable', 'You are signed out in this browser, but Postgres could not record it.', {
    hint: 'A copy of the cookie stays valid until the session is over. To end it earlier, remove the token from HTTP_TOKENS, or change HTTP_SESSION_KEY.',
    cause,
  });

/** A token that is no longer configured has no roles, so its sessions end with it. */
function principalOf(service: ServiceConfig, whose: SessionContent): Principal | null {
  if ('subject' in whose) return { name: `oidc ${whose.subject}`, roles: whose.roles, via: 'session' };
  const token = knownByHash(service.tokens, whose.sha256);
  return token ? { name: tokenName(token), roles: token.roles, via: 'session' } : null;
}

/**
 * The name and attributes of a cookie. Over TLS the name begins with `__Host-`: browsers then accept it only from this
 * very host, so a neighbouring one cannot plant it.
 */
export function cookieFor(request: FastifyRequest, service: ServiceConfig, what: 'session' | 'sign-in') {
  const secure = isOverTls(request, service);
  return {
    name: `${secure ? '__Host-' : ''}idscan-ledger-${what}`,
    options: { path: '/', httpOnly: true, sameSite: 'lax', secure } as const,
  };
}
