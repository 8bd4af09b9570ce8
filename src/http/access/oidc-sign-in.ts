import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { OidcConfig, ServiceConfig } from '../../config/config.ts';
import { LedgerError } from '../../errors.ts';
import type { Identity, OidcVerifier } from './oidc.ts';
import type { OidcProvider } from './oidc-provider.ts';
import type { Sealer } from './sealing.ts';
import { cookieFor } from './sessions.ts';

/** The code flow with PKCE, state and nonce. The values of one sign-in are kept in a sealed cookie of that browser. */
export type OidcSignIn = {
  /** @returns the URL to send the browser to. */
  readonly begin: (request: FastifyRequest, reply: FastifyReply, next: string) => Promise<URL>;
  /** @throws LedgerError `unauthenticated`, `identity_provider_unavailable` */
  readonly finish: (request: FastifyRequest, reply: FastifyReply) => Promise<{ identity: Identity; next: string }>;
};

export const callbackPath = '/sign-in/callback';
const purpose = 'sign-in';
const lifetimeSeconds = 600;

const begun = z.object({ state: z.string(), nonce: z.string(), verifier: z.string(), next: z.string() });
const callback = z.object({
  code: z.string().min(1).max(4_096),
  state: z.string().max(200),
  iss: z.string().optional(),
});
const random = () => randomBytes(32).toString('base64url');

export type OidcSignInParts = {
  readonly service: ServiceConfig;
  readonly oidc: OidcConfig;
  readonly client: NonNullable<OidcConfig['client']>;
  readonly provider: OidcProvider;
  readonly verifier: OidcVerifier;
  readonly sealer: Sealer;
};

export function createOidcSignIn({ service, oidc, client, provider, verifier, sealer }: OidcSignInParts): OidcSignIn {
  const redirectUri = new URL(callbackPath, service.publicUrl).href;
  return {
    begin: async (request, reply, next) => {
      const url = await provider.authorizationUrl();
      const facts = { state: random(), nonce: random(), verifier: random(), next };
      const cookie = cookieFor(request, service, 'sign-in');
      const sealed = await sealer.seal(purpose, facts, lifetimeSeconds);
      void reply.setCookie(cookie.name, sealed, { ...cookie.options, maxAge: lifetimeSeconds });
      const query = {
        response_type: 'code',
        client_id: client.id,
        redirect_uri: redirectUri,
        scope: 'openid',
        state: facts.state,
        nonce: facts.nonce,
        code_challenge_method: 'S256',
        code_challenge: createHash('sha256').update(facts.verifier).digest('base64url'),
      };
      for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
      return url;
    },
    finish: async (request, reply) => {
      const cookie = cookieFor(request, service, 'sign-in');
      const opened = begun.safeParse(await sealer.open(purpose, request.cookies[cookie.name] ?? ''));
      void reply.clearCookie(cookie.name, cookie.options);
      const answer = callback.safeParse(request.query);
      if (!opened.success || !answer.success || !isSame(answer.data.state, opened.data.state)) throw notBegun();
      if (answer.data.iss !== undefined && answer.data.iss !== oidc.issuer) throw notBegun();
      const { verifier: codeVerifier, nonce, next } = opened.data;
      const form = new URLSearchParams({
        grant_type: 'authorization_code',
        code: answer.data.code,
        redirect_uri: redirectUri,
        code_verifier: codeVerifier,
        client_id: client.id,
      });
      const token = await provider.redeem(form, basic(client));
      const identity = await verifier.verifySignIn(token, nonce);
      if (!identity) throw new LedgerError('unauthenticated', 'The identity provider’s token is not valid.');
      return { identity, next };
    },
  };
}

/** RFC 6749 requires both parts to be form-encoded before they are joined. */
function basic({ id, secret }: NonNullable<OidcConfig['client']>): string | undefined {
  if (secret === undefined) return undefined;
  const encode = (text: string) => new URLSearchParams({ v: text }).toString().slice(2);
  return `Basic ${Buffer.from(`${encode(id)}:${encode(secret)}`).toString('base64')}`;
}

function isSame(a: string, b: string): boolean {
  const [one, other] = [Buffer.from(a), Buffer.from(b)];
  return one.length === other.length && timingSafeEqual(one, other);
}

const notBegun = (): LedgerError =>
  new LedgerError('unauthenticated', 'This sign-in was not begun here, was refused, or is too old.', {
    hint: 'Begin again at /sign-in.',
  });
