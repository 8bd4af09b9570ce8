import { readFileSync } from 'node:fs';
import { Validator } from '@seriousme/openapi-schema-validator';
import { Registry } from 'prom-client';
import { beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { creationAnswer } from '../../src/http/api/creation.ts';
import { openApiText } from '../../src/http/api/document.ts';
import { healthAnswer, readyAnswer } from '../../src/http/api/monitoring.ts';
import { type Operation, routeOf } from '../../src/http/api/operation.ts';
import { operations } from '../../src/http/api/operations.ts';
import { resultsAnswer } from '../../src/http/api/results.ts';
import { buildServer } from '../../src/http/server.ts';
import { errorTable } from '../../src/error-table.ts';
import { issueBrowserToken } from '../../src/jobs/intake/browser-tokens.ts';
import { type FaultKind, type Simulator, startSimulator } from '../../src/simulator/index.ts';
import { atEnd, waitFor } from '../support/books.ts';
import { bearer, problem, secret, startService, type TestService, tokens } from './support.ts';

type Schema = { readonly enum?: readonly string[] };
type Document = {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, Described>>>>;
};
type Described = {
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly examples?: object }>> };
  readonly responses: Readonly<
    Record<string, { readonly headers?: object; readonly content?: Readonly<Record<string, { schema: AllOf }>> }>
  >;
};
type AllOf = { readonly allOf?: readonly { readonly properties?: { readonly code?: Schema } }[] };

const document = JSON.parse(openApiText()) as Document;
const shop = 'https://shop.example';
let service: TestService;
let simulator: Simulator;

beforeAll(async () => {
  simulator = await startSimulator({ seed: 'described', month: '2026-10', transactions: 5 });
  atEnd(simulator.close);
  const creatingKey = { keyId: simulator.keyId, keySecret: simulator.secret };
  const pages = { BROWSER_ORIGINS: shop, BROWSER_TOKEN_KEY: '7'.repeat(64) };
  service = await startService({ IDSCAN_BASE_URL: simulator.baseUrl, ...pages }, { creatingKey });
  await waitFor('redis', () => service.context.isRedisReady());
});

test('the description is valid OpenAPI 3.1, and docs/openapi.json is it: run npm run api, and look at the change', async () => {
  expect(document.openapi).toMatch(/^3\.1\./);
  const found = await new Validator().validate(JSON.parse(openApiText()) as Record<string, unknown>);
  expect(found.errors ?? []).toEqual([]);
  expect(found.valid).toBe(true);
  expect(readFileSync(new URL('../../docs/openapi.json', import.meta.url), 'utf8')).toBe(openApiText());
});

/** Pages for people and what belongs to them: not described for programs. */
const forPeople = [
  'GET /',
  'GET /assets/icon.svg',
  'GET /assets/style.css',
  'GET /embed.js',
  'GET /openapi',
  'GET /reports',
  'GET /reports/:period',
  'GET /reports/:period/attempts',
  'GET /reports/:period/invoice',
  'GET /reports/:period/invoice/findings/:finding',
  'GET /sign-in',
  'GET /transactions',
  'GET /transactions/:id',
  'GET /transactions/:id/documents',
  'POST /reports/:period/invoice',
  'POST /reports/:period/invoice/again',
  'POST /reports/:period/invoice/withdraw',
  'POST /reports/:period/invoice/dispute',
  'POST /reports/:period/invoice/findings/:finding',
  'POST /reports/:period/invoice/keep',
  'POST /reports/:period/invoice/layout',
  'POST /reports/:period/write',
  'POST /sign-in',
  'POST /sign-out',
  'POST /transactions/:id/documents/:kind/:origin/:position',
];

/** The routes of a tree as Fastify prints it: each line has the rest of its path, four columns deeper than its parent. */
function routesIn(tree: string): string[] {
  const parts: string[] = [];
  return tree.split('\n').flatMap((line) => {
    const [, branch = '', part = '', methods = ''] = /^([ │├└]*── )(\S+)(?: \(([A-Z, ]+)\))?/.exec(line) ?? [];
    if (part === '') return [];
    const depth = branch.length / 4 - 1;
    parts.splice(depth, parts.length, part);
    const path = parts.join('');
    // The board of queues is a program of its own.
    if (path.startsWith('/queues')) return [];
    const named = methods.split(', ').filter((method) => !['', 'HEAD', 'OPTIONS'].includes(method));
    return named.map((method) => `${method} ${path}`);
  });
}

test('every route of the server is described or a page for people, and the other way round', async () => {
  const server = await buildServer({ ...service.context, registry: new Registry() });
  const routes = routesIn(server.printRoutes());
  await server.close();
  const described = operations.map((operation) => `${operation.method.toUpperCase()} ${routeOf(operation)}`);
  expect(routes.sort()).toEqual([...described, ...forPeople].sort());
});

test('it is for whoever has a role, for machines and for people', async () => {
  for (const token of Object.values(tokens)) {
    const answer = await service.ask('/openapi.json', { headers: bearer(token) });
    expect([answer.status, answer.text]).toEqual([200, openApiText()]);
  }
  expect((await service.ask('/openapi.json')).status).toBe(401);
  const page = await service.ask('/openapi', { headers: bearer(tokens.intake) });
  expect(page.headers['content-type']).toContain('text/html');
  expect(page.headers['content-security-policy']).toContain("default-src 'none'");
  for (const { path } of operations) expect(page.text).toContain(path);
  expect(page.text).not.toMatch(/<script|<style|style="|\son\w+="/);
});

const answers: Readonly<Record<string, z.ZodType>> = {
  createTransaction: creationAnswer,
  enqueueResults: resultsAnswer,
  health: healthAnswer,
  readiness: readyAnswer,
};
const tokenOf: Readonly<Record<Operation['means'], Record<string, string>>> = {
  none: {},
  secret: { 'x-idscan-ledger-secret': secret },
  'token in the body': { origin: shop },
  bearer: bearer(tokens.intake),
  'bearer or session': bearer(tokens.operator),
};

/** What a page gets with its transaction. */
function browserToken(): string {
  const { now, service: config } = service.context;
  const of = { transactionId: 't-described', origin: shop, expires: null };
  return issueBrowserToken(config.browsers!, of, now()).token;
}

describe('every example works:', () => {
  const sent = operations.flatMap((operation) =>
    Object.entries(operation.body?.examples ?? { '': undefined }).map(([name, body]) => ({ operation, name, body })),
  );
  const withoutMonth = sent.filter(({ operation }) => !operation.path.includes('{'));

  test.each(withoutMonth)('$operation.id $name', async ({ operation, body }) => {
    const { status, text, headers } = await service.ask(operation.path, {
      method: operation.method.toUpperCase(),
      headers: { ...tokenOf[operation.means], ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body).replace('TOKEN', browserToken()) }),
    });
    expect(Object.keys(operation.answers), text).toContain(String(status));
    expect(headers['x-request-id']).toBeTruthy();
    const schema = answers[operation.id];
    if (schema) expect(z.strictObject({}).or(schema).safeParse(JSON.parse(text)).error).toBeUndefined();
  });

  test('and those of answers are what the schemas say', () => {
    const shown = operations.flatMap(({ id, answers: of }) =>
      Object.values(of).flatMap(({ content }) =>
        Object.values(content?.['application/json']?.examples ?? {}).map((value) => ({ id, value })),
      ),
    );
    expect(shown.length).toBeGreaterThan(3);
    for (const { id, value } of shown) expect(answers[id]?.safeParse(value).error, id).toBeUndefined();
  });
});

/** The codes that an answer may have, as the description says. */
const codesOf = (path: string, method: string, status: number): readonly string[] => {
  const content = document.paths[path]?.[method]?.responses[String(status)]?.content?.['application/problem+json'];
  return content?.schema.allOf?.flatMap(({ properties }) => properties?.code?.enum ?? []) ?? [];
};

describe('problems are described:', () => {
  const post = (path: string, body: string, headers: object = {}) =>
    service.ask(path, {
      method: 'POST',
      headers: { ...bearer(tokens.intake), 'content-type': 'application/json', ...headers },
      body,
    });

  test.each([
    ['no JSON', '/api/transactions', '{', {}, 400],
    ['a wrong set of tasks', '/api/transactions', '{"tasks":["face_match"]}', {}, 400],
    ['no object', '/api/transactions', '[]', {}, 400],
    ['a key with a space', '/api/transactions', '{"tasks":["document_scan"]}', { 'idempotency-key': 'a b' }, 400],
    ['no token', '/api/transactions', '{}', { authorization: '' }, 401],
    ['another role', '/api/transactions', '{}', bearer(tokens.finance), 403],
    ['another type', '/api/results', 'x', { 'content-type': 'text/plain' }, 415],
    ['a body that is too large', '/api/transactions', ' '.repeat(64 * 1_024 + 1), {}, 413],
    ['nothing that can be taken', '/api/results', '{"transactionId":"?"}', {}, 422],
    ['an empty list', '/api/results', '[]', {}, 400],
    ['a forged token', '/api/browser-results', '{"token":"a.b","event":"opened"}', { origin: shop }, 403],
    ['a page of another site', '/api/browser-results', '{}', { origin: 'https://elsewhere.example' }, 403],
    ['another host', '/api/results', '[]', { host: 'elsewhere.example' }, 421],
  ])('%s', async (_, path, body, headers, status) => {
    const answer = await post(path, body, headers);
    expect(answer.status).toBe(status);
    expect(codesOf(path, 'post', status)).toContain(problem(answer).code);
  });

  test.each<[FaultKind, number, string]>([
    ['redirect', 504, 'creation_unanswered'],
    ['rate_limited_seconds', 503, 'vendor_rate_limited'],
    ['reset', 504, 'creation_unanswered'],
    ['server_error', 504, 'creation_unanswered'],
  ])('a vendor that answers with %s', async (kind, status, code) => {
    simulator.setFaults({ share: 1, kinds: [kind], routes: ['create'], retryAfterSeconds: 7 });
    const answer = await post('/api/transactions', '{"tasks":["document_scan"]}');
    simulator.setFaults(null);
    expect(problem(answer)).toMatchObject({ status, code });
    expect(codesOf('/api/transactions', 'post', status)).toContain(code);
    expect(answer.headers['retry-after']).toBe(status === 503 ? '7' : undefined);
  });

  test('whoever may come back is told when', () => {
    const { headers } = document.paths['/api/transactions']!['post']!.responses['409']!;
    expect(headers).toHaveProperty('Retry-After');
  });

  test('every code has the status that the error table gives it', () => {
    for (const [path, of] of Object.entries(document.paths))
      for (const [method, { responses }] of Object.entries(of))
        for (const status of Object.keys(responses))
          for (const code of codesOf(path, method, Number(status))) {
            const known = errorTable[code as keyof typeof errorTable].http?.[0] ?? 500;
            if (!(code === 'request_invalid' && status === '422'))
              expect([path, code, Number(status)]).toEqual([path, code, known]);
          }
  });
});
