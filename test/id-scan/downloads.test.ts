import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { VendorClient } from '../../src/id-scan/client.ts';
import { clientFor, endless, failureOf, noSink, resultId, serve, transactionId, until, type Peer } from './support.ts';

const mebibyte = 1_024 * 1_024;

/** Both ways to a file, for what holds of both. */
const ways: [
  string,
  (
    client: VendorClient,
    peer: Peer,
    sink?: Parameters<VendorClient['downloadFile']>[1],
  ) => ReturnType<VendorClient['downloadFile']>,
][] = [
  [
    'downloadFile',
    (client, peer, sink = noSink) => client.downloadFile(new URL('downloads/TOK', peer.base).href, sink),
  ],
  ['downloadAuditReport', (client, _, sink = noSink) => client.downloadAuditReport(transactionId, resultId, sink)],
];

test.each(ways)('%s streams every byte in order', async (_, download) => {
  const content = Buffer.from(Array.from({ length: 300_000 }, (_, index) => index % 251));
  const server = await serve((_, response) => response.writeHead(200, { 'content-type': 'image/jpeg' }).end(content));
  const chunks: Uint8Array[] = [];
  const result = await download(clientFor(server.base), server, async (chunk) => {
    await nextTurn();
    chunks.push(chunk);
  });
  expect(result).toEqual({ bytes: 300_000, contentType: 'image/jpeg' });
  expect(Buffer.concat(chunks).equals(content)).toBe(true);
});

test('the token goes with a file, the path is the one given, the fragment stays here', async () => {
  const server = await serve((_, response) => response.end('x'));
  await clientFor(server.base).downloadFile(new URL('/other/a%2Fb?c=d#e', server.base).href, noSink);
  expect(server.requests[0]?.url).toBe('/other/a%2Fb?c=d');
  expect(server.requests[0]?.headers).toMatchObject({
    accept: '*/*',
    'accept-encoding': 'identity',
    authorization: expect.stringMatching(/^Bearer /) as string,
  });
});

test.each([
  [
    'transactions/{transactionId}/results/{resultId}/audit-report',
    `/id-scan/v1/transactions/${transactionId}/results/${resultId}/audit-report`,
  ],
  ['/audit/{resultId}.pdf?of={transactionId}', `/audit/${resultId}.pdf?of=${transactionId}`],
  ['../v2/{resultId}', `/id-scan/v2/${resultId}`],
])('the audit report is asked for at %s', async (auditReportPath, path) => {
  const server = await serve((_, response) => response.end('%PDF-'));
  await clientFor(server.base, { auditReportPath }).downloadAuditReport(transactionId, resultId, noSink);
  expect(server.requests[0]?.url).toBe(path);
  expect(server.requests[0]?.headers.accept).toMatch(/^application\/pdf/);
});

test.each([
  ['application/pdf', 'application/pdf'],
  ['Application/PDF; charset=binary', 'application/pdf'],
  ['image/svg+xml;x="y;z"', 'image/svg+xml'],
  [undefined, null],
  ['pdf', null],
  ['text/html, application/pdf', null],
  [`application/${'x'.repeat(500)}`, null],
  ['=cmd|/x', null],
])('the content type %s is reported as %s', async (header, contentType) => {
  const server = await serve((_, response) => {
    response.writeHead(200, header === undefined ? {} : { 'content-type': header }).end('x');
  });
  const result = await clientFor(server.base).downloadFile(new URL('f', server.base).href, noSink);
  expect(result).toEqual({ bytes: 1, contentType });
});

test('an empty file is no failure here', async () => {
  const server = await serve((_, response) => response.writeHead(200, { 'content-length': 0 }).end());
  const result = await clientFor(server.base).downloadFile(new URL('f', server.base).href, noSink);
  expect(result).toEqual({ bytes: 0, contentType: null });
});

test.each(ways)('%s stops an endless file at 25 MiB', async (_, download) => {
  const server = await endless();
  let taken = 0;
  const failing = download(clientFor(server.base), server, (chunk) => void (taken += chunk.byteLength));
  await failureOf(failing, 'vendor_answer_too_large');
  expect(taken).toBeLessThanOrEqual(25 * mebibyte);
  expect(taken).toBeGreaterThan(24 * mebibyte);
  await until(() => server.open() === 0);
});

test.each(ways)('%s refuses an announced size before it takes a byte', async (_, download) => {
  const server = await endless(`HTTP/1.1 200 OK\r\ncontent-length: ${25 * mebibyte + 1}\r\n\r\n`);
  let taken = 0;
  const failing = download(clientFor(server.base), server, (chunk) => void (taken += chunk.byteLength));
  await failureOf(failing, 'vendor_answer_too_large');
  expect(taken).toBe(0);
  await until(() => server.open() === 0);
});

test.each([
  [
    'at once',
    () => {
      throw new RangeError('disk full');
    },
  ],
  ['later', () => Promise.reject(new RangeError('disk full'))],
])('what the sink throws %s comes out as it is, and the connection ends', async (_, sink) => {
  const server = await endless();
  const failing = clientFor(server.base).downloadFile(new URL('f', server.base).href, sink);
  await expect(failing).rejects.toThrow(new RangeError('disk full'));
  await until(() => server.open() === 0);
});

test('a sink that never finishes ends with the deadline', async () => {
  const server = await endless();
  const limits = { fileTimeoutMs: 150 };
  const never = (): Promise<void> => new Promise(() => undefined);
  const failing = clientFor(server.base, { limits }).downloadFile(new URL('f', server.base).href, never);
  await failureOf(failing, 'vendor_timeout');
  await until(() => server.open() === 0);
});

test('a file that breaks off is truncated, whatever the sink has taken', async () => {
  const server = await serve((_, response) => {
    response.writeHead(200, { 'content-length': 100 }).write('x'.repeat(10), () => response.destroy());
  });
  let taken = 0;
  const failing = clientFor(server.base).downloadFile(new URL('downloads/TOK', server.base).href, (chunk) => {
    taken += chunk.byteLength;
  });
  const error = await failureOf(failing, 'vendor_answer_truncated');
  expect(taken).toBe(10);
  expect(JSON.stringify([error.message, error.fields, error.hint])).not.toContain('TOK');
});
