import { expect, test } from 'vitest';
import { isAllowedBaseUrl } from '../../src/config/urls.ts';
import { createVendorClient } from '../../src/id-scan/client.ts';
import { apiUrl, fileUrl, toBaseUrl } from '../../src/id-scan/urls.ts';
import { allOf, clientFor, failureOf, json, noSink, resultId, serve, serveRaw, transaction } from './support.ts';
import { transactionId } from './support.ts';

test.each([
  'https://api.cm.com/id-scan/v1/',
  'https://api.cm.com',
  'https://api.cm.com:8443/v1',
  'http://127.0.0.1:8080/',
  'http://127.255.3.4/',
  'http://127.1/',
  'http://[::1]:8080/v1/',
  'http://localhost:3000/',
  'HTTP://LOCALHOST/',
])('%s may be the base URL', (url) => {
  expect(isAllowedBaseUrl(new URL(url))).toBe(true);
});

test.each([
  'http://api.cm.com/id-scan/v1/',
  'http://10.0.0.1/',
  'http://0.0.0.0/',
  'http://128.0.0.1/',
  'http://127.0.0.1.evil.com/',
  'http://localhost.evil.com/',
  'http://localhost./',
  'http://[::ffff:127.0.0.1]/',
  'http://[::2]/',
  'ftp://127.0.0.1/',
  'file:///etc/passwd',
  'javascript:alert(1)',
  'https://user@api.cm.com/',
  'https://:secret@api.cm.com/',
  'https://api.cm.com/?key=1',
  'https://api.cm.com/#v1',
])('%s may not be the base URL', (url) => {
  expect(isAllowedBaseUrl(new URL(url))).toBe(false);
  expect(() => clientFor(new URL(url))).toThrow(expect.objectContaining({ code: 'config_invalid' }) as Error);
});

test.each(['/id-scan/v1', '/id-scan/v1/'])('a base path of %s asks below it', async (path) => {
  const server = await serve(json(transaction()));
  await clientFor(new URL(path, server.base)).getTransaction(transactionId);
  expect(server.requests[0]?.url).toBe(`/id-scan/v1/transactions/${transactionId}`);
});

test('IDs are encoded into one path segment each', () => {
  const base = toBaseUrl(new URL('https://api.cm.com/id-scan/v1'));
  const template = 'transactions/{transactionId}/results/{resultId}';
  const url = apiUrl(base, template, { transactionId: 'a/../b?c#d%2e', resultId: '//e\\f:{transactionId}' });
  expect(url.href).toBe(
    'https://api.cm.com/id-scan/v1/transactions/a%2F..%2Fb%3Fc%23d%252e/results/%2F%2Fe%5Cf%3A%7BtransactionId%7D',
  );
});

test.each(['', '.', '..', 'a\nb', 'a\u0000', '\ud800', 'x'.repeat(129)])('%j is no ID', async (id) => {
  const server = await serve(json(transaction()));
  const client = clientFor(server.base);
  await failureOf(client.getTransaction(id), 'input_invalid');
  await failureOf(client.getResult(transactionId, id), 'input_invalid');
  await failureOf(client.downloadAuditReport(id, resultId, noSink), 'input_invalid');
  expect(server.accepted()).toBe(0);
});

test.each([
  '//evil.example/{resultId}',
  'https://evil.example/{resultId}',
  'http://api.cm.com/{resultId}',
  '\\\\evil.example\\{resultId}',
  'javascript:{resultId}',
  'transactions/{transaction_id}/{resultId}',
  'transactions/audit-report',
  'https://api.cm.com:99999/{resultId}',
])('%s may not be the path of audit reports', (auditReportPath) => {
  const baseUrl = new URL('https://api.cm.com/id-scan/v1/');
  const input = { baseUrl, keyId: 'k', keySecret: 's', tokenTtlSeconds: 60, auditReportPath };
  expect(() => createVendorClient(input)).toThrow(expect.objectContaining({ code: 'config_invalid' }) as Error);
});

const base = toBaseUrl(new URL('https://api.cm.com/id-scan/v1/'));

test.each([
  ['https://api.cm.com/id-scan/v1/downloads/TOK', 'https://api.cm.com/id-scan/v1/downloads/TOK'],
  ['HTTPS://API.CM.COM:443/elsewhere?x=1#part', 'https://api.cm.com/elsewhere?x=1'],
  ['https://api.cm.com//evil.example/x', 'https://api.cm.com//evil.example/x'],
  ['https://api.cm.com/a/../b', 'https://api.cm.com/b'],
  ['https://api.cm.com?x=https://evil.example', 'https://api.cm.com/?x=https://evil.example'],
  ['https://api.cm.com#@evil.example/x', 'https://api.cm.com/'],
  ['https://api.cm.com/@evil.example', 'https://api.cm.com/@evil.example'],
])('%s is requested as it is parsed', (given, requested) => {
  expect(fileUrl(base, given).href).toBe(requested);
});

/** `{api}` stands for the API's own host and port, `{trap}` for a trap's, `{port}` for the trap's port. */
const hostile = [
  '',
  ' ',
  '/',
  'downloads/TOK',
  '/id-scan/v1/downloads/TOK',
  '?TOK',
  '//{trap}/x',
  '///{trap}/x',
  '\\\\{trap}\\x',
  '/\\{trap}/x',
  'http://{trap}/x',
  'http:{trap}/x',
  'http:/{trap}/x',
  'http:///{trap}/x',
  'http:\\\\{trap}\\x',
  'http:\\\\{api}\\x',
  'http:/{api}/x',
  'http://{api}\\@{trap}/x',
  'http://{api}\\.{trap}/x',
  'http://{api}@{trap}/x',
  'http://{api}:pass@{trap}/x',
  'http://user@{api}/x',
  'http://user:pass@{api}/x',
  'http://@{api}/x',
  'http://:@{api}/x',
  'http://{trap}#@{api}/x',
  'http://{trap}?@{api}/x',
  'http://{trap}/@{api}/x',
  'http://{api}%40{trap}/x',
  'http://{api}%2f@{trap}/x',
  'http://127.0.0.1:{port}/x',
  'http://127.0.0.2:{port}/x',
  'http://localhost:{port}/x',
  'http://2130706433:{port}/x',
  'http://[::1]:{port}/x',
  'http://0x7f000001:{port}/x',
  'http://127.0.0.1.:{port}/x',
  'http://127.0.0.1/x',
  'http://127.0.0.1.evil.example/x',
  'http://{api}.evil.example/x',
  'http://{api}evil.example/x',
  'http://x{api}/x',
  'https://{api}/x',
  'https://{trap}/x',
  'ftp://{api}/x',
  'ws://{api}/x',
  'file:///etc/passwd',
  'file://{api}/x',
  'javascript:fetch("http://{trap}")',
  'data:text/plain,x',
  'blob:http://{api}/x',
  '\thttp://{trap}/x',
  'http://{api}/x\n',
  'ht\ntp://{trap}/x',
  'http://\t{trap}/x',
  'http://{api}\t@{trap}/x',
  'http://{api}/x\r\nhost: {trap}',
  ' http://{api}/x',
  'http://{api}/x\u0000',
  'http://１２７.0.0.1:{port}/x',
  'http://аpi.cm.com/x',
  'http://{api}\u3002evil.example/x',
  'http://{api}\u200b/x',
  'http://',
  'http://:{port}/x',
  'http://{api}9999/x',
  'http://[{api}]/x',
  'view-source:http://{api}/x',
  `http://{api}/${'x'.repeat(9_000)}`,
];

test('a token goes to the configured origin only: hostile URLs cause no connection at all', async () => {
  const server = await serve(json({}));
  const trap = await serveRaw((socket) => socket.end());
  const client = clientFor(server.base);
  for (const form of hostile) {
    const url = form
      .replaceAll('{api}', server.base.host)
      .replaceAll('{trap}', `127.0.0.1:${trap.port}`)
      .replaceAll('{port}', String(trap.port));
    const error = await failureOf(client.downloadFile(url, noSink), 'vendor_url_refused');
    expect(allOf(error), form).not.toContain(String(trap.port));
    expect(allOf(error), form).not.toContain(String(server.port));
  }
  expect(hostile.length).toBeGreaterThan(40);
  expect([server.accepted(), trap.accepted()]).toEqual([0, 0]);
});
