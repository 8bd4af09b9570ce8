import { connect } from 'node:net';
import { once } from 'node:events';
import { beforeAll, describe, expect, test } from 'vitest';
import { bearer, deliver, eventOf, problem, startService, type TestService, tokens } from './support.ts';

const form = { 'content-type': 'application/x-www-form-urlencoded', 'sec-fetch-site': 'same-origin' };
const asOperator = bearer(tokens.operator);

/** The statuses that hosts get at a page, without and with a port of the service's or another. */
async function statuses(service: TestService, hosts: readonly string[], headers: Record<string, string> = {}) {
  const found: Record<string, number> = {};
  for (const host of hosts)
    found[host] = (await service.ask('/', { headers: { ...asOperator, ...headers, host } })).status;
  return found;
}
const all = (hosts: readonly string[], status: number) => Object.fromEntries(hosts.map((host) => [host, status]));

const foreign = [
  'evil.test',
  'evil.test:8080',
  'localhost.evil.test',
  '127.0.0.1.evil.test',
  '127.evil.test',
  'idscan.example.com.evil.test',
  '192.0.2.1',
  '[2001:db8::1]',
  'localhost@evil.test',
  'evil.test#localhost',
  'localhost:99999',
  'localhost:x',
  'a b',
  '[::1',
];

describe('a service without names', () => {
  let service: TestService;
  beforeAll(async () => {
    service = await startService();
  });

  test('answers to loopback names and to the address it listens at, on any port', async () => {
    const { port } = service;
    const own = [`127.0.0.1:${port}`, '127.0.0.1', 'localhost', `LOCALHOST:${port}`, 'localhost.:1', '[::1]:9000'];
    expect(await statuses(service, own)).toEqual(all(own, 200));
    expect(await statuses(service, foreign)).toEqual(all(foreign, 421));
  });

  test('lets another site’s name reach no page, sign-in, API, event or file, and sets no cookie for it', async () => {
    const host = `evil.test:${service.port}`;
    const asked = [
      service.ask('/reports', { headers: { host, accept: 'text/html' } }),
      service.ask('/sign-in', { headers: { host, accept: 'text/html' } }),
      service.ask('/sign-in', { method: 'POST', headers: { ...form, host }, body: `token=${tokens.operator}` }),
      service.ask('/sign-out', { method: 'POST', headers: { ...form, host } }),
      service.ask('/api/results', { method: 'POST', headers: { ...bearer(tokens.intake), host }, body: '{}' }),
      service.ask('/assets/style.css', { headers: { host } }),
      service.ask('/queues', { headers: { ...asOperator, host } }),
      service.ask('/nowhere', { headers: { host } }),
      deliver(service, eventOf('from-elsewhere'), { host }),
    ];
    for (const answer of await Promise.all(asked)) {
      expect(answer.status, answer.text).toBe(421);
      expect(answer.headers['set-cookie'] ?? answer.headers['location']).toBeUndefined();
      expect(answer.headers['x-content-type-options']).toBe('nosniff');
      expect(answer.text).not.toContain('evil');
    }
    expect(problem(await service.ask('/', { headers: { ...asOperator, host } }))).toMatchObject({
      status: 421,
      code: 'host_refused',
      hint: expect.stringContaining('HTTP_ALLOWED_HOSTS') as string,
    });
  });

  test('tells probes and monitors under any name, as before', async () => {
    const host = '10.1.2.3:8080';
    expect((await service.ask('/healthz', { headers: { host } })).status).toBe(200);
    for (const path of ['/readyz', '/readyz?without=redis', '/metrics']) {
      expect((await service.ask(path, { headers: { ...asOperator, host } })).status, path).toBe(200);
      expect((await service.ask(path, { headers: { host } })).status, path).toBe(401);
    }
    expect((await service.ask('/healthz/x', { headers: { host } })).status).toBe(421);
  });

  test('takes no host, two hosts and a host in the request line for what they are', async () => {
    const raw = async (head: string): Promise<string> => {
      const socket = connect(service.port, '127.0.0.1');
      let answer = '';
      socket.on('data', (chunk) => (answer += String(chunk))).on('error', () => undefined);
      socket.write(`${head}\r\nAuthorization: Bearer ${tokens.operator}\r\nConnection: close\r\n\r\n`);
      await once(socket, 'close');
      return answer;
    };
    expect(await raw('GET / HTTP/1.1')).toMatch(/^HTTP\/1\.1 421 [^]*x-request-id[^]*"code":"host_refused"/i);
    expect(await raw('GET / HTTP/1.1\r\nHost:')).toMatch(/^HTTP\/1\.1 421 /);
    expect(await raw('GET / HTTP/1.0')).toMatch(/^HTTP\/1\.1 421 /);
    expect(await raw('GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.test')).toMatch(/^HTTP\/1\.1 421 /);
    expect(await raw('GET / HTTP/1.1\r\nHost: evil.test\r\nHost: localhost')).toMatch(/^HTTP\/1\.1 421 /);
    expect(await raw('GET http://localhost/ HTTP/1.1\r\nHost: evil.test')).toMatch(/^HTTP\/1\.1 4\d\d /);
    expect(await raw('GET / HTTP/1.1\r\nHost: localhost')).toMatch(/^HTTP\/1\.1 200 /);
  });

  test('believes X-Forwarded-Host of nobody', async () => {
    const forwarded = { 'x-forwarded-host': 'localhost' };
    expect(await statuses(service, ['evil.test'], forwarded)).toEqual({ 'evil.test': 421 });
    expect(await statuses(service, ['localhost'], { 'x-forwarded-host': 'evil.test' })).toEqual({ localhost: 200 });
  });
});

test('a service with names answers to these, and on this machine', async () => {
  const service = await startService({
    HTTP_PUBLIC_URL: 'https://idscan.example.com:8443',
    HTTP_ALLOWED_HOSTS: 'ledger.internal, Serve:8080,[2001:db8::7]:8080',
  });
  const own = [
    'idscan.example.com',
    'IDSCAN.example.com:8443',
    'idscan.example.com.',
    'idscan.example.com:80',
    'ledger.internal',
    'ledger.internal:1234',
    'serve:8080',
    '[2001:db8:0:0::7]:8080',
    'localhost:3000',
  ];
  expect(await statuses(service, own)).toEqual(all(own, 200));
  const others = ['serve', 'serve:8081', '[2001:db8::7]', 'example.com', 'www.idscan.example.com', ...foreign];
  expect(await statuses(service, others)).toEqual(all(others, 421));
  const event = await deliver(service, eventOf('by-name'), { host: 'idscan.example.com' });
  expect(event.status).toBe(204);
});

test('behind a trusted proxy the name that it was asked by counts', async () => {
  const service = await startService({
    HTTP_PUBLIC_URL: 'https://idscan.example.com',
    HTTP_TRUSTED_PROXIES: '127.0.0.1',
  });
  const through = (name: string) => statuses(service, ['serve:8080'], { 'x-forwarded-host': name });
  expect(await through('idscan.example.com')).toEqual({ 'serve:8080': 200 });
  expect(await through('evil.test')).toEqual({ 'serve:8080': 421 });
  expect(await through('evil.test, idscan.example.com')).toEqual({ 'serve:8080': 200 });
  expect(await through('idscan.example.com, evil.test')).toEqual({ 'serve:8080': 421 });
  expect(await statuses(service, ['serve:8080'])).toEqual({ 'serve:8080': 421 });
});
