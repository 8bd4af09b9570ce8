import { connect } from 'node:net';
import { expect, test } from 'vitest';
import { createCliEnvironment, listeningPort, startCli } from '../support/cli.ts';
import { waitFor } from '../support/books.ts';
import { bearer, secret, sha256, tokens, tokenSetting } from './support.ts';

const requests = 1_500;
/** The last of them are reports of pages. */
const reports = 200;
const site = 'https://shop.example';

/** Numbers that are the same with every run (mulberry32). */
function randomFrom(seed: number) {
  let state = seed;
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
  const below = (limit: number) => Math.floor(next() * limit);
  const one = <T>(of: readonly T[]): T => of[below(of.length)]!;
  const bytes = (length: number) => Array.from({ length }, () => String.fromCharCode(below(256))).join('');
  return { below, one, bytes, often: (share: number) => next() < share };
}

const methods = [
  'GET',
  'GET',
  'GET',
  'POST',
  'POST',
  'HEAD',
  'PUT',
  'DELETE',
  'PATCH',
  'OPTIONS',
  'TRACE',
  'PROPFIND',
  'X',
];
const paths = [
  '/',
  '/sign-in',
  '/sign-out',
  '/sign-in/oidc',
  '/sign-in/callback',
  '/healthz',
  '/readyz',
  '/metrics',
  '/queues',
  '/queues/api/queues',
  '/queues/static/js/main.js',
  '/api/results',
  '/reports',
  '/reports/2026-10',
  '/assets/style.css',
  '/reports/2026-10/attempts',
  '/reports/2026-10/attempts.csv',
  `/reports/${new Date().toISOString().slice(0, 7)}/attempts`,
  `/reports/${new Date().toISOString().slice(0, 7)}/attempts.csv`,
  '/reports/2026-10/files/manifest.json',
  '/reports/2026-13/write',
  '/reports/2026-10/write',
  '/transactions',
  '/transactions/11111111-2222-4333-8444-555555555555',
  '/webhooks/id-scan',
  '/nowhere',
];
const twists = [
  '',
  '',
  '/',
  '//',
  '/..',
  '/%2e%2e/%2e%2e/etc/passwd',
  '/%00',
  '/%zz',
  '/%c0%af',
  ';x',
  '?id=%',
  '?id=a&id=b',
];
const queries = [
  '',
  '',
  '?',
  '?next=//evil.test',
  '?id=%27%20or%201=1--',
  '?__proto__[x]=1',
  '?until=2026-99',
  '?task=document_scan&level=none&code=%00&day=2026-02-30',
  '?sort=amount&order=descending&after=WyItSW5maW5pdHkiLCJhIiwiYiIsIjEiLCIxIiwiIiwiMCJd',
  '?finding=0123456789abcdef&counter=mismatch',
  '?sort=amount&before=WyIxZTk5IiwiJyIsIiIsIi0xIiwiMCIsIiIsIjAiXQ&price=1e9',
  `?x=${'y'.repeat(900)}`,
];
const hosts = [
  'localhost',
  'localhost',
  'localhost',
  '127.0.0.1',
  'evil.test',
  '',
  '[::1',
  'a b',
  'localhost:99999',
  'xn--\xff',
];
const types = [
  'application/json',
  'application/x-www-form-urlencoded',
  'text/plain',
  'multipart/form-data',
  'application/json; charset=x',
  '',
];
const bodies = [
  '',
  '{}',
  '[]',
  'null',
  '{"__proto__":{"a":1}}',
  '{"transactionId":1e999}',
  `[${'['.repeat(500)}`,
  '\xff\xfe',
  'token=a&token=b',
  'token=%',
];

/** One request as bytes: well-formed more often than not, and in some place strange. */
function requestOf(random: ReturnType<typeof randomFrom>, isReport: boolean): string {
  const { one, often, bytes, below } = random;
  const strange = bytes(1 + below(12)).replace(/[\r\n\0 ]/g, '~');
  const path = one(paths) + (often(0.3) ? one(twists) : '') + (often(0.1) ? `/${strange}` : '') + one(queries);
  const body = often(0.1) ? bytes(below(3_000)) : one(bodies);
  const cookies = [
    `idscan-ledger-session=${strange}`,
    'idscan-ledger-session=a.b.c.d.e',
    `=${strange}`,
    '__Host-x=%%%',
  ];
  const token = one([tokens.operator, tokens.operator, tokens.finance, tokens.intake, strange, 'a.b.c', '']);
  const lines = [
    isReport ? 'POST /api/browser-results HTTP/1.1' : `${one(methods)} ${path} HTTP/1.1`,
    ...(isReport ? [`Origin: ${one([site, site, 'null', strange])}`] : []),
    ...(often(0.95) ? [`Host: ${one(hosts)}`] : []),
    ...(often(0.6) ? [`Authorization: ${one(['Bearer', 'bearer', 'Basic'])} ${token}`] : []),
    ...(often(0.3) ? [`Cookie: ${one(cookies)}`] : []),
    ...(often(0.4) ? [`Accept: ${one(['text/html', '*/*', strange])}`] : []),
    ...(often(0.6) ? [`Content-Type: ${one(types)}`] : []),
    ...(often(0.3) ? [`Sec-Fetch-Site: ${one(['same-origin', 'cross-site', strange])}`] : []),
    ...(often(0.2) ? [`X-IdScan-Ledger-Secret: ${one([secret, strange])}`] : []),
    ...(often(0.2) ? [`X-Forwarded-Host: ${strange}`, `X-Forwarded-For: ${strange}`] : []),
    ...(often(0.1) ? [`If-None-Match: ${strange}`, 'Range: bytes=0-,5-1'] : []),
    ...(often(0.1) ? [`Content-Encoding: ${one(['gzip', 'br', strange])}`] : []),
    ...(often(0.05) ? [strange] : []),
    ...(often(0.05) ? ['Transfer-Encoding: chunked'] : [`Content-Length: ${often(0.97) ? body.length : '-1'}`]),
    'Connection: close',
  ];
  return `${lines.join('\r\n')}\r\n\r\n${body}`;
}

/** Sends bytes and reads the whole answer. What waits for more of a body is told that there is none. */
function send(port: number, text: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    const chunks: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => chunks.push(chunk)).on('error', () => undefined);
    socket.on('close', () => resolve(Buffer.concat(chunks).toString('latin1')));
    socket.end(Buffer.from(text, 'latin1'));
  });
}

test('1,500 strange requests: no fault of ours, no stack, our headers on every answer, no flood of lines', async () => {
  const environment = await createCliEnvironment({
    HTTP_PORT: '0',
    WEBHOOK_SECRET: secret,
    HTTP_SESSION_KEY: sha256('a key'),
    HTTP_TOKENS: tokenSetting,
    BROWSER_ORIGINS: site,
    BROWSER_TOKEN_KEY: sha256('another key'),
  });
  const child = startCli(['serve'], environment);
  const port = await listeningPort(child);
  // Queues are not shown before Redis answers.
  await waitFor('it to be ready', async () => {
    const ready = await fetch(`http://127.0.0.1:${port}/readyz`, { headers: bearer(tokens.operator) });
    return ready.status === 200;
  });
  const random = randomFrom(20_261_128);
  const statuses = new Map<string, number>();
  let silent = 0;
  for (let sent = 0; sent < requests;) {
    const batch = Array.from({ length: Math.min(10, requests - sent) }, () =>
      requestOf(random, sent >= requests - reports),
    );
    sent += batch.length;
    for (const [index, answer] of (await Promise.all(batch.map((text) => send(port, text)))).entries()) {
      const about = `${batch[index]!.slice(0, 300)}\n---\n${answer.slice(0, 600)}`;
      // Whoever announces a body and closes the connection instead has gone: there is nobody to answer.
      if (answer === '') {
        silent += 1;
        continue;
      }
      const [, status = ''] = /^HTTP\/1\.1 (\d{3}) /.exec(answer) ?? [];
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
      expect(['500', ''], about).not.toContain(status);
      const [head = '', body = ''] = answer.split('\r\n\r\n', 2);
      expect(head, about).toMatch(/^x-content-type-options: nosniff\r?$/im);
      expect(head, about).toMatch(/^x-request-id: [\da-f-]{36}\r?$/im);
      expect(body, about).not.toMatch(/\bat [^\n]*\.[jt]s:\d+|node_modules|root:x:/);
    }
  }
  child.kill('SIGTERM');
  const { code, stderr } = await child.result;
  expect(code, stderr.slice(-2_000)).toBe(0);
  const lines = stderr.split('\n').filter((line) => line !== '');
  expect(lines.length).toBeLessThan(requests * 1.3 + 50);
  expect(lines.filter((line) => line.includes('"stack"') || line.includes('"level":50'))).toEqual([]);
  expect(stderr).not.toContain(secret);
  for (const token of Object.values(tokens)) expect(stderr).not.toContain(token);
  // It was more than one kind of refusal that was tried.
  expect([...statuses.keys()].sort()).toEqual(
    expect.arrayContaining(['200', '303', '400', '401', '403', '404', '405', '421']),
  );
  expect(silent).toBeLessThan(requests / 10);
});
