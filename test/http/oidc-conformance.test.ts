import { exportJWK, generateKeyPair, type JWTHeaderParameters, type JWTPayload, SignJWT } from 'jose';
import { afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { clientId, startProvider } from './oidc-provider.ts';
import { bearer, problem, startService, type TestService } from './support.ts';

/** Cases of the OpenID Foundation's conformance profile for relying parties (Basic RP, Config RP), by their names there. */
let provider: Awaited<ReturnType<typeof startProvider>>;
let service: TestService;
const clientSecret = 'client/secret';
const start = (more: Record<string, string> = {}) =>
  startService({
    OIDC_ISSUER: provider.issuer,
    OIDC_CLIENT_ID: clientId,
    OIDC_CLIENT_SECRET: clientSecret,
    HTTP_PUBLIC_URL: 'http://127.0.0.1:8080',
    ...more,
  });
beforeAll(async () => {
  provider = await startProvider();
  service = await start();
});
afterEach(() => {
  vi.restoreAllMocks();
  Object.assign(provider.state, { keys: undefined, discovery: {}, idToken: undefined, claims: {} });
});

/** Signs in, and says with what status. */
async function signIn(at = service): Promise<number> {
  const begun = await at.ask('/sign-in/oidc');
  if (begun.status !== 303) return begun.status;
  const { searchParams: asked } = new URL(begun.headers.location!);
  provider.state.challenge = asked.get('code_challenge')!;
  provider.state.nonce = asked.get('nonce')!;
  const back = new URLSearchParams({ code: 'good-code', state: asked.get('state')! });
  const cookie = begun.headers['set-cookie']![0]!.split(';')[0]!;
  const answer = await at.ask(`/sign-in/callback?${back.toString()}`, { headers: { cookie } });
  const hasSession = (answer.headers['set-cookie'] ?? []).some((one) => one.startsWith('idscan-ledger-session='));
  expect(hasSession).toBe(answer.status === 303);
  if (answer.status !== 303) expect(answer.text).not.toMatch(/\bat .*\.ts:\d/);
  return answer.status;
}

type Key = Parameters<SignJWT['sign']>[0];
/** A provider that signs with this key and this header. */
const signsWith = (key: Key, header: JWTHeaderParameters, change: JWTPayload = {}) => {
  provider.state.idToken = (claims) => {
    const now = Math.floor(Date.now() / 1_000);
    const usual = { iss: provider.issuer, aud: clientId, sub: 'somebody', iat: now, exp: now + 300 };
    return new SignJWT({ ...usual, roles: ['operator'], ...claims, ...change }).setProtectedHeader(header).sign(key);
  };
};
async function newKey(alg: string, kid: string | undefined) {
  const pair = await generateKeyPair(alg, { extractable: true });
  const jwk = { ...(await exportJWK(pair.publicKey)), alg, use: 'sig', ...(kid === undefined ? {} : { kid }) };
  return { ...pair, jwk };
}
/** Within 30 s of the last look at the keys they are not looked at again. */
function laterBy(seconds: number): void {
  const now = Date.now.bind(Date);
  vi.spyOn(Date, 'now').mockImplementation(() => now() + seconds * 1_000);
}

describe('an ID token', () => {
  test('as it should be begins a session (oidcc-client-test, -client-secret-basic)', async () => {
    expect(await signIn()).toBe(303);
  });

  test.each<[string, Record<string, unknown>]>([
    ['oidcc-client-test-nonce-invalid', { nonce: 'another' }],
    ['without a nonce', { nonce: undefined }],
    ['oidcc-client-test-invalid-iss', { iss: 'https://evil.test' }],
    ['without an issuer', { iss: undefined }],
    ['oidcc-client-test-invalid-aud', { aud: 'another' }],
    ['oidcc-client-test-missing-aud', { aud: undefined }],
    ['for several, without azp', { aud: [clientId, 'another'] }],
    ['oidcc-client-test-missing-sub', { sub: undefined }],
    ['with an empty subject', { sub: '' }],
    ['with a subject longer than allowed', { sub: 'x'.repeat(256) }],
    ['oidcc-client-test-missing-iat', { iat: undefined }],
    ['that has expired', { exp: Math.floor(Date.now() / 1_000) - 60 }],
    ['without an end', { exp: undefined }],
    ['that is not valid yet', { nbf: Math.floor(Date.now() / 1_000) + 300 }],
  ])('%s: begins none', async (_, claims) => {
    provider.state.claims = claims;
    expect(await signIn()).toBe(401);
  });

  test('for several, made for us, begins a session', async () => {
    provider.state.claims = { aud: [clientId, 'another'], azp: clientId };
    expect(await signIn()).toBe(303);
  });

  test('oidcc-client-test-invalid-sig-es256, -rs256: signed by another key under a known name begins none', async () => {
    for (const alg of ['ES256', 'RS256']) {
      const other = await newKey(alg, 'k1');
      signsWith(other.privateKey, { alg, kid: 'k1' });
      expect(await signIn(), alg).toBe(401);
    }
  });

  test('oidcc-client-test-idtoken-sig-rs256 and others with their key: begins a session', async () => {
    for (const alg of ['RS256', 'PS256', 'ES384', 'EdDSA']) {
      const key = await newKey(alg, alg);
      provider.state.keys = [key.jwk];
      signsWith(key.privateKey, { alg, kid: alg });
      expect(await signIn(await start()), alg).toBe(303);
    }
  });

  test('oidcc-client-test-invalid-sig-hs256: signed with the client’s secret, or a published key as secret, begins none', async () => {
    const secrets = [clientSecret.padEnd(32, '\0'), clientSecret, JSON.stringify(provider.jwk)];
    for (const secret of secrets) {
      signsWith(new TextEncoder().encode(secret.padEnd(32, ' ')), { alg: 'HS256', kid: 'k1' });
      expect(await signIn()).toBe(401);
      signsWith(new TextEncoder().encode(secret.padEnd(32, ' ')), { alg: 'HS256' });
      expect(await signIn()).toBe(401);
    }
  });

  test('oidcc-client-test-idtoken-sig-none: begins none', async () => {
    const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
    for (const header of [{ alg: 'none' }, { alg: 'None', kid: 'k1' }, { alg: '', kid: 'k1' }, {}]) {
      provider.state.idToken = async (claims) => {
        const [, body = ''] = (await provider.sign(claims)).split('.');
        return `${encode(header)}.${body}.`;
      };
      expect(await signIn(), JSON.stringify(header)).toBe(401);
    }
  });

  test('brings no key of its own: jwk, jku and x5u in its header are not looked at', async () => {
    const own = await newKey('ES256', 'own');
    for (const more of [{ jwk: own.jwk }, { jku: `${provider.issuer}/evil` }, { x5u: `${provider.issuer}/evil` }]) {
      signsWith(own.privateKey, { alg: 'ES256', kid: 'k1', ...more });
      expect(await signIn()).toBe(401);
    }
  });
});

describe('the provider’s keys', () => {
  test('oidcc-client-test-kid-absent-single-jwks: the only key is taken', async () => {
    signsWith(provider.key, { alg: 'ES256' });
    expect(await signIn()).toBe(303);
  });

  test('oidcc-client-test-kid-absent-multiple-jwks: of several that fit, none is guessed', async () => {
    const [one, other] = [await newKey('ES256', 'a'), await newKey('ES256', 'b')];
    provider.state.keys = [one.jwk, other.jwk];
    signsWith(one.privateKey, { alg: 'ES256' });
    expect(await signIn(await start())).toBe(401);
    provider.state.keys = [one.jwk, (await newKey('RS256', 'c')).jwk];
    expect(await signIn(await start())).toBe(303);
  });

  test('oidcc-client-test-signing-key-rotation, -just-before-signing: a new key is found by its name', async () => {
    const own = await start();
    expect(await signIn(own)).toBe(303);
    const next = await newKey('ES256', 'k2');
    provider.state.keys = [provider.jwk, next.jwk];
    signsWith(next.privateKey, { alg: 'ES256', kid: 'k2' });
    laterBy(31);
    expect(await signIn(own)).toBe(303);
    vi.restoreAllMocks();
    // The old one is withdrawn: what it signs counts until the keys are looked at again, after 10 minutes.
    provider.state.keys = [next.jwk];
    laterBy(700);
    expect(await signIn(own)).toBe(303);
    signsWith(provider.key, { alg: 'ES256', kid: 'k1' });
    expect(await signIn(own)).toBe(401);
  });

  test('are not asked for again by whoever makes up names of keys', async () => {
    const own = await start();
    const other = await newKey('ES256', 'other');
    const metrics = async (kid: string) => {
      const token = await provider.sign({}, { privateKey: other.privateKey, kid });
      return (await own.ask('/metrics', { headers: bearer(token) })).status;
    };
    expect(await signIn(own)).toBe(303);
    laterBy(31);
    const before = provider.state.keyRequests;
    const answers = await Promise.all(Array.from({ length: 40 }, (_, index) => metrics(`made-up-${index}`)));
    for (let index = 0; index < 20; index += 1) answers.push(await metrics(`one-by-one-${index}`));
    expect(new Set(answers)).toEqual(new Set([401]));
    expect(provider.state.keyRequests - before).toBe(1);
  });

  test.each<[string, object[]]>([
    ['none', []],
    ['one for encryption', [{ kty: 'EC', crv: 'P-256', use: 'enc', kid: 'k1' }]],
    ['a secret one', [{ kty: 'oct', k: 'c2VjcmV0', kid: 'k1', alg: 'HS256' }]],
  ])('that are of no use (%s): begins none, and says nothing of ours', async (_, keys) => {
    provider.state.keys = keys;
    expect([401, 503]).toContain(await signIn(await start()));
  });
});

describe('discovery', () => {
  test('oidcc-client-test-discovery-issuer-mismatch: nobody is sent there, and no token is believed', async () => {
    provider.state.discovery = { issuer: 'https://evil.test' };
    const own = await start();
    expect(await signIn(own)).toBe(503);
    const answer = await own.ask('/metrics', { headers: bearer(await provider.sign()) });
    expect(problem(answer)).toMatchObject({ status: 503, code: 'identity_provider_unavailable' });
    provider.state.discovery = {};
    expect(await signIn(own)).toBe(303);
  });

  test.each<[string, Record<string, unknown>]>([
    ['plain http elsewhere for keys', { jwks_uri: 'http://evil.test/keys' }],
    ['plain http elsewhere for tokens', { token_endpoint: 'http://evil.test/token' }],
    ['plain http elsewhere for people', { authorization_endpoint: 'http://evil.test/authorize' }],
    ['no keys', { jwks_uri: undefined }],
    ['a name that begins like a loopback address', { token_endpoint: 'http://127.evil.test/token' }],
    ['an address with a password', { token_endpoint: 'http://127.0.0.1@evil.test/token' }],
    ['a script', { authorization_endpoint: 'javascript:alert(1)' }],
  ])('that names %s: nobody is sent there', async (_, discovery) => {
    provider.state.discovery = discovery;
    expect((await (await start()).ask('/sign-in/oidc')).status).toBe(503);
  });

  test('that names no token endpoint: begins none', async () => {
    provider.state.discovery = { token_endpoint: undefined };
    expect(await signIn(await start())).toBe(503);
  });
});
