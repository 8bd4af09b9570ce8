import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { atEnd } from '../support/books.ts';

export const clientId = 'idscan-ledger';

/**
 * A company's identity provider on this machine: discovery, keys, a page where a person says who it is, and a token
 * endpoint that keeps the rules.
 */
export async function startProvider() {
  const key = await generateKeyPair('ES256');
  const jwk = { ...(await exportJWK(key.publicKey)), kid: 'k1', alg: 'ES256' };
  const state = {
    isDown: false,
    keyRequests: 0,
    /** What it publishes as its keys; unset = its own. */
    keys: undefined as object[] | undefined,
    /** What it says about itself besides, or instead. */
    discovery: {} as Record<string, unknown>,
    /** Makes the ID token of a sign-in; unset = as it should be. */
    idToken: undefined as ((claims: Record<string, unknown>) => Promise<string>) | undefined,
    claims: {} as Record<string, unknown>,
    forms: [] as URLSearchParams[],
    challenge: '',
    nonce: '',
  };
  let issuer = '';
  const sign = (
    claims: Record<string, unknown> = {},
    more: { privateKey?: Awaited<ReturnType<typeof generateKeyPair>>['privateKey']; kid?: string } = {},
  ) => {
    const now = Math.floor(Date.now() / 1_000);
    const payload = {
      iss: issuer,
      aud: clientId,
      sub: 'somebody',
      iat: now,
      exp: now + 300,
      roles: ['operator'],
      ...claims,
    };
    return new SignJWT(payload)
      .setProtectedHeader({ alg: 'ES256', kid: more.kid ?? 'k1' })
      .sign(more.privateKey ?? key.privateKey);
  };
  const server = createServer((request, response) => {
    const answer = (status: number, body: object) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    if (state.isDown) return void answer(500, {});
    if (request.url === '/.well-known/openid-configuration')
      return void answer(200, {
        issuer,
        jwks_uri: `${issuer}/keys`,
        authorization_endpoint: `${issuer}/authorize`,
        token_endpoint: `${issuer}/token`,
        ...state.discovery,
      });
    if (request.url === '/keys') {
      state.keyRequests += 1;
      return void answer(200, { keys: state.keys ?? [jwk] });
    }
    const asked = new URL(request.url ?? '', issuer);
    if (asked.pathname === '/authorize') {
      state.challenge = asked.searchParams.get('code_challenge') ?? '';
      state.nonce = asked.searchParams.get('nonce') ?? '';
      const back = new URL(asked.searchParams.get('redirect_uri') ?? '');
      back.search = new URLSearchParams({ code: 'good-code', state: asked.searchParams.get('state') ?? '' }).toString();
      const link = back.href.replaceAll('&', '&amp;');
      const page = `<!doctype html><html lang="en"><title>Company</title><a href="${link}">Continue as somebody</a></html>`;
      return void response.writeHead(200, { 'content-type': 'text/html' }).end(page);
    }
    if (request.method === 'GET') return void answer(404, {});
    let text = '';
    request
      .on('data', (chunk) => (text += String(chunk)))
      .on('end', () => {
        const form = new URLSearchParams(text);
        state.forms.push(form);
        const challenge = createHash('sha256')
          .update(form.get('code_verifier') ?? '')
          .digest('base64url');
        const isGood =
          request.headers.authorization === `Basic ${btoa(`${clientId}:client%2Fsecret`)}` &&
          form.get('code') === 'good-code' &&
          challenge === state.challenge;
        if (!isGood) return void answer(400, { error: 'invalid_grant' });
        const claims = { nonce: state.nonce, ...state.claims };
        void (state.idToken ?? sign)(claims).then((token) => answer(200, { id_token: token }));
      });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  atEnd(() => Promise.resolve(server.close()));
  issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { issuer, sign, state, key: key.privateKey, jwk };
}
