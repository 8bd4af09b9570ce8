import { describe, expect, test } from 'vitest';
import type { ErrorCode } from '../../src/errors.ts';
import { parseRetryAfter, sanitizeMessage } from '../../src/id-scan/failures.ts';
import { allOf, clientFor, failureOf, json, noSink, serve, transaction, transactionId } from './support.ts';

const now = new Date('2026-11-01T12:00:00.000Z');

/** A server that always answers so. */
async function refusing(status: number, body: unknown = { status, message: 'No.' }, headers = {}) {
  return serve((_, response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(typeof body === 'string' ? body : JSON.stringify(body));
  });
}

test.each<[number, ErrorCode]>([
  [201, 'vendor_answer_invalid'],
  [202, 'vendor_answer_invalid'],
  [204, 'vendor_answer_invalid'],
  [206, 'vendor_answer_invalid'],
  [400, 'vendor_rejected'],
  [402, 'vendor_rejected'],
  [403, 'vendor_forbidden'],
  [404, 'vendor_not_found'],
  [405, 'vendor_rejected'],
  [408, 'vendor_unavailable'],
  [409, 'vendor_rejected'],
  [410, 'vendor_gone'],
  [422, 'vendor_rejected'],
  [425, 'vendor_unavailable'],
  [429, 'vendor_rate_limited'],
  [499, 'vendor_rejected'],
  [500, 'vendor_unavailable'],
  [502, 'vendor_unavailable'],
  [503, 'vendor_unavailable'],
  [504, 'vendor_unavailable'],
  [599, 'vendor_unavailable'],
  [999, 'vendor_unavailable'],
])('%d is %s, asked once', async (status, code) => {
  const server = await refusing(status);
  const client = clientFor(server.base);
  const error = await failureOf(client.getTransaction(transactionId), code);
  expect(error.fields.status).toBe(status);
  if (status !== 204) expect(error.fields.vendorMessage).toBe('No.');
  const chunks: Uint8Array[] = [];
  const download = client.downloadFile(
    new URL('downloads/TOKEN', server.base).href,
    (chunk) => void chunks.push(chunk),
  );
  expect(allOf(await failureOf(download, code))).not.toContain('TOKEN');
  expect(chunks).toEqual([]);
  expect(server.requests).toHaveLength(2);
});

describe('401', () => {
  test('is answered with a new token, once', async () => {
    const clock = { ms: now.getTime() };
    const server = await serve((request, response) => {
      clock.ms += 1_000;
      if (server.requests.length === 1) response.writeHead(401).end('{"status":401,"message":"expired"}');
      else json(transaction())(request, response);
    });
    const waits = { count: 0 };
    const beforeRequest = (): Promise<() => void> => {
      waits.count += 1;
      return Promise.resolve(() => undefined);
    };
    const client = clientFor(server.base, { now: () => new Date(clock.ms), beforeRequest });
    await client.getTransaction(transactionId);
    await client.getTransaction(transactionId);
    const [refused, renewed, reused] = server.requests.map((request) => request.headers.authorization);
    expect(renewed).not.toBe(refused);
    expect(reused).toBe(renewed);
    expect(waits.count).toBe(3);
  });

  test('twice is the end', async () => {
    const server = await refusing(401, { status: 401, message: 'Signature verification failed' });
    const error = await failureOf(clientFor(server.base).getTransaction(transactionId), 'vendor_unauthorized');
    expect(error.fields).toEqual({ status: 401, vendorMessage: 'Signature verification failed' });
    expect(error.hint).toBeDefined();
    expect(server.requests).toHaveLength(2);
    expect(allOf(error)).not.toMatch(/eyJ|Bearer/);
  });

  test('then something else is that', async () => {
    const server = await serve((_, response) => response.writeHead(server.requests.length === 1 ? 401 : 404).end());
    await failureOf(clientFor(server.base).getTransaction(transactionId), 'vendor_not_found');
  });

  test('of many calls at once signs one new token', async () => {
    const clock = { ms: now.getTime() };
    const server = await serve((request, response) => {
      if (request.headers.authorization === server.requests[0]?.headers.authorization) {
        clock.ms = now.getTime() + 1_000;
        response.writeHead(401).end();
      } else json(transaction())(request, response);
    });
    const client = clientFor(server.base, { now: () => new Date(clock.ms) });
    await Promise.all(Array.from({ length: 20 }, () => client.getTransaction(transactionId)));
    expect(new Set(server.requests.map((request) => request.headers.authorization)).size).toBe(2);
  });
});

test('one token serves many calls', async () => {
  const server = await serve(json(transaction()));
  const clock = { ms: now.getTime() };
  const client = clientFor(server.base, { now: () => new Date((clock.ms += 100)) });
  for (let call = 0; call < 30; call += 1) await client.getTransaction(transactionId);
  expect(new Set(server.requests.map((request) => request.headers.authorization)).size).toBe(1);
});

test('refusals are read to their end, so that their connections serve on', async () => {
  const server = await refusing(404);
  const client = clientFor(server.base);
  for (let call = 0; call < 30; call += 1) await failureOf(client.getTransaction(transactionId), 'vendor_not_found');
  expect(server.accepted()).toBeLessThanOrEqual(2);
});

describe('Retry-After', () => {
  test.each<[string | undefined, number]>([
    [undefined, 2_000],
    ['', 2_000],
    ['soon', 2_000],
    ['-5', 2_000],
    ['1.5', 2_000],
    ['1e9', 2_000],
    ['0x10', 2_000],
    ['2026', 900_000],
    ['0', 1_000],
    ['1', 1_000],
    ['30', 30_000],
    [' 30 ', 30_000],
    ['99999999999999999999999999', 900_000],
    ['Sun, 01 Nov 2026 12:00:42 GMT', 42_000],
    ['Sunday, 01-Nov-26 12:00:42 GMT', 42_000],
    ['Sun Nov  1 12:00:42 2026', 42_000],
    ['Sun, 01 Nov 2026 11:00:00 GMT', 1_000],
    ['Sun, 01 Nov 2099 12:00:00 GMT', 900_000],
    ['Sun, 99 Nov 2026 12:00:00 GMT', 2_000],
    ['2026-11-01T12:00:42Z', 2_000],
    ['Sun, 01 Nov 2026 12:00:42 +0200', 2_000],
  ])('%s of a 429 waits %d ms', async (header, retryAfterMs) => {
    const server = await refusing(429, {}, header === undefined ? {} : { 'retry-after': header });
    const client = clientFor(server.base, { now: () => now });
    const error = await failureOf(client.getTransaction(transactionId), 'vendor_rate_limited');
    expect(error.fields).toEqual({ status: 429, retryAfterMs });
  });

  test.each<[number, string | undefined, number | undefined]>([
    [503, '7', 7_000],
    [503, undefined, undefined],
    [503, 'soon', undefined],
    [500, '7', undefined],
    [404, '7', undefined],
  ])('%d with %s', async (status, header, retryAfterMs) => {
    const server = await refusing(status, {}, header === undefined ? {} : { 'retry-after': header });
    const failing = clientFor(server.base).getTransaction(transactionId);
    const error: unknown = await failing.catch((reason: unknown) => reason);
    expect(error).toMatchObject({ fields: { status } });
    expect((error as { fields: { retryAfterMs?: number } }).fields.retryAfterMs).toBe(retryAfterMs);
  });

  test('the hour of the form without a zone is GMT whatever the machine’s zone', () => {
    expect(parseRetryAfter('Sun Nov  1 12:00:42 2026', now)).toBe(42_000);
  });
});

describe('the vendor’s message', () => {
  test.each([
    ['Transaction not found', 'Transaction not found'],
    [`no ${transactionId} here`, `no ${transactionId} here`],
    ['a\u0000b\r\nc\u001b[31m\u202ed', 'a b c [31m d'],
    ['see https://api.cm.com/downloads/TOK1 now', 'see […] now'],
    ['GET /id-scan/v1/downloads/TOK1', 'GET […]'],
    ['at downloads%2FTOK1.', 'at […]'],
    ['bad eyJhbGciOiJIUzI1NiJ9.eyJpYXQiOjF9.bwqCUHS1d5d8guAPHDsdd9', 'bad […]'],
    ['bad Bearer abc', 'bad […]'],
    ['unable_to_determine_date_of_expiry', 'unable_to_determine_date_of_expiry'],
    ['key AC4Etykn7jusGR5FwLDAtILtQbiQbTMKedP31szXg4WlSbjGEXyNMZ', 'key […]'],
    ['\ud800x', 'x'],
    ['', ''],
  ])('%j reads %j', (given, shown) => {
    expect(sanitizeMessage(given)).toBe(shown);
  });

  test('is short, also where it is cut within a pair', () => {
    expect(sanitizeMessage(`${'a '.repeat(99)}x😀`)).toHaveLength(200);
    expect(sanitizeMessage(`${'a '.repeat(99)}x😀`).isWellFormed()).toBe(true);
  });

  test.each<[string, unknown, Record<string, string>]>([
    ['no JSON', '<html>down</html>', {}],
    ['no object', '"down"', {}],
    ['null', 'null', {}],
    ['no text', { status: 404, message: { text: 'x' } }, {}],
    ['nothing', '', {}],
    ['too large', { message: 'x'.repeat(70_000) }, {}],
    ['broken off', '{"message":"x"}', { 'content-length': '99' }],
    ['compressed', '{"message":"x', { 'content-encoding': 'gzip' }],
  ])('is left out when the body is %s; the status still counts', async (_, body, headers) => {
    const server = await refusing(404, body, headers);
    const limits = { jsonTimeoutMs: 500 };
    const failing = clientFor(server.base, { limits }).getTransaction(transactionId);
    expect((await failureOf(failing, 'vendor_not_found')).fields).toEqual({ status: 404 });
  });

  test('never comes from a body of 200', async () => {
    const server = await serve(json({ message: 'Mustermann' }));
    const client = clientFor(server.base);
    expect(allOf(await failureOf(client.getTransaction(transactionId), 'vendor_answer_invalid'))).not.toContain(
      'Muster',
    );
    await client.downloadFile(new URL('f', server.base).href, noSink);
  });
});
