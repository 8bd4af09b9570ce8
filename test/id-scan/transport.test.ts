import type net from 'node:net';
import { describe, expect, test } from 'vitest';
import type { ErrorCode } from '../../src/errors.ts';
import { allOf, clientFor, failureOf, json, noSink, serve, serveRaw, transaction, transactionId } from './support.ts';
import { until } from './support.ts';

const body = JSON.stringify(transaction());
const ok = 'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n';
const chunk = (text: string): string => `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;

/** A server that answers each request with these bytes as they are, then does `then`. */
async function answering(bytes: string | Buffer, then: (socket: net.Socket) => void = (socket) => socket.end()) {
  const seen = { requests: 0 };
  const peer = await serveRaw((socket) =>
    socket.on('data', () => {
      seen.requests += 1;
      socket.write(bytes, () => then(socket));
    }),
  );
  return { ...peer, seen };
}

const stay = (): void => undefined;
const reset = (socket: net.Socket): unknown => socket.resetAndDestroy();

describe('an answer that is whole', () => {
  test.each([
    ['with a length', `${ok}content-length: ${body.length}\r\n\r\n${body}`],
    ['in chunks', `${ok}transfer-encoding: chunked\r\n\r\n${chunk(body.slice(0, 9))}${chunk(body.slice(9))}0\r\n\r\n`],
    ['up to the end of the connection', `${ok}connection: close\r\n\r\n${body}`],
    ['after a 103', `HTTP/1.1 103 Early Hints\r\n\r\n${ok}content-length: ${body.length}\r\n\r\n${body}`],
    ['said to be identity', `${ok}content-encoding: Identity\r\ncontent-length: ${body.length}\r\n\r\n${body}`],
  ])('%s is read', async (_, bytes) => {
    const server = await answering(bytes);
    const facts = await clientFor(server.base).getTransaction(transactionId);
    expect(facts.transactionId).toBe(transactionId);
  });

  test('is asked for with a token, as identity and as JSON', async () => {
    const server = await serve(json(transaction()));
    await clientFor(server.base, { userAgent: 'a test' }).getTransaction(transactionId);
    const [request] = server.requests;
    expect(request?.method).toBe('GET');
    expect(request?.headers).toMatchObject({
      host: server.base.host,
      accept: 'application/json',
      'accept-encoding': 'identity',
      'user-agent': 'a test',
      authorization: expect.stringMatching(/^Bearer eyJ[\w-]+\.[\w-]+\.[\w-]+$/) as string,
    });
  });
});

describe('an answer that is not whole', () => {
  const length = `${ok}content-length: ${body.length + 1}\r\n\r\n`;
  test.each<[string, ErrorCode, string, (socket: net.Socket) => unknown]>([
    ['cut before its length', 'vendor_answer_truncated', length + body, (socket) => socket.end()],
    ['reset before its length', 'vendor_answer_truncated', length + body, reset],
    ['reset before its length, not kept alive', 'vendor_answer_truncated', `connection: close\r\n`, reset],
    ['longer than its length', 'vendor_answer_truncated', `${ok}content-length: 40\r\n\r\n${body}`, stay],
    [
      'cut between chunks',
      'vendor_answer_truncated',
      `${ok}transfer-encoding: chunked\r\n\r\n${chunk(body)}`,
      (s) => s.end(),
    ],
    ['cut in a chunk', 'vendor_answer_truncated', `${ok}transfer-encoding: chunked\r\n\r\nff\r\n{`, (s) => s.end()],
    [
      'broken in its chunks',
      'vendor_answer_truncated',
      `${ok}transfer-encoding: chunked\r\n\r\n2\r\n{}Mustermann`,
      stay,
    ],
    [
      'cut without a length',
      'vendor_answer_truncated',
      `${ok}connection: close\r\n\r\n${body.slice(0, -1)}`,
      (s) => s.end(),
    ],
    ['cut in its headers', 'vendor_unreachable', ok, (socket) => socket.end()],
    ['reset in its headers', 'vendor_unreachable', ok, reset],
    ['nothing but the end', 'vendor_unreachable', '', (socket) => socket.end()],
    ['nothing but a reset', 'vendor_unreachable', '', reset],
    ['not HTTP', 'vendor_unreachable', 'SSH-2.0-OpenSSH_9.6\r\n', stay],
    ['of two lengths', 'vendor_answer_truncated', `${ok}content-length: 2\r\ncontent-length: 3\r\n\r\n{}`, stay],
    ['of huge headers', 'vendor_answer_too_large', `${ok}x: ${'x'.repeat(70_000)}\r\n\r\n`, stay],
    [
      'switching protocols',
      'vendor_unreachable',
      'HTTP/1.1 101 Switching\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n',
      stay,
    ],
  ])('%s: %s', async (_, code, given, then) => {
    const isCloseOnly = given === 'connection: close\r\n';
    const bytes = isCloseOnly ? `${ok}connection: close\r\ncontent-length: 999\r\n\r\n${body}` : given;
    const server = await answering(bytes, then);
    const error = await failureOf(clientFor(server.base).getTransaction(transactionId), code);
    expect(server.seen.requests, 'asked once').toBe(1);
    expect(allOf(error)).not.toContain('Mustermann');
    expect(error.message).not.toContain(String(server.port));
    if (code !== 'vendor_answer_too_large') expect(allOf(error)).not.toContain('eyJ');
  });

  test('nobody listens', async () => {
    const gone = await serveRaw(stay);
    const client = clientFor(new URL(`http://127.0.0.1:1/`));
    expect(gone.accepted()).toBe(0);
    const error = await failureOf(client.getTransaction(transactionId), 'vendor_unreachable');
    expect(error.cause).toMatchObject({ code: 'ECONNREFUSED' });
  });

  test('the name does not exist', async () => {
    const client = clientFor(new URL('https://idscan-ledger.invalid/'));
    const error = await failureOf(client.getTransaction(transactionId), 'vendor_unreachable');
    expect(error.cause).toBeInstanceOf(Error);
  });
});

describe('one deadline per call', () => {
  const limits = { jsonTimeoutMs: 150, fileTimeoutMs: 150 };

  test.each([
    ['silence after accept', ''],
    ['silence within the headers', ok],
    ['silence after the headers', `${ok}content-length: 9\r\n\r\n`],
    ['silence within the body', `${ok}content-length: 9\r\n\r\n{`],
  ])('%s', async (_, bytes) => {
    const server = await answering(bytes, stay);
    const client = clientFor(server.base, { limits });
    await failureOf(client.getTransaction(transactionId), 'vendor_timeout');
    await failureOf(client.downloadFile(new URL('f', server.base).href, noSink), 'vendor_timeout');
    await until(() => server.open() === 0);
  });

  test('a byte now and then does not extend it', async () => {
    const trickle = (socket: net.Socket): void => {
      const timer = setInterval(() => socket.write(' '), 10);
      socket.on('close', () => clearInterval(timer));
    };
    const server = await answering(`${ok}content-length: 100000\r\n\r\n`, trickle);
    await failureOf(clientFor(server.base, { limits }).getTransaction(transactionId), 'vendor_timeout');
    await until(() => server.open() === 0);
  });

  test('waiting for a connection counts', async () => {
    const server = await answering('', stay);
    const patient = { ...limits, fileTimeoutMs: 60_000 };
    const client = clientFor(server.base, { limits: patient, connections: 1 });
    const first = failureOf(client.downloadFile(new URL('f', server.base).href, noSink), 'interrupted');
    await until(() => server.seen.requests === 1);
    await failureOf(client.getTransaction(transactionId), 'vendor_timeout');
    await client.close();
    await first;
    expect(server.seen.requests).toBe(1);
  });

  test('the repeat after a 401 has what is left of it', async () => {
    const late = { count: 0 };
    const server = await serve((_, response) => {
      late.count += 1;
      if (late.count === 1) setTimeout(() => response.writeHead(401).end(), 1_000);
    });
    const startedMs = performance.now();
    const client = clientFor(server.base, { limits: { jsonTimeoutMs: 2_000 } });
    await failureOf(client.getTransaction(transactionId), 'vendor_timeout');
    expect(late.count).toBe(2);
    // With a time of its own it would end after 3 s.
    expect(performance.now() - startedMs).toBeLessThan(2_900);
  });

  test('a 401 that takes all of it is not repeated', async () => {
    const server = await serve((_, response) => void response.writeHead(401, { 'content-length': 9 }).write('{'));
    await failureOf(clientFor(server.base, { limits }).getTransaction(transactionId), 'vendor_timeout');
    expect(server.requests).toHaveLength(1);
  });

  test('waiting for the rate limiter does not count', async () => {
    const server = await serve((_, response) => {
      const isFirst = server.requests.length === 1;
      response.writeHead(isFirst ? 401 : 200).end(isFirst ? '' : body);
    });
    const beforeRequest = (): Promise<() => void> =>
      new Promise((resolve) => setTimeout(() => resolve(() => undefined), 600));
    const client = clientFor(server.base, { limits: { jsonTimeoutMs: 500 }, beforeRequest });
    const facts = await client.getTransaction(transactionId);
    expect(facts.state).toBe('pending');
  });
});

describe('size', () => {
  const limits = { jsonBytes: 1_000 };

  test.each([
    ['announced', `${ok}content-length: 1001\r\n\r\n`],
    ['sent though nothing was announced', `${ok}transfer-encoding: chunked\r\n\r\n${chunk('x'.repeat(1_001))}`],
    ['sent up to the end', `${ok}connection: close\r\n\r\n${'x'.repeat(1_001)}`],
  ])('too much %s', async (_, bytes) => {
    const server = await answering(bytes, stay);
    await failureOf(clientFor(server.base, { limits }).getTransaction(transactionId), 'vendor_answer_too_large');
    await until(() => server.open() === 0);
  });

  test('exactly the limit is read', async () => {
    const server = await answering(`${ok}content-length: 1000\r\n\r\n${body.padEnd(1_000)}`, stay);
    await expect(clientFor(server.base, { limits }).getTransaction(transactionId)).resolves.toBeDefined();
  });
});

test.each(['gzip', 'GZIP', 'br', 'identity, gzip', 'x'])('content-encoding %s is refused', async (encoding) => {
  const server = await serve(json(transaction(), { 'content-encoding': encoding }));
  const client = clientFor(server.base);
  await failureOf(client.getTransaction(transactionId), 'vendor_encoding_refused');
  await failureOf(client.downloadFile(new URL('f', server.base).href, noSink), 'vendor_encoding_refused');
});

test.each([300, 301, 302, 303, 304, 305, 307, 308, 399])('a %d is not followed', async (status) => {
  const trap = await serveRaw((socket) => socket.end());
  const location = `http://127.0.0.1:${trap.port}/downloads/SECRET`;
  const server = await serve((_, response) => response.writeHead(status, { location }).end());
  const client = clientFor(server.base);
  const error = await failureOf(client.getTransaction(transactionId), 'vendor_redirect_refused');
  await failureOf(client.downloadFile(new URL('f', server.base).href, noSink), 'vendor_redirect_refused');
  expect(allOf(error)).not.toContain('SECRET');
  expect(trap.accepted()).toBe(0);
});
