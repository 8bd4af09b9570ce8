import { readFile, rm, truncate, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { sql } from 'kysely';
import pg from 'pg';
import { beforeAll, describe, expect, test } from 'vitest';
import { documentAccesses } from '../../src/db/document-accesses.ts';
import { createMasterPair } from '../../src/store/encryption/keys.ts';
import { asAdmin, atEnd, waitFor } from '../support/books.ts';
import { closeDocuments, pdf, png, storeDocuments, storeInClear, vendorName } from '../support/documents.ts';
import { type Answer, type Ask, bearer, problem, startService, type TestService, tokens } from './support.ts';

let service: TestService;
beforeAll(async () => {
  service = await startService();
  await storeDocuments(service.context, 't-1', [pdf, png]);
});

type Role = keyof typeof tokens;
const formType = { 'content-type': 'application/x-www-form-urlencoded' };
const ours = { ...formType, 'sec-fetch-site': 'same-origin' };
const reasonOf = (reason: string) => new URLSearchParams({ reason }).toString();
const pageOf = (id: string) => `/transactions/${id}/documents`;
const placeOf = (id: string, position = 0, kind = 'document') => `${pageOf(id)}/${kind}/result/${position}`;

/** Asks for a document, as a program with a token. */
const read = (target: string, more: Ask = {}, at = service): Promise<Answer> =>
  at.ask(target, {
    method: 'POST',
    headers: { ...formType, ...bearer(tokens.custodian) },
    body: reasonOf('case 4711'),
    ...more,
  });

async function signedIn(role: Role, at = service): Promise<string> {
  const answer = await at.ask('/sign-in', { method: 'POST', headers: ours, body: `token=${tokens[role]}` });
  return (answer.headers['set-cookie']?.[0] ?? '').split(';')[0] ?? '';
}

const accesses = (transactionId: string, { context } = service) =>
  documentAccesses(context.db.kysely, { transactionId, limit: 100 });
/** Nothing of a PDF, and nothing of the vendor's. */
function expectNoContent({ text, headers }: Answer): void {
  expect(text).not.toContain('%PDF');
  expect(text).not.toContain(vendorName);
  expect(headers['content-disposition']).toBeUndefined();
}

describe('who reads documents', () => {
  const means = {
    'a bearer token': (role: Role) => Promise.resolve(bearer(tokens[role])),
    'a session': async (role: Role) => ({ cookie: await signedIn(role), 'sec-fetch-site': 'same-origin' }),
  };
  const cases = Object.keys(means).flatMap((by) =>
    (Object.keys(tokens) as Role[]).map((role) => ({ by: by as keyof typeof means, role })),
  );
  test.each(cases)('with $by of the role $role', async ({ by, role }) => {
    const headers = await means[by](role);
    const before = (await accesses('t-1')).length;
    const list = await service.ask(pageOf('t-1'), { headers });
    const document = await read(placeOf('t-1'), { headers: { ...formType, ...headers } });
    const isCustodian = role === 'custodian';
    expect([list.status, document.status]).toEqual(isCustodian ? [200, 200] : [403, 403]);
    expect(await accesses('t-1')).toHaveLength(before + (isCustodian ? 1 : 0));
    if (!isCustodian) for (const answer of [list, document]) expectNoContent(answer);
  });

  test('nobody without any, with an unknown token, or with a session of a role that does not', async () => {
    const before = (await accesses('t-1')).length;
    for (const headers of [{}, bearer('unknown'), { cookie: 'idscan-ledger-session=x' }])
      for (const answer of [
        await service.ask(pageOf('t-1'), { headers }),
        await read(placeOf('t-1'), { headers: { ...ours, ...headers } }),
      ]) {
        expect(problem(answer)).toMatchObject({ status: 401, code: 'unauthenticated' });
        expectNoContent(answer);
      }
    expect(await accesses('t-1')).toHaveLength(before);
  });

  test('no other site on behalf of a custodian', async () => {
    const cookie = await signedIn('custodian');
    const before = (await accesses('t-1')).length;
    for (const foreign of [{ 'sec-fetch-site': 'cross-site' }, { origin: 'https://evil.test' }, {}]) {
      const answer = await read(placeOf('t-1'), { headers: { ...formType, ...foreign, cookie } });
      expect(problem(answer)).toMatchObject({ status: 403 });
      expectNoContent(answer);
    }
    expect(await accesses('t-1')).toHaveLength(before);
  });

  test('a custodian finds a transaction, and has no other right', async () => {
    const get = (target: string) => service.ask(target, { headers: bearer(tokens.custodian) });
    for (const target of ['/', '/transactions', '/transactions/t-1'])
      expect((await get(target)).status, target).toBe(200);
    expect((await get('/transactions?id=t-1')).status).toBe(303);
    for (const target of [
      '/reports',
      '/reports/2026-10',
      '/reports/2026-10/invoice',
      '/reports/2026-10/files/manifest.json',
      '/queues',
      '/metrics',
      '/readyz',
    ])
      expect((await get(target)).status, target).toBe(403);
    for (const target of ['/reports/2026-10/write', '/reports/2026-10/invoice', '/api/results'])
      expect((await read(target)).status, target).toBe(403);
    const page = await get('/transactions/t-1');
    expect(page.text).toContain('href="/transactions/t-1/documents"');
    expect(page.text).not.toContain('href="/reports');
    const others = await service.ask('/transactions/t-1', { headers: bearer(tokens.operator) });
    expect(others.text).not.toContain('/documents');
    expect(others.text).toMatch(/Document<\/th>[\s\S]*Stored/);
    for (const answer of [page, others]) expect(answer.text).not.toContain(vendorName);
  });
});

describe('a document', () => {
  test('comes as a download of our own name that nothing keeps, runs or guesses about, and is on record', async () => {
    await storeDocuments(service.context, 't-2', [png], 'audit_report');
    await storeDocuments(service.context, 't-2', [png, pdf]);
    const answer = await read(placeOf('t-2', 1));
    expect(answer).toMatchObject({
      status: 200,
      text: pdf.toString(),
      headers: {
        'content-type': 'application/pdf',
        'content-disposition': 'attachment; filename="document_result_1.pdf"',
        'content-length': String(pdf.length),
        'cache-control': 'no-store',
        'x-content-type-options': 'nosniff',
        'content-security-policy': "sandbox; default-src 'none'",
      },
    });
    expect((await read(placeOf('t-2', 0, 'audit_report'))).headers['content-type']).toBe('image/png');
    expect(await accesses('t-2')).toMatchObject([
      { kind: 'audit_report', position: 0 },
      {
        accessedBy: expect.stringMatching(/^token [0-9a-f]{8}$/) as string,
        reason: 'case 4711',
        via: 'browser',
        address: '127.0.0.1',
        kind: 'document',
        origin: 'result',
        position: 1,
      },
    ]);
    const page = (await service.ask(pageOf('t-2'), { headers: bearer(tokens.custodian) })).text;
    expect(page).toContain('case 4711');
    expect(page).toContain(vendorName);
  });

  test('of a type that is not on the list comes as bytes', async () => {
    await storeDocuments(service.context, 't-type', [pdf]);
    await sql`update files set media_type = 'text/html' where transaction_id = 't-type'`.execute(
      service.context.db.kysely,
    );
    expect(await read(placeOf('t-type'))).toMatchObject({
      status: 200,
      headers: {
        'content-type': 'application/octet-stream',
        'content-disposition': 'attachment; filename="document_result_0.bin"',
      },
    });
  });

  test('of an earlier version, in the clear, comes too', async () => {
    await storeInClear(service.context, 't-clear', pdf);
    expect((await read(placeOf('t-clear'))).text).toBe(pdf.toString());
  });

  test('is refused without a reason, or where there is none, and nothing is recorded', async () => {
    await storeDocuments(service.context, 't-3', [pdf]);
    for (const body of ['', 'reason=', 'reason=%20%0a%00', 'why=x'])
      expect(problem(await read(placeOf('t-3'), { body }))).toMatchObject({ status: 400, code: 'request_invalid' });
    for (const target of [
      placeOf('t-3', 7),
      placeOf('t-nobody'),
      placeOf('t-3', 0, 'portrait'),
      `${pageOf('t-3')}/document/..%2f..%2fetc/0`,
      `${pageOf('t-3')}/document/result/-1`,
      `${pageOf('t-3')}/document/result/99999999999999999999`,
      `${pageOf("t-3'--")}/document/result/0`,
    ])
      expect(problem(await read(target)), target).toMatchObject({ status: 404, code: 'not_found' });
    expect(problem(await service.ask(pageOf('t-nobody'), { headers: bearer(tokens.custodian) }))).toMatchObject({
      status: 404,
      code: 'transaction_unknown',
    });
    expect(await accesses('t-3')).toEqual([]);
    expect((await read(placeOf('t-3'), { body: 'reason=a%00b%0ac' })).status).toBe(200);
    expect(await accesses('t-3')).toMatchObject([{ reason: 'a b c' }]);
  });

  test('that is closed is 410, for the page, too', async () => {
    await storeDocuments(service.context, 't-4', [pdf]);
    await closeDocuments(service.context, 't-4');
    const answer = await read(placeOf('t-4'));
    expect(problem(answer)).toMatchObject({ status: 410, code: 'document_closed' });
    expectNoContent(answer);
    const page = await service.ask(pageOf('t-4'), { headers: bearer(tokens.custodian) });
    expect(page.text).toContain('Nobody reads them');
    expect(page.text).not.toContain('Why it is read');
    expect(await accesses('t-4')).toEqual([]);
  });

  test('that is closed while it is read is 410, and no byte of it goes out', async () => {
    const own = await startService();
    await storeDocuments(own.context, 't-slow', [pdf]);
    const owner = new pg.Client({ connectionString: asAdmin(own.context.config.databaseUrl ?? '') });
    await owner.connect();
    atEnd(() => owner.end());
    await owner.query('begin; lock table document_keys in access exclusive mode');
    const reading = read(placeOf('t-slow'), {}, own);
    await waitFor('the row', async () => (await accesses('t-slow', own)).length === 1);
    await closeDocuments(own.context, 't-slow');
    await owner.query('commit');
    const answer = await reading;
    expect(problem(answer)).toMatchObject({ status: 410, code: 'document_closed' });
    expectNoContent(answer);
  });

  test.each(['GET', 'HEAD', 'PUT', 'DELETE'])('by %s is 405, whether or not there is one', async (method) => {
    for (const target of [placeOf('t-1'), placeOf('t-nobody')])
      expect((await service.ask(target, { method, headers: bearer(tokens.custodian) })).status).toBe(405);
  });

  const damages: Record<string, (object: string) => Promise<unknown>> = {
    lost: (object) => rm(object),
    cut: (object) => truncate(object, 100),
    changed: async (object) => writeFile(object, Buffer.alloc((await readFile(object)).length, 7)),
  };
  test.each(Object.entries(damages))('that is %s is 409, and the try is on record', async (what, damage) => {
    const [stored] = await storeDocuments(service.context, `t-${what}`, [pdf]);
    await damage(stored!.object);
    const answer = await read(placeOf(`t-${what}`));
    expect(problem(answer)).toMatchObject({ status: 409, code: 'document_damaged' });
    expectNoContent(answer);
    expect(await accesses(`t-${what}`)).toHaveLength(1);
  });
});

test('a service without the secret key says so, reads nothing, and reads once it is there', async () => {
  const own = await startService();
  await storeDocuments(own.context, 't-1', [pdf]);
  const file = path.join(own.context.config.dataDir, 'keys', 'documents.key');
  const key = await readFile(file);
  const page = () => own.ask(pageOf('t-1'), { headers: bearer(tokens.custodian) });
  expect((await page()).text).toContain('Why it is read');
  await rm(file);
  expect((await page()).text).toContain('This service has no secret key');
  expect((await page()).text).not.toContain('Why it is read');
  expect(problem(await read(placeOf('t-1'), {}, own))).toMatchObject({ status: 503, code: 'master_missing' });
  expect(await accesses('t-1', own)).toEqual([]);
  await writeFile(file, `${createMasterPair().secretKey.toString('base64')}\n`);
  expect(problem(await read(placeOf('t-1'), {}, own))).toMatchObject({ status: 503, code: 'master_missing' });
  expect(await accesses('t-1', own)).toHaveLength(1);
  await writeFile(file, 'no key at all');
  expect(problem(await read(placeOf('t-1'), {}, own))).toMatchObject({ status: 503, code: 'config_invalid' });
  expect(await accesses('t-1', own)).toHaveLength(1);
  await writeFile(file, key);
  expect((await read(placeOf('t-1'), {}, own)).text).toBe(pdf.toString());
});
