import { connect } from 'node:net';
import { once } from 'node:events';
import { beforeAll, describe, expect, test } from 'vitest';
import { createSealer } from '../../src/http/access/sealing.ts';
import { type Answer, bearer, problem, sha256, startService, type TestService, tokens } from './support.ts';

let service: TestService;
beforeAll(async () => {
  service = await startService();
});

const form = { 'content-type': 'application/x-www-form-urlencoded', 'sec-fetch-site': 'same-origin' };
const signIn = (token: string, more: object = {}, at = service): Promise<Answer> =>
  at.ask('/sign-in', {
    method: 'POST',
    headers: { ...form, ...more },
    body: new URLSearchParams({ token, next: '/queues' }).toString(),
  });
const cookieOf = (answer: Answer): string => (answer.headers['set-cookie']?.[0] ?? '').split(';')[0]!;
const browser = (cookie: string) => ({ cookie, accept: 'text/html,*/*' });

describe('roles', () => {
  const routes = [
    { path: '/readyz', roles: ['operator', 'metrics'] },
    { path: '/metrics', roles: ['operator', 'metrics'] },
    { path: '/queues', roles: ['operator'] },
    { path: '/queues/api/queues', roles: ['operator'] },
    { path: '/', roles: ['finance', 'operator', 'custodian', 'intake', 'metrics'] },
  ];
  test.each(routes)('$path is for $roles', async ({ path, roles }) => {
    for (const [role, token] of Object.entries(tokens)) {
      const { status } = await service.ask(path, { headers: bearer(token) });
      expect(status, role).toBe(roles.includes(role) ? 200 : 403);
    }
    for (const headers of [{}, bearer('unknown'), bearer(''), { authorization: 'Basic eDp5' }])
      expect(problem(await service.ask(path, { headers }))).toMatchObject({ status: 401, code: 'unauthenticated' });
    // A hash is not a token.
    expect((await service.ask(path, { headers: bearer(sha256(tokens.operator)) })).status).toBe(401);
  });

  test('only /healthz and the sign-in are open', async () => {
    expect(await service.ask('/healthz')).toMatchObject({ status: 200, text: '{"status":"ok"}' });
    expect((await service.ask('/sign-in')).status).toBe(200);
    for (const path of ['/api/results', '/reports', '/queues/static/js/main.js', '/favicon.ico', '/.env', '/docs'])
      expect((await service.ask(path)).status, path).toBeGreaterThanOrEqual(401);
  });

  test('one token may have several', async () => {
    const both = await startService({ HTTP_TOKENS: `finance:${sha256('x')},metrics:${sha256('x')}` });
    expect((await both.ask('/metrics', { headers: bearer('x') })).status).toBe(200);
    expect((await both.ask('/queues', { headers: bearer('x') })).status).toBe(403);
  });
});

describe('a session', () => {
  test('begins with a token, lives in a cookie no script reads, and ends with the sign-out', async () => {
    const answer = await signIn(tokens.operator);
    expect(answer).toMatchObject({ status: 303, headers: { location: '/queues' } });
    const [cookie] = answer.headers['set-cookie']!;
    expect(cookie).toMatch(/^idscan-ledger-session=[\w.-]+; Max-Age=28800; Path=\/; HttpOnly; SameSite=Lax$/);
    expect(cookie).not.toContain(tokens.operator);
    expect(cookie).not.toContain(sha256(tokens.operator));
    const page = await service.ask('/', { headers: browser(cookieOf(answer)) });
    expect(page.text).toContain('operator');
    expect((await service.ask('/queues/api/queues', { headers: browser(cookieOf(answer)) })).status).toBe(200);
    const out = await service.ask('/sign-out', { method: 'POST', headers: { ...form, cookie: cookieOf(answer) } });
    expect(out).toMatchObject({ status: 303, headers: { location: '/sign-in' } });
    expect(out.headers['set-cookie']![0]).toMatch(/^idscan-ledger-session=; Max-Age=0; Path=\//);
  });

  test('is Secure and bound to the host behind a trusted proxy with TLS, and not for whoever claims to be one', async () => {
    const forwarded = { 'x-forwarded-proto': 'https', 'x-forwarded-for': '203.0.113.7' };
    const trusting = await startService({ HTTP_TRUSTED_PROXIES: '127.0.0.0/8' });
    const answer = await signIn(tokens.finance, forwarded, trusting);
    expect(answer.headers['set-cookie']![0]).toMatch(
      /^__Host-idscan-ledger-session=.*; Path=\/; HttpOnly; Secure; SameSite=Lax$/,
    );
    expect(answer.headers['strict-transport-security']).toMatch(/max-age/);
    expect((await signIn(tokens.finance, forwarded)).headers['set-cookie']![0]).not.toContain('Secure');
    const named = { headers: { 'x-request-id': 'chosen-by-the-proxy' } };
    expect((await trusting.ask('/healthz', named)).headers['x-request-id']).toBe('chosen-by-the-proxy');
    const elsewhere = await startService({ HTTP_TRUSTED_PROXIES: '10.0.0.0/8, ::1, fd00::/8' });
    expect((await elsewhere.ask('/healthz', named)).headers['x-request-id']).toMatch(/^[\da-f-]{36}$/);
    const open = await startService({ HTTP_PUBLIC_URL: 'https://idscan.example.com' });
    expect((await signIn(tokens.finance, {}, open)).headers['set-cookie']![0]).toContain('Secure');
  });

  test('that is forged, changed, sealed for something else or too old is none', async () => {
    const key = Buffer.alloc(32, 7);
    const own = await startService({ HTTP_SESSION_KEY: key.toString('hex') });
    const whose = { sha256: sha256(tokens.operator), jti: 'x'.repeat(43) };
    const at = (now: Date) => createSealer(key, () => now);
    const sealed = {
      good: await at(new Date()).seal('session', whose, 60),
      old: await at(new Date(Date.now() - 3_600_000)).seal('session', whose, 3_599),
      'for another purpose': await at(new Date()).seal('sign-in', whose, 60),
      'under another key': await createSealer(undefined, () => new Date()).seal('session', whose, 60),
      'of a token that is configured no more': await at(new Date()).seal(
        'session',
        { ...whose, sha256: sha256('gone') },
        60,
      ),
      'without content': await at(new Date()).seal('session', { jti: whose.jti }, 60),
      'with a role that there is not': await at(new Date()).seal(
        'session',
        { jti: whose.jti, subject: 'x', roles: ['root'] },
        60,
      ),
      'without an ID': await at(new Date()).seal('session', { sha256: whose.sha256 }, 60),
      'with a short ID': await at(new Date()).seal('session', { ...whose, jti: 'x' }, 60),
    };
    const statuses: Record<string, number> = {};
    for (const [what, value] of Object.entries({
      ...sealed,
      changed: sealed.good.replace(/.(?=.{40}$)/, (one) => (one === 'A' ? 'B' : 'A')),
      'cut off': sealed.good.slice(0, -20),
      nonsense: 'x.y.z',
      unsigned: `${Buffer.from('{"alg":"none"}').toString('base64url')}.e30.`,
      endless: 'x'.repeat(6_000),
    }))
      statuses[what] = (await own.ask('/metrics', { headers: { cookie: `idscan-ledger-session=${value}` } })).status;
    const { good, ...others } = statuses;
    expect(good).toBe(200);
    expect(new Set(Object.values(others)), JSON.stringify(others)).toEqual(new Set([401]));
  });

  test('is not enough for the API, which programs call with a bearer token', async () => {
    const cookie = cookieOf(await signIn(tokens.intake));
    const answer = await service.ask('/api/results', {
      method: 'POST',
      headers: { cookie, 'content-type': 'application/json', 'sec-fetch-site': 'same-origin' },
      body: '{"transactionId":"x"}',
    });
    expect(problem(answer)).toMatchObject({ status: 401 });
  });
});

describe('another site', () => {
  const foreign = [
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
    { 'sec-fetch-site': 'none' },
    { origin: 'https://evil.test' },
    { origin: 'null' },
    {},
  ];
  test.each(foreign)('cannot sign somebody in or out, nor touch the queues: %j', async (headers) => {
    const type = { 'content-type': 'application/x-www-form-urlencoded' };
    const cookie = cookieOf(await signIn(tokens.operator));
    const posts = [
      service.ask('/sign-in', { method: 'POST', headers: { ...type, ...headers }, body: `token=${tokens.operator}` }),
      service.ask('/sign-out', { method: 'POST', headers: { ...type, ...headers, cookie } }),
      service.ask('/queues/api/queues/results/pause', { method: 'PUT', headers: { ...headers, cookie } }),
    ];
    for (const answer of await Promise.all(posts)) {
      expect(problem(answer)).toMatchObject({ status: 403, code: 'forbidden' });
      expect(answer.headers['set-cookie']).toBeUndefined();
    }
  });

  test('our own pages can, also where the browser says no more than the origin', async () => {
    const origin = `http://127.0.0.1:${service.port}`;
    const { 'content-type': type } = form;
    const answer = await service.ask('/sign-in', {
      method: 'POST',
      headers: { 'content-type': type, origin },
      body: `token=${tokens.operator}`,
    });
    expect(answer.status).toBe(303);
    const headers = { origin, cookie: cookieOf(answer) };
    expect((await service.ask('/queues/api/queues/results/pause', { method: 'PUT', headers })).status).toBe(200);
    expect((await service.ask('/queues/api/queues/results/resume', { method: 'PUT', headers })).status).toBe(200);
  });
});

describe('every answer', () => {
  test('has hardened headers and a request ID', async () => {
    for (const path of ['/healthz', '/sign-in', '/nowhere', '/%zz', '/metrics']) {
      const { headers } = await service.ask(path, { headers: { 'x-request-id': 'chosen-by-the-client' } });
      expect(headers, path).toMatchObject({
        'content-security-policy': expect.stringMatching(/^default-src 'none'.*frame-ancestors 'none'$/) as string,
        'x-content-type-options': 'nosniff',
        'referrer-policy': 'same-origin',
        'cache-control': 'no-store',
        'x-request-id': expect.stringMatching(/^[\da-f-]{36}$/) as string,
      });
      expect(headers['content-security-policy']).not.toContain('unsafe');
      expect(headers['server'] ?? headers['x-powered-by']).toBeUndefined();
    }
  });

  test('to what is no HTTP is a problem, too', async () => {
    const raw = async (text: string): Promise<string> => {
      const socket = connect(service.port, '127.0.0.1');
      let answer = '';
      socket.on('data', (chunk) => (answer += String(chunk))).on('error', () => undefined);
      socket.write(text);
      await once(socket, 'close');
      return answer;
    };
    expect(await raw('nonsense\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 [^]*problem\+json[^]*"code":"request_invalid"/);
    const injected = 'GET /healthz HTTP/1.1\r\nHost: x\r\nX-A: b\nSet-Cookie: a=b\u0000\r\n\r\n';
    expect(await raw(injected)).toMatch(/^HTTP\/1\.1 400 /);
    expect(await raw(`GET /healthz HTTP/1.1\r\nHost: x\r\nX-A: ${'y'.repeat(20_000)}\r\n\r\n`)).toMatch(
      /^HTTP\/1\.1 431 /,
    );
    const smuggled =
      'POST /sign-in HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n';
    expect(await raw(smuggled)).toMatch(/^HTTP\/1\.1 400 /);
  });
});
