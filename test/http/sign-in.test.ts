import rateLimit from '@fastify/rate-limit';
import Fastify from 'fastify';
import { beforeAll, describe, expect, test } from 'vitest';
import { errorCode } from '../../src/errors.ts';
import { createSignInLimits, maxFailedSignIns } from '../../src/http/access/limits.ts';
import { atEnd } from '../support/books.ts';
import { type Answer, bearer, problem, startService, type TestService, tokens } from './support.ts';

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

describe('signing in', () => {
  test('fails sooner after too many failures from one address, and never with the right token', async () => {
    const guarded = await startService({ HTTP_TRUSTED_PROXIES: '127.0.0.1' });
    const from = (address: string) => ({ 'x-forwarded-for': address });
    for (let attempt = 0; attempt < maxFailedSignIns; attempt += 1)
      expect((await signIn('wrong', from('203.0.113.7'), guarded)).status).toBe(401);
    const refused = await signIn('wrong', from('203.0.113.7'), guarded);
    expect(problem(refused)).toMatchObject({ status: 429, code: 'too_many_requests' });
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
    // A whole office may be behind that address.
    expect((await signIn(tokens.operator, from('203.0.113.7'), guarded)).status).toBe(303);
    expect((await signIn('wrong', from('203.0.113.7'), guarded)).status).toBe(429);
    expect((await signIn('wrong', from('203.0.113.8'), guarded)).status).toBe(401);
    // One subscriber has a whole /64 of IPv6 addresses.
    for (let attempt = 0; attempt < maxFailedSignIns; attempt += 1)
      await signIn('wrong', from(`2001:db8:1:1::${attempt + 1}`), guarded);
    expect((await signIn('wrong', from('2001:db8:1:1:ffff::1'), guarded)).status).toBe(429);
    expect((await signIn('wrong', from('2001:db8:1:2::1'), guarded)).status).toBe(401);
    expect((await signIn(tokens.operator, from('2001:db8:1:1::1'), guarded)).status).toBe(303);
  });

  test('is open to everybody else, however many fail elsewhere', async () => {
    const guarded = await startService({ HTTP_TRUSTED_PROXIES: '127.0.0.1' });
    for (let attempt = 0; attempt < 400; attempt += 1)
      await signIn('wrong', { 'x-forwarded-for': `198.51.100.${(attempt % 200) + 1}` }, guarded);
    expect((await signIn(tokens.operator, { 'x-forwarded-for': '203.0.113.9' }, guarded)).status).toBe(303);
    expect((await signIn('wrong', { 'x-forwarded-for': '203.0.113.9' }, guarded)).status).toBe(401);
    expect((await guarded.ask('/metrics', { headers: bearer(tokens.operator) })).status).toBe(200);
  });

  test('remembers a bounded number of addresses that failed', async () => {
    const server = Fastify();
    atEnd(() => server.close());
    await server.register(rateLimit, { global: false });
    const limits = createSignInLimits(server);
    server.get('/', async (request) => limits.failed(request).then(() => 'failed', errorCode));
    const fail = async (remoteAddress: string) => (await server.inject({ url: '/', remoteAddress })).body;
    const first = '10.0.0.0';
    for (let attempt = 0; attempt < maxFailedSignIns; attempt += 1) expect(await fail(first)).toBe('failed');
    expect(await fail(first)).toBe('too_many_requests');
    for (let other = 1; other <= 5_000; other += 1) await fail(`10.1.${other >> 8}.${other & 255}`);
    expect(await fail(first)).toBe('failed');
  });

  test('shows a person the form again, and escapes what it was sent', async () => {
    const evil = '"><script>alert(1)</script>';
    const page = await service.ask(`/sign-in?next=${encodeURIComponent(`/x${evil}`)}`);
    expect(page.text).not.toContain('<script');
    const failed = await signIn(evil, { accept: 'text/html' });
    expect(failed.status).toBe(401);
    expect(failed.text).toContain('role="alert"');
    expect(failed.text).not.toContain('script');
  });

  test.each([
    '//evil.test',
    'https://evil.test',
    '/\\evil.test',
    'javascript:alert(1)',
    '/a\r\nset-cookie: x=y',
    '/%0d%0ax',
  ])('leads to no other host, whatever next says: %j', async (next) => {
    const body = new URLSearchParams({ token: tokens.finance, next }).toString();
    const { headers, status } = await service.ask('/sign-in', { method: 'POST', headers: form, body });
    expect(status).toBe(303);
    expect(new URL(headers.location!, service.origin).origin).toBe(service.origin);
    expect(headers['x']).toBeUndefined();
  });

  test('is where a browser is sent that is not signed in; a program gets the problem', async () => {
    const page = await service.ask('/queues/queue/results?page=2', { headers: { accept: 'text/html' } });
    expect(page).toMatchObject({
      status: 303,
      headers: { location: '/sign-in?next=%2Fqueues%2Fqueue%2Fresults%3Fpage%3D2' },
    });
    expect(problem(await service.ask('/queues'))).toMatchObject({ status: 401 });
  });

  test('takes forms alone, and small ones', async () => {
    const json = await service.ask('/sign-in', {
      method: 'POST',
      headers: { ...form, 'content-type': 'application/json' },
      body: '{}',
    });
    expect(problem(json)).toMatchObject({ status: 415 });
    const large = await service.ask('/sign-in', { method: 'POST', headers: form, body: `token=${'x'.repeat(9_000)}` });
    expect(problem(large)).toMatchObject({ status: 413 });
    const twice = await service.ask('/sign-in', { method: 'POST', headers: form, body: '__proto__=x&token=a&token=b' });
    expect(problem(twice)).toMatchObject({ status: 401 });
  });
});
