import { beforeAll, expect, test, vi } from 'vitest';
import { documentAccesses } from '../../src/db/document-accesses.ts';
import { pdf, storeDocuments, vendorName } from '../support/documents.ts';
import { type Caller, serviceWithCallers } from './documents-callers.ts';
import type { Answer, Ask, TestService } from './support.ts';

vi.setConfig({ testTimeout: 240_000, hookTimeout: 120_000 });

let service: TestService;
let callers: readonly Caller[];
beforeAll(async () => {
  ({ service, callers } = await serviceWithCallers());
  for (const id of ['own-1', 'own-2']) {
    await storeDocuments(service.context, id, [pdf, pdf]);
    await storeDocuments(service.context, id, [pdf], 'audit_report');
  }
});

const form = { 'content-type': 'application/x-www-form-urlencoded' };
const encoded = (id: string) => Array.from(id, (one) => `%${one.charCodeAt(0).toString(16)}`).join('');

type Request = { readonly what: string; readonly target: (id: string) => string } & Omit<Ask, 'body'>;

const list = (id: string) => `/transactions/${id}/documents`;
const document = (id: string) => `${list(id)}/document/result/0`;
const post = { method: 'POST', headers: form };

/** Each way that could lead to a document, or tell that there is one. */
const requests: readonly Request[] = [
  { what: 'the list', target: list },
  { what: 'the head of the list', target: list, method: 'HEAD' },
  { what: 'a part of the list', target: list, headers: { range: 'bytes=0-99' } },
  { what: 'the list if it has changed', target: list, headers: { 'if-none-match': '*' } },
  { what: 'the list of an encoded ID', target: (id) => list(encoded(id)) },
  { what: 'a document', target: document, ...post },
  { what: 'an audit report', target: (id) => `${list(id)}/audit_report/result/0`, ...post },
  { what: 'a part of a document', target: document, method: 'POST', headers: { ...form, range: 'bytes=0-9' } },
  { what: 'a document of an encoded ID', target: (id) => document(encoded(id)), ...post },
  { what: 'an encoded place', target: (id) => `${list(id)}/%64ocument/result/%30`, ...post },
  { what: 'a place with zeros before', target: (id) => `${list(id)}/document/result/000`, ...post },
  { what: 'a query behind', target: (id) => `${document(id)}?reason=x&role=custodian`, ...post },
  { what: 'no such place', target: (id) => `${list(id)}/document/result/7`, ...post },
  ...['GET', 'HEAD', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE'].map((method) => ({
    what: `${method} of a document`,
    target: document,
    method,
    headers: { 'x-http-method-override': 'POST' },
  })),
  { what: 'a slash behind', target: (id) => `${document(id)}/`, ...post },
  { what: 'two slashes before', target: (id) => `/${document(id)}`, ...post },
  { what: 'a dot in the path', target: (id) => `/./transactions/${id}/documents/document/result/0`, ...post },
  { what: 'a way up through another room', target: (id) => `/assets/..${document(id)}`, ...post },
  { what: 'an encoded way up', target: (id) => `/assets/%2e%2e%2f..${encoded(document(id))}`, ...post },
  { what: 'encoded slashes', target: (id) => `/${encoded(document(id).slice(1))}`, ...post },
  { what: 'capitals', target: (id) => `/Transactions/${id}/Documents/document/result/0`, ...post },
  { what: 'a parameter in the path', target: (id) => `/transactions/${id};x/documents/document/result/0`, ...post },
  { what: 'a whole URL', target: (id) => `http://127.0.0.1${document(id)}`, ...post },
  { what: 'the API', target: (id) => `/api${document(id)}` },
  { what: 'the API’s list', target: (id) => `/api${list(id)}` },
  { what: 'a log', target: (id) => `${list(id)}/log` },
  { what: 'the object', target: (id) => `/documents/${id}` },
  { what: 'a report’s file', target: (id) => `/reports/2026-10/files/..%2f..%2fdocuments%2f${id}` },
];

const send = ({ target, headers, ...init }: Request, id: string, caller: Caller, reason: string): Promise<Answer> =>
  service.ask(target(id), {
    ...init,
    headers: { ...headers, ...caller.headers },
    ...(init.method === 'POST' ? { body: new URLSearchParams({ reason }).toString() } : {}),
  });

const isContent = ({ text }: Answer): boolean => text.includes('%PDF');

const changing = ['date', 'x-request-id', 'content-length', 'set-cookie', 'age'];
/** What an answer says, but for what is another one each time, and the ID in the words of the request. */
function said({ status, headers, text }: Answer, id: string): unknown {
  const same = Object.entries(headers).filter(([name]) => !changing.includes(name));
  const names = new RegExp(`${encoded(id)}|${id}`, 'gi');
  const words = text.replaceAll(names, 'ID').replaceAll(/"request_?id":"[^"]*"/gi, '"requestId":""');
  return { status, headers: Object.fromEntries(same), words };
}

const rows = (transactionId: string) => documentAccesses(service.context.db.kysely, { transactionId, limit: 10_000 });

test('there are callers of every kind, and some of them may read', () => {
  expect(callers.length).toBeGreaterThan(40);
  expect(callers.filter(({ reader }) => reader !== undefined).length).toBeGreaterThan(8);
  for (const { name, headers } of callers)
    if (/session of (?!no role)/.test(name)) expect(headers['cookie'], name).toMatch(/^idscan-ledger-session=./);
});

test('who may not read gets no byte, leaves no row, and learns no more than of an unknown ID', async () => {
  for (const caller of callers.filter(({ reader }) => reader === undefined))
    for (const request of requests) {
      const at = `${caller.name}: ${request.what}`;
      const ofNobody = said(await send(request, 'unknown-9', caller, 'case 1'), 'unknown-9');
      for (const id of ['own-1', 'own-2']) {
        const answer = await send(request, id, caller, 'case 1');
        expect(said(answer, id), at).toEqual(ofNobody);
        expect(answer.status, at).toBeGreaterThanOrEqual(400);
        expect(isContent(answer) || answer.text.includes(vendorName), at).toBe(false);
        expect(answer.headers['content-disposition'], at).toBeUndefined();
      }
    }
  for (const id of ['own-1', 'own-2', 'unknown-9']) expect(await rows(id), id).toEqual([]);
});

test('whoever may read has a row for each document that went out, of who, when, what, why and from where', async () => {
  const begun = Date.now();
  let read = 0;
  for (const caller of callers.filter(({ reader }) => reader !== undefined))
    for (const [index, request] of requests.entries()) {
      const at = `${caller.name}: ${request.what}`;
      const reason = `case ${index} of ${caller.name}`;
      const before = await rows('own-1');
      const answer = await send(request, 'own-1', caller, reason);
      const fresh = (await rows('own-1')).slice(0, -before.length || undefined);
      expect(fresh.length, at).toBe(isContent(answer) ? 1 : 0);
      if (!isContent(answer)) continue;
      read += 1;
      expect(answer, at).toMatchObject({ status: 200, text: pdf.toString() });
      const kind = request.what === 'an audit report' ? 'audit_report' : 'document';
      const what = { transactionId: 'own-1', kind, origin: 'result', position: 0 };
      const why = { accessedBy: caller.reader, reason, via: 'browser', address: '127.0.0.1' };
      expect(fresh, at).toMatchObject([{ ...what, ...why }]);
      const accessedAtMs = fresh[0]!.accessedAt.getTime();
      expect(accessedAtMs >= begun - 1_000 && accessedAtMs <= Date.now() + 1_000, at).toBe(true);
    }
  expect(read).toBeGreaterThan(40);
  // Nothing of the other one was read, and nothing was asked for that is not there.
  for (const id of ['own-2', 'unknown-9']) expect(await rows(id), id).toEqual([]);
});
