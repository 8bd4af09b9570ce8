import { Readable } from 'node:stream';
import Fastify, { type FastifyRequest } from 'fastify';
import { describe, expect, test } from 'vitest';
import { addAccessLog } from '../../src/http/access-log.ts';
import { ask, bearer, sha256 } from './support.ts';
import { createCliEnvironment, runCli, startCli } from '../support/cli.ts';
import { atEnd, waitFor } from '../support/books.ts';
import { freePort } from '../support/redis-servers.ts';

const tokens = {
  anna: 'anna-s-token-of-the-tests',
  operator: 'operator-token-of-the-tests',
  carla: 'carla-s-token-of-the-tests',
};
const names = {
  anna: 'token anna.b@example.com',
  carla: 'token carla',
  operator: `token ${sha256(tokens.operator).slice(0, 8)}`,
};
const form = { 'content-type': 'application/x-www-form-urlencoded', 'sec-fetch-site': 'same-origin' };
const id = '11111111-2222-4333-8444-555555555555';

/** Runs `serve`, does what it is told there, ends it, and reads its log. */
async function logOf(
  logLevel: string,
  act: (send: (path: string, init?: Parameters<typeof ask>[2]) => ReturnType<typeof ask>) => Promise<void>,
) {
  const port = await freePort();
  const environment = await createCliEnvironment({
    HTTP_PORT: String(port),
    LOG_LEVEL: logLevel,
    HTTP_TOKENS: `finance:${sha256(tokens.anna)}:anna.b@example.com,operator:${sha256(tokens.operator)},custodian:${sha256(tokens.carla)}:carla`,
  });
  expect((await runCli(['report', '2026-10'], environment)).code).toBe(0);
  const child = startCli(['serve'], environment);
  // Not every level says where it listens.
  await waitFor('the service', () => ask(port, '/healthz', {}).catch(() => undefined));
  await act((path, init = {}) => ask(port, path, init));
  child.kill('SIGTERM');
  const { stderr } = await child.result;
  const lines = stderr
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line.replace(/"time":"[^"]*",/, '')) as Record<string, unknown>);
  const said = (msg: string) => lines.filter((line) => line['msg'] === msg);
  return { stderr, said };
}

/** A client may ask again before the service has noticed that it has all of the last answer. */
function expectInAnyOrder(found: readonly unknown[], expected: readonly unknown[]): void {
  expect(found).toEqual(expect.arrayContaining([...expected]));
  expect(found).toHaveLength(expected.length);
}

function* endlessly(): Generator<string> {
  for (;;) yield 'line of a report\r\n';
}

async function lookAround(send: (path: string, init?: Parameters<typeof ask>[2]) => ReturnType<typeof ask>) {
  const asAnna = { headers: bearer(tokens.anna) };
  const signedIn = await send('/sign-in', { method: 'POST', headers: form, body: `token=${tokens.anna}` });
  const cookie = signedIn.headers['set-cookie']![0]!.split(';')[0]!;
  const manifest = await send('/reports/2026-10/files/manifest.json', { headers: { cookie } });
  expect(manifest.status).toBe(200);
  await send('/reports/2026-10/files/Jan%20Jansen', asAnna);
  await send('/reports/Jan-Jansen/files/manifest.json', asAnna);
  await send(`/transactions?id=${id.toUpperCase()}`, asAnna);
  await send('/transactions?id=Jan%20Jansen', asAnna);
  await send(`/transactions/${id}`, asAnna);
  await send(`/transactions/${id}`);
  await send('/reports/2026-10', asAnna);
  await send('/reports/2026-10/write', { method: 'POST', headers: bearer(tokens.operator) });
  await send('/reports/2026-10/write', { method: 'POST', headers: bearer(tokens.anna) });
  const asCarla = { headers: bearer(tokens.carla) };
  await send(`/transactions/${id}/documents`, asCarla);
  const reading = { method: 'POST', headers: { ...form, ...bearer(tokens.carla) }, body: 'reason=Jan+Jansen' };
  await send(`/transactions/${id}/documents/document/result/0`, reading);
  await send(`/transactions/Jan%20Jansen/documents/document/Jan%20Jansen/0`, reading);
  await send(`/transactions/${id}/documents/document/result/0`, { ...reading, headers: bearer(tokens.anna) });
  await send(`/transactions/${id}/documents/document/result/0`, { ...reading, headers: form });
  await send(`/transactions/${id}/documents`, { headers: bearer('unknown') });
  await send('/sign-out', { method: 'POST', headers: { ...form, cookie } });
  const ended = { method: 'POST', headers: { ...form, cookie }, body: reading.body };
  await send(`/transactions/${id}/documents/document/Jan%20Jansen/0`, ended);
}

describe('the log', () => {
  test('says who asked, in every line of a request, and who saw what in lines of its own', async () => {
    const { stderr, said } = await logOf('info', lookAround);
    const answered = said('answered').map(({ route, status, principal }) => [route, status, principal]);
    expectInAnyOrder(answered, [
      ['/sign-in', 303, names.anna],
      ['/reports/:period/files/:name', 200, names.anna],
      ['/reports/:period/files/:name', 404, names.anna],
      ['/reports/:period/files/:name', 404, names.anna],
      ['/transactions', 303, names.anna],
      ['/transactions', 404, names.anna],
      ['/transactions/:id', 404, names.anna],
      ['/transactions/:id', 401, null],
      ['/reports/:period', 200, names.anna],
      ['/reports/:period/write', 303, names.operator],
      ['/reports/:period/write', 403, names.anna],
      ['/transactions/:id/documents', 404, names.carla],
      ['/transactions/:id/documents/:kind/:origin/:position', 503, names.carla],
      ['/transactions/:id/documents/:kind/:origin/:position', 404, names.carla],
      ['/transactions/:id/documents/:kind/:origin/:position', 403, names.anna],
      ['/transactions/:id/documents/:kind/:origin/:position', 401, null],
      ['/transactions/:id/documents', 401, null],
      ['/transactions/:id/documents/:kind/:origin/:position', 401, null],
      ['/sign-out', 303, names.anna],
    ]);
    const requestId = expect.stringMatching(/^[\da-f-]{36}$/) as string;
    const common = { level: 30, requestId, principal: names.anna, msg: 'accessed' };
    const unknown = { ...common, principal: null, status: 401, code: 'unauthenticated' };
    expectInAnyOrder(said('accessed'), [
      { ...common, what: 'report_file', month: '2026-10', file: 'manifest.json', status: 200 },
      { ...common, what: 'report_file', month: '2026-10', file: null, status: 404, code: 'not_found' },
      { ...common, what: 'report_file', month: null, file: 'manifest.json', status: 404, code: 'not_found' },
      { ...common, what: 'transaction_search', transactionId: id, status: 303 },
      { ...common, what: 'transaction_search', transactionId: null, status: 404 },
      { ...common, what: 'transaction', transactionId: id, status: 404 },
      {
        ...common,
        principal: names.carla,
        what: 'documents',
        transactionId: id,
        status: 404,
        code: 'transaction_unknown',
      },
      {
        ...common,
        principal: names.carla,
        what: 'document',
        transactionId: id,
        document: 'document result/0',
        status: 503,
        code: 'master_missing',
      },
      {
        ...common,
        principal: names.carla,
        what: 'document',
        transactionId: null,
        document: null,
        status: 404,
        code: 'not_found',
      },
      { ...common, what: 'document', transactionId: id, document: 'document result/0', status: 403, code: 'forbidden' },
      { ...unknown, what: 'document', transactionId: id, document: 'document result/0' },
      { ...unknown, what: 'documents', transactionId: id },
      { ...unknown, what: 'document', transactionId: id, document: null },
    ]);
    expect(said('signed in')).toEqual([{ level: 30, requestId, principal: names.anna, msg: 'signed in' }]);
    expect(said('signed out')).toEqual([{ level: 30, requestId, principal: names.anna, msg: 'signed out' }]);
    expect(said('report asked for')).toEqual([
      { level: 30, requestId, principal: names.operator, month: '2026-10', msg: 'report asked for' },
    ]);
    for (const unwanted of [...Object.values(tokens), 'Jansen', 'idscan-ledger-session', '"remoteAddress"'])
      expect(stderr, unwanted).not.toContain(unwanted);
  });

  test('says who saw what also where little else is logged, and nothing where it is silent', async () => {
    const quiet = await logOf('fatal', lookAround);
    expect(quiet.said('answered')).toEqual([]);
    expect(quiet.said('accessed')).toHaveLength(13);
    expect(quiet.said('signed out')).toHaveLength(1);
    expect((await logOf('silent', lookAround)).said('accessed')).toEqual([]);
  });

  test('says so, too, of what a client broke off, and of what it did not wait for', async () => {
    const seen: unknown[] = [];
    const begun: string[] = [];
    const server = Fastify({ forceCloseConnections: true });
    atEnd(() => server.close());
    server.decorateRequest('principal', { getter: () => ({ name: 'anna', roles: [], via: 'bearer' as const }) });
    addAccessLog(server, (_request, message, fields) => seen.push({ message, ...fields }));
    const config = { accessed: ({ url }: FastifyRequest) => ({ what: url }) };
    server.get('/endless', { config }, () => Readable.from(endlessly(), { objectMode: false }));
    server.get('/never', { config }, ({ url }) => new Promise(() => begun.push(url)));
    const origin = await server.listen({ port: 0, host: '127.0.0.1' });
    const leaving = new AbortController();
    const { body } = await fetch(`${origin}/endless`);
    await body!.cancel();
    await waitFor('the download in the log', () => seen.length === 1);
    const asked = fetch(`${origin}/never`, { signal: leaving.signal });
    await waitFor('the question', () => begun.length === 1);
    leaving.abort();
    await expect(asked).rejects.toThrow();
    await waitFor('the question in the log', () => seen.length === 2);
    expect(seen).toEqual([
      { message: 'accessed', what: '/endless', status: 200 },
      { message: 'accessed', what: '/never', status: 499 },
    ]);
  });
});
