import { createRemoteJWKSet } from 'jose';
import { z } from 'zod';
import type { OidcConfig } from '../../config/config.ts';
import { LedgerError } from '../../errors.ts';
import { isLoopbackName } from '../hosts.ts';

/** The requests to a company's identity provider. */
export type OidcProvider = {
  readonly keys: () => Promise<ReturnType<typeof createRemoteJWKSet>>;
  readonly authorizationUrl: () => Promise<URL>;
  /** Exchanges a code for an ID token. */
  readonly redeem: (form: URLSearchParams, authorization: string | undefined) => Promise<string>;
};

const timeoutMs = 5_000;
const maxAnswerLength = 256 * 1_024;
const discoveryLifetimeMs = 3_600_000;

const endpoint = z.string().refine((text) => {
  const url = URL.parse(text);
  if (!url || url.username !== '' || url.password !== '') return false;
  return url.protocol === 'https:' || (url.protocol === 'http:' && isLoopbackName(url.hostname));
});
const discoveryDocument = z.object({
  issuer: z.string(),
  jwks_uri: endpoint,
  authorization_endpoint: endpoint.optional(),
  token_endpoint: endpoint.optional(),
});
const tokenAnswer = z.object({ id_token: z.string().max(16_384) });

/** Sends no request yet. The discovery document is read when it is needed, and again after an hour. */
export function createOidcProvider({ issuer, jwksUrl }: OidcConfig): OidcProvider {
  let discovered: { readonly document: Promise<z.output<typeof discoveryDocument>>; readonly atMs: number } | undefined;
  const discover = (): Promise<z.output<typeof discoveryDocument>> => {
    if (discovered && performance.now() - discovered.atMs < discoveryLifetimeMs) return discovered.document;
    const document = ask(new URL(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`)).then((json) => {
      const parsed = discoveryDocument.safeParse(json);
      if (parsed.success && parsed.data.issuer === issuer) return parsed.data;
      throw unavailable('describes itself in an unexpected way, or as another issuer than OIDC_ISSUER');
    });
    discovered = { document, atMs: performance.now() };
    // A failure is not cached.
    document.catch(() => (discovered = undefined));
    return document;
  };
  let keySet: { readonly url: string; readonly keys: ReturnType<typeof createRemoteJWKSet> } | undefined;
  return {
    keys: async () => {
      const url = jwksUrl ?? new URL((await discover()).jwks_uri);
      if (keySet?.url !== url.href)
        keySet = {
          url: url.href,
          // An unknown key triggers another look-up, at most every 30 s.
          keys: createRemoteJWKSet(url, { timeoutDuration: timeoutMs, cooldownDuration: 30_000, cacheMaxAge: 600_000 }),
        };
      return keySet.keys;
    },
    authorizationUrl: async () => new URL(needed((await discover()).authorization_endpoint)),
    redeem: async (form, authorization) => {
      const headers = authorization === undefined ? {} : { authorization };
      const url = new URL(needed((await discover()).token_endpoint));
      const parsed = tokenAnswer.safeParse(await ask(url, { method: 'POST', body: form, headers }));
      if (parsed.success) return parsed.data.id_token;
      throw unavailable('answers without an ID token');
    },
  };
}

function needed(url: string | undefined): string {
  if (url === undefined) throw unavailable('names no address for signing in');
  return url;
}

/**
 * Makes one request with a deadline, without following redirects. A 4xx to a POST is the client's fault, everything
 * else the provider's.
 */
async function ask(url: URL, init: RequestInit = {}): Promise<unknown> {
  let response: Response;
  let text: string;
  try {
    response = await fetch(url, { ...init, redirect: 'error', signal: AbortSignal.timeout(timeoutMs) });
    text = await response.text();
  } catch (cause) {
    throw unavailable('does not answer', cause);
  }
  if (init.method === 'POST' && response.status >= 400 && response.status < 500)
    throw new LedgerError('unauthenticated', 'The identity provider did not accept the sign-in.', {
      fields: { status: response.status },
      hint: 'Sign in again. If it happens again, compare OIDC_CLIENT_ID and OIDC_CLIENT_SECRET with the provider.',
    });
  if (!response.ok) throw unavailable(`answers ${response.status}`);
  if (text.length > maxAnswerLength) throw unavailable('sends an answer that is too long');
  try {
    return JSON.parse(text);
  } catch {
    throw unavailable('does not answer with JSON');
  }
}

/** A failure of the provider, not of the person who signs in. */
export const unavailable = (what: string, cause?: unknown): LedgerError =>
  new LedgerError('identity_provider_unavailable', `The identity provider ${what}.`, {
    hint: 'Check OIDC_ISSUER, OIDC_JWKS_URL and the network; tokens of this service work without it.',
    ...(cause === undefined ? {} : { cause }),
  });
