import { generateKeyPair, type JWTPayload } from 'jose';
import { beforeAll, describe, expect, test } from 'vitest';
import { clientId, startProvider } from './oidc-provider.ts';
import { bearer, problem, startService, type TestService } from './support.ts';

let provider: Awaited<ReturnType<typeof startProvider>>;
let service: TestService;
beforeAll(async () => {
  provider = await startProvider();
  service = await startService(settings());
});

const settings = (more: Record<string, string> = {}) => ({
  OIDC_ISSUER: provider.issuer,
  OIDC_CLIENT_ID: clientId,
  OIDC_CLIENT_SECRET: 'client/secret',
  OIDC_ROLES: 'operator:operator,finance:group-of-finance',
  HTTP_PUBLIC_URL: 'http://127.0.0.1:8080',
  ...more,
});
const metrics = (token: string, at = service) => at.ask('/metrics', { headers: bearer(token) });

describe('a bearer token of the provider', () => {
  test('gives the roles of its claim; the keys are asked for once', async () => {
    for (let time = 0; time < 5; time += 1) expect((await metrics(await provider.sign())).status).toBe(200);
    expect((await metrics(await provider.sign({ roles: 'operator' }))).status).toBe(200);
    expect(problem(await metrics(await provider.sign({ roles: ['group-of-finance'] })))).toMatchObject({ status: 403 });
    for (const roles of [[], undefined, ['root'], [['operator']], { operator: true }])
      expect((await metrics(await provider.sign({ roles }))).status).toBe(403);
    expect(provider.state.keyRequests).toBe(1);
  });

  test('whose signature, issuer, audience or time does not hold is refused', async () => {
    const now = Math.floor(Date.now() / 1_000);
    const other = await generateKeyPair('ES256');
    const good = await provider.sign();
    const [head, body, signature] = good.split('.') as [string, string, string];
    const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const bad = {
      'another key': await provider.sign({}, { privateKey: other.privateKey }),
      'an unknown key': await provider.sign({}, { privateKey: other.privateKey, kid: 'k2' }),
      'another issuer': await provider.sign({ iss: 'https://evil.test' }),
      'another audience': await provider.sign({ aud: 'another' }),
      'no audience': await provider.sign({ aud: undefined }),
      'an hour ago': await provider.sign({ exp: now - 3_600 }),
      'no end': await provider.sign({ exp: undefined }),
      'not yet': await provider.sign({ nbf: now + 3_600 }),
      'no subject': await provider.sign({ sub: undefined }),
      unsigned: `${encode({ alg: 'none' })}.${body}.`,
      'HMAC with the public key': `${encode({ alg: 'HS256', kid: 'k1' })}.${body}.${signature}`,
      'a changed body': `${head}.${encode({ iss: provider.issuer, aud: clientId, exp: now + 60, sub: 'x', roles: ['operator'] })}.${signature}`,
      'no token': 'a.b.c',
    };
    for (const [what, token] of Object.entries(bad))
      expect(problem(await metrics(token)), what).toMatchObject({ status: 401, code: 'unauthenticated' });
  });

  test('has its roles in the claim that is configured, also within another', async () => {
    const nested = await startService(settings({ OIDC_ROLE_CLAIM: 'realm_access.roles' }));
    expect((await metrics(await provider.sign({ realm_access: { roles: ['operator'] } }), nested)).status).toBe(200);
    expect((await metrics(await provider.sign(), nested)).status).toBe(403);
    const named = await startService(settings({ OIDC_ROLE_CLAIM: 'https://example.com/roles' }));
    expect((await metrics(await provider.sign({ 'https://example.com/roles': ['operator'] }), named)).status).toBe(200);
    const key = await startService(
      settings({ OIDC_ROLE_CLAIM: '__proto__.x', OIDC_JWKS_URL: `${provider.issuer}/keys` }),
    );
    expect((await metrics(await provider.sign(), key)).status).toBe(403);
  });

  test('is answered 503 while the provider is away, and our own tokens go on', async () => {
    provider.state.isDown = true;
    try {
      const fresh = await startService(settings());
      expect(problem(await metrics(await provider.sign(), fresh))).toMatchObject({
        status: 503,
        code: 'identity_provider_unavailable',
      });
      expect((await metrics('operator-token-of-the-tests', fresh)).status).toBe(200);
      expect((await metrics('not a token', fresh)).status).toBe(401);
      provider.state.isDown = false;
      expect((await metrics(await provider.sign(), fresh)).status).toBe(200);
    } finally {
      provider.state.isDown = false;
    }
  });
});

describe('the sign-in of a browser', () => {
  /** Goes to the provider and comes back; `change` may spoil the way back. */
  async function goAndReturn(change: (back: URLSearchParams) => unknown = () => undefined) {
    const begun = await service.ask('/sign-in/oidc?next=/queues');
    expect(begun.status).toBe(303);
    const cookie = begun.headers['set-cookie']![0]!;
    expect(cookie).toMatch(/^idscan-ledger-sign-in=.*; Max-Age=600; Path=\/; HttpOnly; SameSite=Lax$/);
    const { searchParams: asked } = new URL(begun.headers.location!);
    expect(Object.fromEntries(asked)).toMatchObject({
      response_type: 'code',
      client_id: clientId,
      scope: 'openid',
      code_challenge_method: 'S256',
      redirect_uri: 'http://127.0.0.1:8080/sign-in/callback',
    });
    provider.state.challenge = asked.get('code_challenge')!;
    provider.state.nonce = asked.get('nonce')!;
    const back = new URLSearchParams({ code: 'good-code', state: asked.get('state')! });
    const spoiled = change(back);
    const sent = typeof spoiled === 'string' ? spoiled : cookie.split(';')[0]!;
    return service.ask(`/sign-in/callback?${back.toString()}`, { headers: { cookie: sent } });
  }
  const sessionOf = (answer: { headers: { 'set-cookie'?: string[] | undefined } }) =>
    answer.headers['set-cookie']?.find((one) => one.startsWith('idscan-ledger-session='))?.split(';')[0];

  test('by code, with PKCE, state and nonce, begins a session', async () => {
    const answer = await goAndReturn();
    expect(answer).toMatchObject({ status: 303, headers: { location: '/queues' } });
    const session = sessionOf(answer)!;
    expect((await service.ask('/metrics', { headers: { cookie: session } })).status).toBe(200);
    expect((await service.ask('/', { headers: { cookie: session } })).text).toContain('oidc somebody');
    expect((await service.ask('/sign-in')).text).toContain('/sign-in/oidc');
  });

  test.each<[string, Parameters<typeof goAndReturn>[0]]>([
    ['without its cookie', () => 'x=y'],
    ['with another state', (back) => back.set('state', 'x'.repeat(43))],
    ['without a state', (back) => back.delete('state')],
    [
      'with an error of the provider',
      (back) => {
        back.delete('code');
        back.set('error', 'access_denied');
      },
    ],
    ['with a code the provider does not know', (back) => back.set('code', 'bad-code')],
    ['from another issuer', (back) => back.set('iss', 'https://evil.test')],
    ['with two codes', (back) => back.append('code', 'good-code')],
    ['with another PKCE verifier', () => void (provider.state.challenge = 'x')],
    ['with another nonce', () => void (provider.state.nonce = 'x')],
  ])('that comes back %s begins none', async (_, change) => {
    const answer = await goAndReturn(change);
    expect(problem(answer)).toMatchObject({ status: 401, code: 'unauthenticated' });
    expect(sessionOf(answer)).toBeUndefined();
  });

  test.each<[string, JWTPayload, number]>([
    ['no role here', { roles: ['others'] }, 403],
    ['an ID token for somebody else', { aud: 'another' }, 401],
    ['an ID token for several, made for another', { aud: [clientId, 'another'], azp: 'another' }, 401],
    ['an ID token that is over', { exp: 1_000 }, 401],
  ])('with %s begins none', async (_, claims, status) => {
    provider.state.claims = claims;
    try {
      const answer = await goAndReturn();
      expect(problem(answer).status).toBe(status);
      expect(sessionOf(answer)).toBeUndefined();
    } finally {
      provider.state.claims = {};
    }
  });
});
