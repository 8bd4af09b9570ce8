import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, type JWK } from 'jose';
import Provider, { type Configuration } from 'oidc-provider';
import { atEnd } from '../support/books.ts';

export const apiAudience = 'urn:idscan-ledger:api';
export const clients = {
  confidential: { id: 'ledger', secret: 'a s/cret: of+the%tests' },
  public: { id: 'ledger-in-public', secret: undefined },
  symmetric: { id: 'ledger-by-hmac', secret: 'a-secret-that-is-long-enough-for-hs256' },
  machine: { id: 'producer', secret: 'a-secret-of-the-producer' },
};

/**
 * A provider that is not of our making: panva's oidc-provider, certified by the OpenID Foundation. It asks people who
 * they are with its own pages. An account's name says its group.
 */
export async function startCertifiedProvider(redirectUri: string) {
  const server: Server = createServer((request, response) => void handler(request, response)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  atEnd(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const keys: JWK[] = [await privateKey('first')];
  let handler = providerWith(issuer, redirectUri, keys).callback();
  return {
    issuer,
    /** From now on it signs with a new key; the old ones are still published, or not. */
    rotate: async (kid: string, keepsOld: boolean) => {
      keys.unshift(await privateKey(kid));
      if (!keepsOld) keys.splice(1);
      handler = providerWith(issuer, redirectUri, keys).callback();
    },
    /** A token for our API that a program gets for itself. */
    accessToken: async (audience = apiAudience): Promise<string> => {
      const { id, secret } = clients.machine;
      const answer = await fetch(`${issuer}/token`, {
        method: 'POST',
        headers: { authorization: `Basic ${btoa(`${id}:${secret}`)}` },
        body: new URLSearchParams({ grant_type: 'client_credentials', resource: audience }),
      });
      return ((await answer.json()) as { access_token: string }).access_token;
    },
  };
}

async function privateKey(kid: string): Promise<JWK> {
  const { privateKey: key } = await generateKeyPair('RS256', { extractable: true });
  return { ...(await exportJWK(key)), kid, alg: 'RS256', use: 'sig' };
}

function providerWith(issuer: string, redirectUri: string, keys: readonly JWK[]): Provider {
  const people = {
    redirect_uris: [redirectUri],
    grant_types: ['authorization_code'],
    response_types: ['code' as const],
  };
  const configuration: Configuration = {
    clients: [
      { ...people, client_id: clients.confidential.id, client_secret: clients.confidential.secret },
      { ...people, client_id: clients.public.id, token_endpoint_auth_method: 'none' },
      {
        ...people,
        client_id: clients.symmetric.id,
        client_secret: clients.symmetric.secret,
        id_token_signed_response_alg: 'HS256',
      },
      {
        client_id: clients.machine.id,
        client_secret: clients.machine.secret,
        redirect_uris: [],
        response_types: [],
        grant_types: ['client_credentials'],
      },
    ],
    jwks: { keys: [...keys] as never },
    cookies: { keys: ['a key of the tests'] },
    claims: { openid: ['sub', 'groups'] },
    conformIdTokenClaims: false,
    enabledJWA: { idTokenSigningAlgValues: ['RS256', 'HS256'] },
    findAccount: (_context, accountId) => ({
      accountId,
      claims: () => ({ sub: accountId, groups: [accountId.split('.')[0]] }),
    }),
    extraTokenClaims: () => ({ groups: ['intake-programs'] }),
    features: {
      devInteractions: { enabled: true },
      clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: (_context, audience) => ({
          scope: '',
          audience,
          accessTokenFormat: 'jwt',
          jwt: { sign: { alg: 'RS256' } },
        }),
      },
    },
  };
  return new Provider(issuer, configuration);
}
