import http from 'node:http';
import net from 'node:net';
import { expect, onTestFinished } from 'vitest';
import { LedgerError, type ErrorCode } from '../../src/errors.ts';
import { createVendorClient, type VendorClient, type VendorClientInput } from '../../src/id-scan/client.ts';

export const transactionId = '11111111-2222-4333-8444-555555555555';
export const resultId = '66666666-7777-4888-8999-aaaaaaaaaaaa';
export const otherId = 'bbbbbbbb-cccc-4ddd-8eee-ffffffffffff';
export const keySecret = 'AC4Etykn7jusGR5FwLDAtILtQbiQbTMKedP31szXg4WlSbjGEXyNMZ';

export type Peer = {
  /** `http://127.0.0.1:<port>/id-scan/v1/` */
  readonly base: URL;
  readonly port: number;
  /** Connections accepted so far, and those still open. */
  readonly accepted: () => number;
  readonly open: () => number;
};

/** A TCP server of the test's own making, gone when the test ends. */
export async function serveRaw(onSocket: (socket: net.Socket) => void): Promise<Peer> {
  return listen(net.createServer(onSocket));
}

/** An HTTP server that records what it was asked. */
export async function serve(
  answer: (request: http.IncomingMessage, response: http.ServerResponse) => void,
): Promise<Peer & { readonly requests: http.IncomingMessage[] }> {
  const requests: http.IncomingMessage[] = [];
  const server = http.createServer((request, response) => {
    requests.push(request);
    answer(request, response);
  });
  server.on('clientError', () => undefined);
  return { ...(await listen(server)), requests };
}

export async function listen(server: net.Server, host = '127.0.0.1', scheme = 'http'): Promise<Peer> {
  const sockets = new Set<net.Socket>();
  let accepted = 0;
  server.on('connection', (socket) => {
    accepted += 1;
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  const { port } = server.address() as net.AddressInfo;
  const base = new URL(`${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}/id-scan/v1/`);
  return { base, port, accepted: () => accepted, open: () => sockets.size };
}

/** A client of the code under test, closed when the test ends. */
export function clientFor(baseUrl: URL, overrides: Partial<VendorClientInput> = {}): VendorClient {
  const client = createVendorClient({
    baseUrl,
    keyId: '3b438437-04a4-40bb-8389-54bb02766fba',
    keySecret,
    tokenTtlSeconds: 60,
    auditReportPath: 'transactions/{transactionId}/results/{resultId}/audit-report',
    ...overrides,
  });
  onTestFinished(() => client.close());
  return client;
}

/** The error a promise ends with; it has to be one of the program's own, with this code. */
export async function failureOf(promise: Promise<unknown>, code: ErrorCode): Promise<LedgerError> {
  const error: unknown = await promise.then(
    () => 'no error',
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(LedgerError);
  expect((error as LedgerError).code).toBe(code);
  return error as LedgerError;
}

/** Everything an error says, its causes included, whether enumerable or not. */
export function allOf(error: unknown, seen = new Set<unknown>()): string {
  if (typeof error !== 'object' || error === null || seen.has(error)) return String(error);
  seen.add(error);
  return Reflect.ownKeys(error)
    .map((key) => `${String(key)}=${allOf((error as Record<PropertyKey, unknown>)[key], seen)}`)
    .join('\n');
}

/** Waits until a condition holds; fails after five seconds. */
export async function until(condition: () => boolean): Promise<void> {
  await expect.poll(condition, { timeout: 5_000, interval: 5 }).toBe(true);
}

/** Answers every request with this JSON text or value. */
export function json(body: unknown, headers: http.OutgoingHttpHeaders = {}) {
  return (_: http.IncomingMessage, response: http.ServerResponse): void => {
    response.writeHead(200, { 'content-type': 'application/json', ...headers });
    response.end(typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body));
  };
}

/** A small valid transaction. */
export function transaction(overrides: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    id: transactionId,
    state: 'pending',
    created: '2026-10-01T10:00:00+00:00',
    expires: '2026-10-01T12:00:00+00:00',
    completed: null,
    tasks: [],
    ...overrides,
  };
}

export const noSink = (): void => undefined;

/** A server that sends zeros for as long as somebody takes them. */
export async function endless(head = 'HTTP/1.1 200 OK\r\n\r\n') {
  const sent = { bytes: 0 };
  const zeros = Buffer.alloc(64 * 1_024);
  const peer = await serveRaw((socket) => {
    const send = (): void => {
      while (socket.writable && socket.write(zeros)) sent.bytes += zeros.byteLength;
      sent.bytes += zeros.byteLength;
    };
    socket.once('data', () => {
      socket.write(head);
      socket.on('drain', send);
      send();
    });
  });
  return { ...peer, sent };
}
