import { vi } from 'vitest';
import { type Role, roles } from '../../src/config/service.ts';
import { clientId, startProvider } from './oidc-provider.ts';
import { type Ask, bearer, sha256, startService, type TestService, tokens } from './support.ts';

/** Somebody who asks the service, and whether they may read documents. */
export type Caller = {
  readonly name: string;
  readonly headers: Readonly<Record<string, string>>;
  /** What a row names them; `undefined` = they may not read. */
  readonly reader?: string;
};

const form = { 'content-type': 'application/x-www-form-urlencoded' };
const ours = { ...form, 'sec-fetch-site': 'same-origin' };
const signInPage = '/sign-in';

/** Tokens of several roles, by the roles. */
const pairs: Readonly<Record<string, readonly Role[]>> = {
  'custodian and finance': ['custodian', 'finance'],
  'operator and custodian': ['operator', 'custodian'],
  'finance and operator': ['finance', 'operator'],
  'intake and metrics': ['intake', 'metrics'],
};
const pairToken = (pair: string): string => `token of ${pair}`.replaceAll(' ', '-');

const entries = (): string =>
  [
    ...roles.map((role) => `${role}:${sha256(tokens[role])}`),
    ...Object.entries(pairs).flatMap(([pair, of]) => of.map((role) => `${role}:${sha256(pairToken(pair))}`)),
  ].join(',');

const cookieOf = (answer: { headers: { 'set-cookie'?: string[] | undefined } }): string =>
  answer.headers['set-cookie']?.find((one) => one.startsWith('idscan-ledger-session='))?.split(';')[0] ?? '';

const mayRead = (of: readonly Role[]): boolean => of.includes('custodian');
const tokenName = (token: string): string => `token ${sha256(token).slice(0, 8)}`;

/** A service with an identity provider, and every kind of caller it can have. */
export async function serviceWithCallers(): Promise<{ service: TestService; callers: readonly Caller[] }> {
  const provider = await startProvider();
  const settings = {
    OIDC_ISSUER: provider.issuer,
    OIDC_CLIENT_ID: clientId,
    OIDC_CLIENT_SECRET: 'client/secret',
    OIDC_ROLES: roles.map((role) => `${role}:${role}`).join(','),
    HTTP_PUBLIC_URL: 'http://127.0.0.1:8080',
    HTTP_SESSION_KEY: '7'.repeat(64),
    HTTP_TOKENS: entries(),
  };
  const service = await startService(settings);
  const signIn = async (token: string): Promise<string> =>
    cookieOf(await service.ask(signInPage, { method: 'POST', headers: ours, body: `token=${token}` }));
  const oidcSession = async (of: readonly string[]): Promise<string> => {
    const begun = await service.ask('/sign-in/oidc');
    const asked = new URL(begun.headers.location ?? '').searchParams;
    Object.assign(provider.state, { challenge: asked.get('code_challenge'), nonce: asked.get('nonce') });
    provider.state.claims = { roles: of };
    const back = new URLSearchParams({ code: 'good-code', state: asked.get('state') ?? '' });
    const cookie = begun.headers['set-cookie']?.[0]?.split(';')[0] ?? '';
    return cookieOf(await service.ask(`/sign-in/callback?${back.toString()}`, { headers: { cookie } }));
  };
  const session = (cookie: string): Ask['headers'] & Record<string, string> => ({
    cookie,
    'sec-fetch-site': 'same-origin',
  });
  const reader = (of: readonly Role[], name: string) => (mayRead(of) ? { reader: name } : {});

  const callers: Caller[] = [
    { name: 'nobody', headers: {} },
    { name: 'an unknown token', headers: bearer('unknown') },
    { name: 'a token in another scheme', headers: { authorization: `Basic ${btoa(`x:${tokens.custodian}`)}` } },
    { name: 'a token cut by a character', headers: bearer(tokens.custodian.slice(0, -1)) },
    { name: 'the hash of a token', headers: bearer(sha256(tokens.custodian)) },
    { name: 'a session made up', headers: session('idscan-ledger-session=eyJhbGciOiJkaXIifQ..x.y.z') },
  ];
  const named = [...roles.map((role) => [role, tokens[role], [role]] as const)];
  const several = Object.entries(pairs).map(([pair, of]) => [pair, pairToken(pair), of] as const);
  for (const [name, token, of] of [...named, ...several]) {
    const who = reader(of, tokenName(token));
    callers.push({ name: `a token of ${name}`, headers: bearer(token), ...who });
    callers.push({ name: `a session of ${name}`, headers: session(await signIn(token)), ...who });
  }
  for (const of of [...roles.map((role) => [role]), ['finance', 'custodian'] as Role[], []]) {
    const name = of.join(' and ') || 'no role';
    const claims = { roles: of };
    const who = reader(of, 'oidc somebody');
    callers.push({ name: `a provider’s token of ${name}`, headers: bearer(await provider.sign(claims)), ...who });
    callers.push({ name: `a provider’s session of ${name}`, headers: session(await oidcSession(of)), ...who });
  }
  const custodian = { roles: ['custodian'] };
  const past = Math.floor(Date.now() / 1_000) - 3_600;
  callers.push(
    { name: 'a provider’s token that is over', headers: bearer(await provider.sign({ ...custodian, exp: past })) },
    { name: 'a token of another audience', headers: bearer(await provider.sign({ ...custodian, aud: 'another' })) },
    { name: 'a role written otherwise', headers: bearer(await provider.sign({ roles: ['Custodian', 'custodian '] })) },
    { name: 'a session that was ended', headers: session(await ended(service, await signIn(tokens.custodian))) },
    { name: 'a session that is over', headers: session(await aDayAgo(() => signIn(tokens.custodian))) },
    { name: 'a session of a token that is configured no more', headers: session(await ofAnother(settings)) },
  );
  return { service, callers };
}

async function ended(service: TestService, cookie: string): Promise<string> {
  await service.ask('/sign-out', { method: 'POST', headers: { ...ours, cookie } });
  return cookie;
}

/** Does something as if it were a day ago. */
async function aDayAgo<T>(work: () => Promise<T>): Promise<T> {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() - 86_400_000 });
  try {
    return await work();
  } finally {
    vi.useRealTimers();
  }
}

/** The session of a token that only another service with the same key knows. */
async function ofAnother(settings: Readonly<Record<string, string>>): Promise<string> {
  const HTTP_TOKENS = `custodian:${sha256('former')}`;
  const former = await startService({ ...settings, HTTP_TOKENS });
  return cookieOf(await former.ask(signInPage, { method: 'POST', headers: ours, body: 'token=former' }));
}
