import { afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { freePort } from '../support/redis-servers.ts';
import { apiAudience, clients, startCertifiedProvider } from './certified-provider.ts';
import { ask, bearer, problem, startService, type TestService } from './support.ts';

let provider: Awaited<ReturnType<typeof startCertifiedProvider>>;
let port: number;
const origin = () => `http://127.0.0.1:${port}`;
beforeAll(async () => {
  port = await freePort();
  provider = await startCertifiedProvider(`${origin()}/sign-in/callback`);
});
afterEach(() => void vi.restoreAllMocks());

const settings = ({ id, secret }: { id: string; secret: string | undefined }): Record<string, string> => ({
  OIDC_ISSUER: provider.issuer,
  OIDC_CLIENT_ID: id,
  OIDC_AUDIENCE: apiAudience,
  ...(secret === undefined ? {} : { OIDC_CLIENT_SECRET: secret }),
  OIDC_ROLE_CLAIM: 'groups',
  OIDC_ROLES: 'finance:finance,operator:operators,intake:intake-programs',
  HTTP_PUBLIC_URL: origin(),
  HTTP_PORT: String(port),
});

/** Runs the service for one test: all of them are at the address that the provider knows. */
async function withService(client: { id: string; secret: string | undefined }, act: (service: TestService) => unknown) {
  const service = await startService(settings(client));
  try {
    await act(service);
  } finally {
    await service.stop();
  }
}

/** What a browser does: keeps cookies of each host, follows redirects, fills in the provider's forms. */
function createBrowser() {
  const jars = new Map<string, Map<string, string>>();
  const seen: URL[] = [];
  const jarOf = (url: URL) => jars.get(url.host) ?? jars.set(url.host, new Map()).get(url.host)!;
  const request = async (url: URL, init: RequestInit = {}): Promise<Response> => {
    const jar = jarOf(url);
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
    const headers = { accept: 'text/html', 'sec-fetch-site': 'same-origin', cookie };
    const answer = await fetch(url, { ...init, headers, redirect: 'manual' });
    for (const one of answer.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(one) ?? [];
      if (value === '') jar.delete(name);
      else jar.set(name, value);
    }
    return answer;
  };
  const go = async (to: string | URL, init?: RequestInit): Promise<{ url: URL; status: number; text: string }> => {
    let url = new URL(to);
    let answer = await request(url, init);
    for (let hops = 0; answer.status >= 300 && answer.status < 400 && hops < 20; hops += 1) {
      url = new URL(answer.headers.get('location')!, url);
      seen.push(url);
      answer = await request(url);
    }
    return { url, status: answer.status, text: await answer.text() };
  };
  /** Fills in the form that is shown. */
  const submit = (page: { url: URL; text: string }, fields: Record<string, string>) => {
    const action = new URL(/action="([^"]+)"/.exec(page.text)![1]!, page.url);
    const prompt = /name="prompt" value="(\w+)"/.exec(page.text)![1]!;
    return go(action, { method: 'POST', body: new URLSearchParams({ prompt, ...fields }) });
  };
  return { go, submit, seen, jarOf: (url: string) => jarOf(new URL(url)) };
}

/** From our sign-in to the provider, through its pages, and back. */
async function signInAs(login: string, next = '/reports') {
  const browser = createBrowser();
  const login_ = await browser.go(`${origin()}/sign-in/oidc?next=${encodeURIComponent(next)}`);
  expect(login_.url.origin).toBe(provider.issuer);
  const consent = await browser.submit(login_, { login, password: 'x' });
  expect(consent.text).toContain('name="prompt" value="consent"');
  return { browser, page: await browser.submit(consent, {}) };
}

describe('somebody signs in at a certified provider', () => {
  test('with client_secret_basic, PKCE, state and nonce, reads, and signs out', async () => {
    await withService(clients.confidential, async () => {
      const { browser, page } = await signInAs('finance.anna');
      expect({ status: page.status, at: page.url.href }).toEqual({ status: 200, at: `${origin()}/reports` });
      expect((await browser.go(origin())).text).toContain('oidc finance.anna');
      const back = browser.seen.find(({ pathname }) => pathname === '/sign-in/callback')!;
      expect([...back.searchParams.keys()].sort()).toEqual(['code', 'iss', 'state']);
      expect((await browser.go(`${origin()}/queues`)).status).toBe(403);
      // The same way back a second time is none of this browser's any more.
      expect((await browser.go(back)).status).toBe(401);
      const kept = browser.jarOf(origin()).get('idscan-ledger-session')!;
      const left = await browser.go(`${origin()}/sign-out`, { method: 'POST', body: new URLSearchParams() });
      expect(left.url.pathname).toBe('/sign-in');
      const cookie = `idscan-ledger-session=${kept}`;
      expect((await ask(port, '/reports', { headers: { cookie } })).status).toBe(401);
    });
  });

  test('as a public client, and gets the role that the group says, or none', async () => {
    await withService(clients.public, async () => {
      expect((await signInAs('operators.ben', '/queues')).page).toMatchObject({ status: 200 });
      expect((await signInAs('visitors.eve')).page).toMatchObject({ status: 403 });
    });
  });

  test('and changes their mind there: no session', async () => {
    await withService(clients.confidential, async () => {
      const browser = createBrowser();
      const login = await browser.go(`${origin()}/sign-in/oidc`);
      const abort = new URL(/href="([^"]+\/abort)"/.exec(login.text)![1]!, login.url);
      const { status, url } = await browser.go(abort);
      expect({ status, error: url.searchParams.get('error') }).toEqual({ status: 401, error: 'access_denied' });
      expect(browser.jarOf(origin()).has('idscan-ledger-session')).toBe(false);
    });
  });

  test('with a code of another browser’s sign-in: no session', async () => {
    await withService(clients.confidential, async () => {
      const victim = createBrowser();
      await victim.go(`${origin()}/sign-in/oidc`);
      const { browser } = await signInAs('finance.mallory');
      const theirs = browser.seen.find(({ pathname }) => pathname === '/sign-in/callback')!;
      expect((await victim.go(theirs)).status).toBe(401);
    });
  });

  test('where our secret is wrong, or ID tokens are signed with it: no session', async () => {
    await withService({ ...clients.confidential, secret: 'wrong' }, async () => {
      expect((await signInAs('finance.anna')).page.status).toBe(401);
    });
    await withService(clients.symmetric, async () => {
      expect((await signInAs('finance.anna')).page.status).toBe(401);
    });
  });

  test('before and after it changes its key', async () => {
    await withService(clients.confidential, async () => {
      expect((await signInAs('finance.anna')).page.status).toBe(200);
      await provider.rotate('second', true);
      const now = Date.now.bind(Date);
      // Keys are not looked at more often than every 30 s.
      vi.spyOn(Date, 'now').mockImplementation(() => now() + 31_000);
      expect((await signInAs('finance.anna')).page.status).toBe(200);
    });
  });
});

describe('a program with an access token of a certified provider', () => {
  const send = (token: string) =>
    ask(port, '/api/results', {
      method: 'POST',
      headers: { ...bearer(token), 'content-type': 'application/json' },
      body: JSON.stringify({ transactionId: 'by-a-program' }),
    });

  test('may do what its claim says, if the token is for us, whole, and signed with a key of today', async () => {
    await withService(clients.confidential, async (service) => {
      const token = await provider.accessToken();
      expect(await send(token)).toMatchObject({ status: 200 });
      expect((await service.ask('/metrics', { headers: bearer(token) })).status).toBe(403);
      expect(problem(await send(await provider.accessToken('urn:something-else')))).toMatchObject({ status: 401 });
      expect(problem(await send(token.slice(0, -4)))).toMatchObject({ status: 401 });
    });
    const old = await provider.accessToken();
    await provider.rotate('third', false);
    await withService(clients.confidential, async () => {
      expect(problem(await send(old))).toMatchObject({ status: 401 });
      expect(await send(await provider.accessToken())).toMatchObject({ status: 200 });
    });
  });
});
