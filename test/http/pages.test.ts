import { sql } from 'kysely';
import pg from 'pg';
import { beforeAll, describe, expect, test } from 'vitest';
import { reportRuns } from '../../src/db/report-runs.ts';
import { moment } from '../../src/http/pages/format.ts';
import { closeMonth } from '../../src/jobs/month/close-month.ts';
import { asOwner, waitFor } from '../support/books.ts';
import { bookkeeper } from '../support/closing.ts';
import { scan, scanTask } from '../support/facts.ts';
import { asRole } from '../support/roles.ts';
import { fillBooks, now, prices } from './pages-books.ts';
import { type Answer, bearer, problem, startService, type TestService, tokens } from './support.ts';

let service: TestService;
beforeAll(async () => {
  service = await startService({ PRICES_FILE: prices });
  await fillBooks({ ...service.context, now });
});

const get = (path: string, token = tokens.finance, at = service): Promise<Answer> =>
  at.ask(path, { headers: bearer(token) });
/** What is to be read: without markup, entities resolved, blanks as one. */
const textOf = ({ text }: Answer): string =>
  text
    .replace(/<(?:svg)[\s\S]*?<\/svg>/g, '')
    .replace(/<[^>]*>/g, ' ')
    .replaceAll('&nbsp;', ' ')
    .replaceAll('&amp;', '&')
    .replace(/[\s\u202f]+/g, ' ');

const pages = ['/reports', '/reports/2026-11', '/reports/2026-10', '/transactions', '/transactions/tx-2026-10-0'];

describe('who reads what', () => {
  test.each(pages)('%s is for finance and operators; transactions are for custodians, too', async (path) => {
    const readers = ['finance', 'operator', ...(path.startsWith('/transactions') ? ['custodian'] : [])];
    for (const [role, token] of Object.entries(tokens))
      expect((await get(path, token)).status, role).toBe(readers.includes(role) ? 200 : 403);
    expect(problem(await service.ask(path))).toMatchObject({ status: 401, code: 'unauthenticated' });
  });

  test('somebody who looks is led to the sign-in, and back; what is refused is a page', async () => {
    const person = { accept: 'text/html,*/*' };
    const sent = await service.ask('/reports/2026-10', { headers: person });
    expect(sent).toMatchObject({ status: 303, headers: { location: '/sign-in?next=%2Freports%2F2026-10' } });
    const form = await service.ask(sent.headers.location!, { headers: person });
    expect(form.text).toContain('value="/reports/2026-10"');
    expect(textOf(form)).toContain('Access tokens are given by whoever operates this service');
    const signedIn = await service.ask('/sign-in', {
      method: 'POST',
      headers: { ...person, 'content-type': 'application/x-www-form-urlencoded', 'sec-fetch-site': 'same-origin' },
      body: new URLSearchParams({ token: tokens.intake }).toString(),
    });
    const cookie = signedIn.headers['set-cookie']![0]!.split(';')[0]!;
    const refused = await service.ask('/reports', { headers: { ...person, cookie } });
    expect(refused).toMatchObject({ status: 403, headers: { 'content-type': 'text/html; charset=utf-8' } });
    expect(textOf(refused)).toContain('This needs the role finance or operator.');
    const missing = await service.ask('/nowhere', { headers: { ...person, cookie } });
    expect(missing).toMatchObject({ status: 404, headers: { 'content-type': 'text/html; charset=utf-8' } });
  });

  test('pages hold nothing inline, and may hold nothing from elsewhere', async () => {
    for (const path of [...pages, '/sign-in', '/reports/2026-01']) {
      const { headers, text } = await get(path);
      expect(headers['content-security-policy']).toContain("default-src 'none'; style-src 'self'");
      expect(headers['cache-control']).toBe('no-store');
      expect(text, path).not.toMatch(/<script|\sstyle=|\son\w+=|<style|(?:src|href)="(?!\/|#)/i);
    }
    const style = await service.ask('/assets/style.css');
    expect(style).toMatchObject({ status: 200, headers: { 'content-type': 'text/css; charset=utf-8' } });
    expect(style.text).not.toMatch(/url\(|@import/);
    const again = await service.ask('/assets/style.css', {
      headers: { 'if-none-match': String(style.headers['etag']) },
    });
    expect(again).toMatchObject({ status: 304, text: '' });
  });
});

describe('figures', () => {
  test('the months, newest first, with status, totals, change and open points', async () => {
    const text = textOf(await get('/reports'));
    const [november, october] = [text.indexOf('November 2026'), text.indexOf('October 2026')];
    expect(november).toBeGreaterThan(0);
    expect(october).toBeGreaterThan(november);
    expect(text).toMatch(
      // What November is compared with depends on whether it is running where this runs.
      /November 2026 14\.87 EUR [^%]*?(?:%[^%]*?)? 32 28 Open provisional, files of [^%]*? 1 open point of November/,
    );
    expect(text).toContain('October 2026 4.40 EUR −3.30 −42.9 % 8 8 Closed version 1');
  });

  test('a month says what its report says', async () => {
    const text = textOf(await get('/reports/2026-11'));
    const manifest = JSON.parse((await get('/reports/2026-11/files/manifest.json')).text) as {
      control_totals: { attempts: number; invoiced: number; amount: string };
    };
    const { attempts, invoiced, amount } = manifest.control_totals;
    expect(text).toContain(`Total ${amount} EUR`);
    expect(text).toContain(`Attempts ${attempts}`);
    expect(text).toContain(`Invoiced ${invoiced}`);
    expect(text).toContain('1 attempt is unclassified');
    expect(text).toContain(
      '1 transaction ended without being completed, after 1 attempt . It is invoiced all the same',
    );
    expect(text).toMatch(/tx-2026-11-differs Document scan Another number of invoiced attempts 1 2/);
    expect(text).toMatch(/tx-2026-11-code Unclassified/);
    expect(text).toMatch(/Corrects Attempts Invoiced Amount October 2026 \+1 \+1 0\.85 EUR/);
    expect(text).toContain('They have the same figures as this page.');
  });

  test('every time names its zone', async () => {
    for (const page of ['/reports', '/reports/2026-11', '/reports/2026-10', '/transactions/tx-2026-10-0']) {
      const times = [...(await get(page)).text.matchAll(/<time [^>]*>([^<]*)<\/time>/g)].map(([, text]) => text);
      expect(times.length, page).toBeGreaterThan(0);
      for (const time of times) expect(time).toMatch(/^\d{1,2} [A-Z][a-z]{2,3} \d{4}, \d\d:\d\d UTC$/);
    }
    expect(moment(new Date('2026-10-25T00:30:00Z'), 'Europe/Amsterdam').markup).toContain('25 Oct 2026, 02:30 CEST<');
    expect(moment(new Date('2026-10-25T01:30:00Z'), 'Europe/Amsterdam').markup).toContain('25 Oct 2026, 02:30 CET<');
  });

  test('charts have a name, and their figures stand beneath', async () => {
    const { text } = await get('/reports/2026-10');
    expect(text.match(/role="img"/g)).toHaveLength(4);
    expect(text).toMatch(/<title id="outcomes-chart-wide-title">Money by task and outcome, October 2026<\/title>/);
    expect(text).toMatch(/<figcaption>Total per month in EUR<\/figcaption>/);
    expect(text).toMatch(/id="outcomes-table"[\s\S]*id="trend-table"/);
  });

  test('what was written earlier than the figures is said to be', async () => {
    const own = await startService({ PRICES_FILE: prices });
    await fillBooks({ ...own.context, now }, 1);
    await get('/reports/2026-11', tokens.finance, own);
    const look = bookkeeper(own.context);
    await look('tx-late', { tasks: [scanTask([scan('2026-11-20T10:05:00Z', null)])] });
    await waitFor('the page to show it', async () =>
      textOf(await get('/reports/2026-11', tokens.finance, own)).includes('Since then figures changed'),
    );
  });

  test('there is no page for months that the books do not know', async () => {
    for (const month of ['2026-01', '2019-10', '2026-13', '2026-1', 'x', '..', '%2e%2e', '2026-10%00'])
      expect((await get(`/reports/${month}`)).status, month).toBeGreaterThanOrEqual(400);
  });
});

describe('a transaction', () => {
  test('is found by its ID and by that of its result', async () => {
    for (const id of ['tx-2026-10-0', 'result-2026-11', '  tx-2026-10-0 ']) {
      const sent = await get(`/transactions?id=${encodeURIComponent(id)}`);
      expect(sent.status, id).toBe(303);
      const found = await get(sent.headers.location!);
      expect(found.status, id).toBe(200);
    }
    expect(textOf(await get('/transactions/result-2026-11'))).toContain(
      'result-2026-11 is the result of this transaction',
    );
    const text = textOf(await get('/transactions/tx-2026-10-0'));
    expect(text).toMatch(/Line 2 of idscan-cost_2026-10_v1_detail\.csv, closed .* by finance/);
    expect(text).toContain('corrects October 2026');
    expect(text).toContain('booked with November 2026');
  });

  test('that is not in the books is said to be, whatever was asked for', async () => {
    for (const path of [
      '/transactions/nobody',
      '/transactions?id=nobody',
      '/transactions?id=%3Cb%3E',
      '/transactions/%0d%0aset-cookie:x',
    ]) {
      const first = await get(path);
      const answer = first.status === 303 ? await get(first.headers.location!) : first;
      expect(answer.status, path).toBe(404);
      expect(answer.text).not.toContain('<b>');
      expect(answer.headers['set-cookie']).toBeUndefined();
    }
  });
});

describe('writing anew', () => {
  const write = (month: string, headers: Record<string, string>) =>
    service.ask(`/reports/${month}/write`, { method: 'POST', headers });

  test('is asked for by a form of ours, once, and goes through the queue', async () => {
    const answer = await write('2026-11', bearer(tokens.operator));
    expect(answer).toMatchObject({ status: 303, headers: { location: '/reports/2026-11#files' } });
    const runs = await reportRuns(service.context.db.kysely);
    expect(runs.find(({ period }) => period === '2026-11')?.dueAt).toBeInstanceOf(Date);
    const reports = service.context.queues.all.find(({ name }) => name === 'reports')!;
    expect((await reports.getJobs()).map(({ data }) => data as unknown)).toEqual([
      { period: '2026-11', generation: 2 },
    ]);
    expect(textOf(await get('/reports/2026-11'))).toContain('A report was asked for and is being written.');
  });

  test('is offered to operators alone', async () => {
    const page = async (token: string) => (await service.ask('/reports/2026-10', { headers: bearer(token) })).text;
    expect(await page(tokens.operator)).toContain('action="/reports/2026-10/write"');
    expect(await page(tokens.finance)).not.toContain('/write');
  });

  test('is refused from other sites, without a role, for unknown months', async () => {
    const signedIn = await service.ask('/sign-in', {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded', 'sec-fetch-site': 'same-origin' },
      body: new URLSearchParams({ token: tokens.finance }).toString(),
    });
    const cookie = signedIn.headers['set-cookie']![0]!.split(';')[0]!;
    const before = await reportRuns(service.context.db.kysely);
    expect((await write('2026-10', { cookie, 'sec-fetch-site': 'cross-site' })).status).toBe(403);
    expect((await write('2026-10', { cookie, origin: 'https://elsewhere.example' })).status).toBe(403);
    expect((await write('2026-10', { cookie })).status).toBe(403);
    expect((await write('2026-10', bearer(tokens.intake))).status).toBe(403);
    expect((await write('2026-10', bearer(tokens.finance))).status).toBe(403);
    expect((await write('2019-10', bearer(tokens.operator))).status).toBe(404);
    expect(await reportRuns(service.context.db.kysely)).toEqual(before);
  });
});

test('whatever is stored shows as text', async () => {
  const evil = (where: string) => `<script>alert("${where}")</script>'"><img src=x onerror=alert(1)>`;
  const own = await startService({ PRICES_FILE: prices });
  const context = { ...own.context, now };
  const look = bookkeeper(context);
  const day = {
    createdAt: new Date('2026-11-05T10:00:00Z'),
    completedAt: null,
    expiresAt: new Date('2026-11-05T12:00:00Z'),
  };
  const task = scanTask(
    [scan('2026-11-05T10:05:00Z', evil('code'), { source: evil('source') }), scan('2026-10-05T10:05:00Z', null)],
    {
      type: evil('type'),
      level: evil('level'),
      state: evil('task state'),
      attemptsInvoiced: 7,
    },
  );
  await look('tx-evil', { ...day, state: evil('state'), tasks: [task] });
  const db = context.db.kysely;
  const owner = asOwner(context.config.databaseUrl);
  // The database takes none of these; pages do not rely on it.
  for (const [table, constraint] of [
    ['transactions', 'transactions_result_id_check'],
    ['intake', 'intake_source_check'],
    ['obligations', 'obligations_last_error_code_check'],
  ] as const)
    await asRole(owner, `alter table ${table} drop constraint ${constraint}`);
  await sql`update obligations set last_error_code = ${evil('error')}, last_error_at = now(), state = 'failed', sweep_at = null`.execute(
    db,
  );
  await sql`update transactions set result_id = ${evil('result')}, settled = false`.execute(db);
  await asRole(
    owner,
    `update intake set source = ${pg.escapeLiteral(evil('asked by'))}, result_id = ${pg.escapeLiteral(evil('asked for'))}`,
  );
  await closeMonth(context, { period: '2026-10', closedBy: evil('closed by'), forcedReason: evil('reason') });
  for (const path of ['/reports', '/reports/2026-11', '/reports/2026-10', '/transactions/tx-evil']) {
    const { status, text } = await get(path, tokens.finance, own);
    expect(status, path).toBe(200);
    expect(text, path).not.toMatch(/<script|<img|alert\("/);
  }
  const month = (await get('/reports/2026-11', tokens.finance, own)).text;
  for (const where of ['code', 'type', 'level', 'error']) expect(month, where).toContain(`alert(&quot;${where}&quot;)`);
  const closed = (await get('/reports/2026-10', tokens.finance, own)).text;
  for (const where of ['closed by', 'reason']) expect(closed, where).toContain(`alert(&quot;${where}&quot;)`);
  const explained = (await get('/transactions/tx-evil', tokens.finance, own)).text;
  for (const where of ['state', 'source', 'task state', 'result', 'asked by', 'asked for', 'error'])
    expect(explained, where).toContain(`alert(&quot;${where}&quot;)`);
});
