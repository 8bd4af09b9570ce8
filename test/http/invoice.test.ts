import { readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { sql } from 'kysely';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { verifyDispute } from '../../src/reports/verify/dispute.ts';
import { createTestFolder } from '../support/books.ts';
import { fillJanuary, invoiceOf, scansLine, tooMuch } from './invoice-books.ts';
import { type File, form, multipart, uploadId } from './invoice-forms.ts';
import { prices } from './pages-books.ts';
import { type Answer, type Ask, bearer, problem, startService, type TestService, tokens } from './support.ts';

let service: TestService;
beforeAll(async () => {
  service = await startService({ PRICES_FILE: prices });
  await fillJanuary(service.context);
});

const withToken = ({ headers = {}, ...rest }: Ask, role: keyof typeof tokens = 'finance'): Ask => ({
  ...rest,
  headers: { ...bearer(tokens[role]), ...headers },
});
const get = (target: string, role: keyof typeof tokens = 'finance') => service.ask(target, withToken({}, role));
const post = (target: string, ask: Ask, role: keyof typeof tokens = 'finance') =>
  service.ask(target, withToken({ method: 'POST', ...ask }, role));
const upload = (content: string | Buffer, more: readonly File[] = [], at = '/reports/2026-01/invoice') =>
  post(at, multipart([{ field: 'invoice', content }, ...more]));
const read = ({ text }: Answer): string =>
  text
    .replace(/<[^>]*>/g, ' ')
    .replaceAll('&nbsp;', ' ')
    .replace(/[\s\u202f]+/g, ' ');
const kept = async () => {
  const { rows } = await sql<{ invoices: number; decisions: number; files: number }>`
    select (select count(*)::int from vendor_invoices) as invoices, (select count(*)::int from vendor_files) as files,
      (select count(*)::int from finding_decisions) as decisions`.execute(service.context.db.kysely);
  return rows[0];
};
const nothingKept = { invoices: 0, decisions: 0, files: 0 };

describe('before anything is kept', () => {
  test('finance and operators see the page, finance alone may give and decide', async () => {
    for (const role of ['finance', 'operator', 'intake', 'metrics'] as const) {
      const isReader = role === 'finance' || role === 'operator';
      expect((await get('/reports/2026-01/invoice', role)).status, role).toBe(isReader ? 200 : 403);
      if (role === 'finance') continue;
      const finding = '/reports/2026-01/invoice/findings/0123456789abcdef';
      for (const target of ['', '/keep', '/again', '/dispute', '/layout', '/withdraw'])
        expect((await post(`/reports/2026-01/invoice${target}`, form({}), role)).status, target).toBe(403);
      expect((await post(finding, form({ decision: 'accept', reason: 'x' }), role)).status).toBe(403);
    }
    expect((await service.ask('/reports/2026-01/invoice')).status).toBe(401);
    expect((await get('/reports/2026-01/invoice', 'operator')).text).not.toContain('type="file"');
    expect((await get('/reports/2026-01/invoice')).text).toContain('type="file"');
  });

  test('a browser may send it from our own pages alone', async () => {
    const signedIn = await service.ask('/sign-in', {
      method: 'POST',
      headers: { ...form({}).headers, 'sec-fetch-site': 'same-origin' },
      body: new URLSearchParams({ token: tokens.finance, next: '/' }).toString(),
    });
    const cookie = (signedIn.headers['set-cookie']?.[0] ?? '').split(';')[0] ?? '';
    const { headers, body } = multipart([{ field: 'invoice', content: tooMuch }]);
    const ask = (site: object) =>
      service.ask('/reports/2026-01/invoice', {
        method: 'POST',
        body: body ?? '',
        headers: { ...headers, ...site, cookie, accept: 'text/html' },
      });
    for (const site of [{}, { 'sec-fetch-site': 'cross-site' }, { 'sec-fetch-site': 'same-site' }])
      expect((await ask(site)).status).toBe(403);
    expect((await ask({ 'sec-fetch-site': 'same-origin' })).status).toBe(200);
    expect(await kept()).toEqual(nothingKept);
  });

  test('what cannot be used is refused with its code and status, and shown to people with its hint', async () => {
    const refusals = [
      { content: 'no,invoice\r\n1,2\r\n', status: 422, code: 'invoice_unreadable' },
      { content: Buffer.from([0, 1, 2, 3, 255]), status: 422, code: 'invoice_unreadable' },
      { content: invoiceOf(scansLine(300, '256.00')), status: 422, code: 'invoice_not_tied_out' },
      { content: tooMuch.replaceAll('EUR', 'USD'), status: 422, code: 'currency_differs' },
      { content: '', status: 422, code: 'invoice_unreadable' },
    ];
    for (const { content, status, code } of refusals) {
      expect(problem(await upload(content))).toMatchObject({ status, code });
      const { headers, body } = multipart([{ field: 'invoice', content }]);
      const asPerson = await service.ask('/reports/2026-01/invoice', {
        method: 'POST',
        body: body ?? '',
        headers: { ...headers, ...(await session()), accept: 'text/html', 'sec-fetch-site': 'same-origin' },
      });
      expect(asPerson.status, code).toBe(status);
      expect(asPerson.text).toMatch(/role="alert"[\s\S]*type="file"/);
    }
    const layout = await upload(tooMuch, [{ field: 'layout', content: '{"version": 1}' }]);
    expect(problem(layout)).toMatchObject({ status: 422, code: 'data_file_invalid' });
    const usage = await upload(tooMuch, [{ field: 'usage', content: 'a,b\r\n1,2\r\n' }]);
    expect(problem(usage)).toMatchObject({ status: 422, code: 'usage_unreadable' });
    expect(await kept()).toEqual(nothingKept);
  });

  test('forms that are none, or too large, and months that are none are refused', async () => {
    const target = '/reports/2026-01/invoice';
    const code = async (asked: Promise<Answer>) => problem(await asked).code;
    expect(await code(post(target, form({ invoice: 'x' })))).toBe('media_type_refused');
    expect(await code(post(target, multipart([])))).toBe('request_invalid');
    expect(await code(post(target, multipart([{ field: 'invoice', content: '', name: '' }])))).toBe('request_invalid');
    expect(await code(post(target, multipart([{ field: 'invoice', content: tooMuch }], { basis: 'x' })))).toBe(
      'request_invalid',
    );
    const { headers = {}, body } = multipart([{ field: 'invoice', content: tooMuch }]);
    expect(await code(post(target, { headers, body: Buffer.from(body ?? '').subarray(0, 300) }))).toBe(
      'request_invalid',
    );
    expect(await code(post(target, { headers, body: 'junk' }))).toBe('request_invalid');
    const many = Array.from({ length: 9 }, () => ({ field: 'invoice', content: 'x' }));
    expect(await code(post(target, multipart(many)))).toBe('request_too_large');
    const large = Buffer.alloc(50 * 1_024 * 1_024 + 1, 'x');
    expect(await code(post(target, multipart([{ field: 'invoice', content: large }])))).toBe('request_too_large');
    for (const month of ['2019-01', 'nothing', '2026-13'])
      expect(await code(upload(tooMuch, [], `/reports/${month}/invoice`)), month).toBe('not_found');
    const present = service.context.now().toISOString().slice(0, 7);
    expect(problem(await upload(tooMuch, [], `/reports/${present}/invoice`))).toMatchObject({
      status: 409,
      code: 'period_not_ended',
    });
    expect(problem(await post(`${target}/again`, form({ basis: 'restated' })))).toMatchObject({
      status: 409,
      code: 'invoice_missing',
    });
    expect(problem(await post(`${target}/dispute`, form({})))).toMatchObject({ code: 'reconciliation_missing' });
    expect(await code(post(`${target}/keep`, form({ upload: 'unknown' })))).toBe('not_found');
    expect(await kept()).toEqual(nothingKept);
  });

  test('a layout to start from can be had', async () => {
    const answer = await post('/reports/2026-01/invoice/layout', multipart([{ field: 'invoice', content: tooMuch }]));
    expect(answer).toMatchObject({
      status: 200,
      headers: { 'content-disposition': 'attachment; filename="layout.json"' },
    });
    expect(JSON.parse(answer.text)).toMatchObject({ version: 'suggested' });
  });
});

async function session(): Promise<{ cookie: string }> {
  const signedIn = await service.ask('/sign-in', {
    method: 'POST',
    headers: { ...form({}).headers, 'sec-fetch-site': 'same-origin' },
    body: new URLSearchParams({ token: tokens.finance, next: '/' }).toString(),
  });
  return { cookie: (signedIn.headers['set-cookie']?.[0] ?? '').split(';')[0] ?? '' };
}

test('an invoice is looked at, kept, disputed and accepted, until the month is reconciled', async () => {
  const target = '/reports/2026-01/invoice';
  const row = async (role: keyof typeof tokens = 'finance') =>
    /January 2026 .*?(?=Earlier months|idscan-ledger,)/.exec(read(await get('/reports', role)))?.[0];
  expect(await row()).toContain('no invoice yet');
  const look = await upload(tooMuch);
  expect(look.status, look.text).toBe(200);
  expect(read(look)).toMatch(/plain format .* Difference \+63\.00 EUR Books 255\.00 EUR Invoice 318\.00 EUR/);
  expect(await kept()).toEqual(nothingKept);
  // Nobody else can keep it, nor for another month.
  const id = uploadId(look);
  const present = service.context.now().toISOString().slice(0, 7);
  expect((await post(`/reports/${present}/invoice/keep`, form({ upload: id }))).status).toBe(404);
  expect(await post(`${target}/keep`, form({ upload: id }))).toMatchObject({
    status: 303,
    headers: { location: target },
  });
  expect((await kept())?.invoices).toBe(1);
  expect((await post(`${target}/keep`, form({ upload: id }))).status).toBe(404);

  const page = await get(target);
  expect(read(page)).toContain('2 open findings');
  expect(read(page)).toContain('The invoice has a fee of 12.00 EUR , “Platform fee”. We know of no such fee');
  const findings = [...page.text.matchAll(/invoice\/findings\/([0-9a-f]{16})"/g)].map(([, one]) => one ?? '');
  expect(findings).toHaveLength(2);
  const [scans = '', fee = ''] = findings;
  expect(await row('operator')).toContain('2 open findings');
  const evidence = read(await get(`${target}/findings/${scans}`));
  expect(evidence).toContain('+51.00 EUR');
  expect(evidence.match(/ t-\d+ Document scan/g)).toHaveLength(60);
  expect((await get(`${target}/findings/0123456789abcdef`)).status).toBe(404);

  const amountOf = async (finding: string): Promise<string> =>
    /name="amount" value="([-\d.]+)"/.exec((await get(`${target}/findings/${finding}`)).text)?.[1] ?? '1.00';
  const decide = async (finding: string, decision: string, reason: string, amount?: string) =>
    post(`${target}/findings/${finding}`, form({ decision, reason, amount: amount ?? (await amountOf(finding)) }));
  expect(problem(await decide(scans, 'perhaps', 'x')).code).toBe('request_invalid');
  expect(problem(await decide(scans, 'dispute', ' ')).code).toBe('request_invalid');
  expect((await decide('0123456789abcdef', 'accept', 'x')).status).toBe(404);
  expect(problem(await post(`${target}/findings/${scans}`, form({ decision: 'accept', reason: 'x' }))).code).toBe(
    'request_invalid',
  );
  // Somebody had another invoice kept while the page was open: it showed another amount.
  expect(problem(await decide(scans, 'accept', 'x', '50.00'))).toMatchObject({
    ...{ status: 409, code: 'reconciliation_changed' },
  });
  expect((await kept())?.decisions).toBe(0);
  expect((await decide(scans, 'dispute', 'not in <the> contract')).status).toBe(303);
  const { rows } = await sql<{ decided_by: string; reason: string }>`
    select decided_by, reason from finding_decisions`.execute(service.context.db.kysely);
  expect(rows).toEqual([{ decided_by: expect.stringMatching(/^token /) as string, reason: 'not in <the> contract' }]);
  expect((await get(`${target}/findings/${scans}`)).text).toContain('not in &lt;the&gt; contract');
  expect(await row()).toMatch(/2 open findings.*51\.00 EUR disputed/);

  expect((await post(`${target}/dispute`, form({}))).status).toBe(303);
  const letters = await get(target);
  expect(read(letters)).toContain('Expected credit: 51.00 EUR');
  const names = [...letters.text.matchAll(/\/files\/([\w.-]+)"/g)].map(([, one]) => one ?? '');
  expect(names).toHaveLength(8);
  for (const name of names) expect((await get(`/reports/2026-01/files/${name}`)).status, name).toBe(200);
  const letter = await get('/reports/2026-01/files/idscan-cost_2026-01_dispute-letter.en.txt');
  expect(letter.headers['content-type']).toBe('text/plain; charset=utf-8');
  expect(letter.text).toContain('a credit note of EUR 51.00 without VAT');
  const folder = path.join(service.context.config.reportsDir, '2026-01-dispute');
  expect((await verifyDispute(folder)).problems).toEqual([]);

  await rm(path.join(service.context.config.reportsDir, '2026-01', 'idscan-cost_2026-01_reconciliation.csv'));
  expect(await get(target)).toMatchObject({ status: 200, text: expect.stringContaining('role="alert"') as string });
  expect(problem(await decide(fee, 'accept', 'x', '12.00'))).toMatchObject({
    ...{ status: 409, code: 'reconciliation_changed' },
  });
  expect((await post(`${target}/again`, form({ basis: 'restated' }))).status).toBe(303);

  expect((await decide(fee, 'accept', 'agreed by phone')).status).toBe(303);
  expect(read(await get(target))).toContain('More was decided or credited since the letters were written');
  expect((await decide(scans, 'accept', 'not worth it')).status).toBe(303);
  expect(read(await get(target))).toContain('Reconciled: every cent');
  expect(await row()).toContain('Reconciled');
  expect(read(await get('/reports/2026-01'))).toMatch(/The vendor’s invoice .* Reconciled/);
});

test('what is being read is not removed by further uploads, and who keeps it twice keeps it once', async () => {
  const fee = (amount: string) => `INV-1,2026-02-01,EUR,2,Platform fee,fee,,,,,${amount}`;
  const asked = Array.from({ length: 10 }, (_, index) =>
    upload(invoiceOf(scansLine(300, '255.00'), fee(`${index + 1}.00`))),
  );
  const looks = await Promise.all(asked);
  expect(looks.map(({ status }) => status)).toEqual(looks.map(() => 200));
  const id = uploadId(looks.at(-1)!);
  const target = '/reports/2026-01/invoice/keep';
  const answers = await Promise.all([1, 2].map(() => post(target, form({ upload: id }))));
  expect(answers.map(({ status }) => status).sort()).toEqual([303, 404]);
});

test('what lies about is removed', async () => {
  const other = await startService({ PRICES_FILE: prices });
  await fillJanuary(other.context);
  const folder = await createTestFolder();
  vi.stubEnv('TMPDIR', folder);
  const { headers, body } = multipart([{ field: 'invoice', content: tooMuch }]);
  const asked = { method: 'POST', body: body ?? '', headers: { ...headers, ...bearer(tokens.finance) } };
  expect((await other.ask('/reports/2026-01/invoice', asked)).status).toBe(200);
  expect(await readdir(folder)).toHaveLength(1);
  await other.stop();
  expect(await readdir(folder)).toEqual([]);
  vi.unstubAllEnvs();
});
