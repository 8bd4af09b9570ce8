import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parse } from 'csv-parse/sync';
import { beforeAll, describe, expect, test } from 'vitest';
import { attemptSorts } from '../../src/domain/attempt-filter.ts';
import { reportColumns } from '../../src/domain/report-columns.ts';
import type { Context } from '../../src/jobs/context.ts';
import { createTestFolder } from '../support/books.ts';
import { bookkeeper, closeOrFail } from '../support/closing.ts';
import { faceTask, scan, scanTask } from '../support/facts.ts';
import { fillJanuary, tooMuch } from './invoice-books.ts';
import { fillBooks, now, prices } from './pages-books.ts';
import { type Answer, bearer, problem, startService, type TestService, tokens } from './support.ts';

const get = (service: TestService, target: string, token = tokens.finance): Promise<Answer> =>
  service.ask(target, { headers: bearer(token) });

const withoutEntities = (text: string): string => text.replaceAll('&amp;', '&').replaceAll('&#39;', "'");
/** What is to be read: without markup and what only screen readers are told, blanks as one. */
const textOf = (markup: string): string =>
  withoutEntities(markup.replace(/<span class="unseen">[\s\S]*?<\/span>/g, '').replace(/<[^>]*>/g, ' '))
    .replaceAll('&nbsp;', ' ')
    .replace(/\u202f/g, '')
    .replace(/\s+/g, ' ')
    .trim();

type Link = { readonly target: string; readonly number: number };

/** Every link of a page to a list of attempts that says a number: the number, and where it leads. */
function countsOn(markup: string): Link[] {
  const links = [...markup.matchAll(/<a href="(\/reports\/[\d-]+\/attempts(?:\?[^"]*)?)"\s*>([\s\S]*?)<\/a/g)];
  return links.flatMap(([, target = '', text = '']) => {
    const number = /^[+−-]?\d+/.exec(textOf(text))?.[0].replace('−', '-');
    return number === undefined ? [] : [{ target: withoutEntities(target), number: Number(number) }];
  });
}

type Listed = {
  readonly total: number;
  readonly rows: readonly string[];
  readonly quantity: number;
  readonly pages: number;
};

/** A list with all its pages, as it is to be read. */
async function listAt(service: TestService, target: string): Promise<Listed> {
  const rows: string[] = [];
  let [next, total, pages]: [string | undefined, number, number] = [target, NaN, 0];
  while (next !== undefined) {
    const { status, text } = await get(service, next);
    expect(status, `${next}\n${textOf(text)}`).toBe(200);
    pages += 1;
    total = Number(textOf(/<dt>Attempts<\/dt>\s*<dd>([\s\S]*?)<\/dd>/.exec(text)![1]!).replace('−', '-'));
    const body = /<tbody[^>]*>([\s\S]*?)<\/tbody>/.exec(text)?.[1] ?? '';
    const here = [...body.matchAll(/<tr [^>]*>([\s\S]*?)<\/tr>/g)].map(([, row = '']) => textOf(row));
    expect(here.length).toBeLessThanOrEqual(100);
    if (here.length === 0) expect(textOf(text)).toContain('There is no such attempt.');
    rows.push(...here);
    const link = /<a href="([^"]*)"\s*><span aria-hidden="true">→ <\/span>Next page<\/a/.exec(text)?.[1];
    next = link === undefined ? undefined : withoutEntities(link);
  }
  const takenBack = rows.filter((row) => row.includes('takes back,')).length;
  return { total, rows, quantity: rows.length - 2 * takenBack, pages };
}

/** The same list as CSV. */
async function csvAt(service: TestService, target: string) {
  const { status, headers, text } = await get(service, target.replace('/attempts', '/attempts.csv'));
  expect(status, target).toBe(200);
  expect(headers['content-type']).toBe('text/csv; charset=utf-8; header=present');
  const rows = parse<Record<string, string>>(text, { columns: true });
  return { text, rows, quantity: rows.reduce((sum, { quantity }) => sum + Number(quantity), 0) };
}

/** Follows every number of pages, and tells which lists were seen. */
async function crawl(service: TestService, pages: readonly string[]): Promise<Map<string, Listed>> {
  const seen = new Map<string, Listed>();
  for (const page of pages)
    for (const { target, number } of countsOn((await get(service, page)).text)) {
      const list = seen.get(target) ?? (await listAt(service, target));
      const csv = seen.has(target) ? undefined : await csvAt(service, target);
      seen.set(target, list);
      expect({ target, total: list.total, quantity: list.quantity }, page).toEqual({
        target,
        total: number,
        quantity: number,
      });
      if (csv) expect([csv.rows.length, csv.quantity], target).toEqual([list.rows.length, number]);
    }
  return seen;
}

/** Prices that change in the month, and by how much there is of something. */
async function manyPrices(): Promise<string> {
  const file = path.join(await createTestFolder(), 'prices.json');
  const always = { level: null, effective_from: '2026-01-01', effective_to: null };
  const entries = [
    { ...always, task_type: 'document_scan', unit_price: '0.85', effective_to: '2026-11-10' },
    { ...always, task_type: 'document_scan', unit_price: '0.9', effective_from: '2026-11-10' },
    {
      ...always,
      task_type: 'face_match',
      model: 'graduated',
      tiers: [
        { up_to: 30, unit_price: '0.25' },
        { up_to: null, unit_price: '0.2' },
      ],
    },
  ];
  await writeFile(file, JSON.stringify({ version: 'many', currency: 'EUR', source: 'a test', prices: entries }));
  return file;
}

const at = (day: string) => ({
  createdAt: new Date(`${day}T10:00:00Z`),
  expiresAt: new Date(`${day}T12:00:00Z`),
  completedAt: new Date(`${day}T10:10:00Z`),
});

describe('closed months, and the open one with their corrections', () => {
  let service: TestService;
  beforeAll(async () => {
    service = await startService({ PRICES_FILE: await manyPrices() });
    const context: Context = { ...service.context, now };
    await fillBooks(context, 20);
    const look = bookkeeper(context, 1_000);
    // What was a success is none any more, so a line is taken back and written again.
    const october = '2026-10-08';
    const changed = [scanTask([scan(`${october}T10:00:30Z`, 'unknown_type_front')]), faceTask('face_match')];
    await look('tx-2026-10-1', { ...at(october), tasks: changed });
    await look('tx-another', {
      ...at('2026-11-20'),
      tasks: [
        scanTask([scan('2026-11-20T10:05:00Z', '=1+1'), scan('2026-11-20T23:59:59Z', null)], { level: 'a & b' }),
        { ...faceTask('face_match'), type: 'voice_check' },
      ],
    });
  });

  test('every number on a month’s page leads to a list of just as many, on all its pages and as CSV', async () => {
    const seen = await crawl(service, ['/reports', '/reports/2026-10', '/reports/2026-11']);
    const all = [...seen.keys()].join('\n');
    for (const part of ['task=', 'level=none', 'code=success', 'invoiced=true', 'invoiced=false', 'corrects=2026-10'])
      expect(all).toContain(part);
    for (const part of [
      'invoiced=unclassified',
      'counter=mismatch',
      'counter=stated',
      'only=abandoned',
      'only=unpriced',
    ])
      expect(all).toContain(part);
    expect(seen.size).toBeGreaterThan(60);
    const november = seen.get('/reports/2026-11/attempts')!;
    expect(november.pages).toBeGreaterThan(1);
    // A line that is taken back is among them.
    expect(november.rows.length).toBeGreaterThan(november.total);
  }, 240_000);

  test.each(['/reports/2026-11/attempts', '/reports/2026-10/attempts'])(
    '%s has the same lines in every order, none twice, forwards and backwards',
    async (target) => {
      const expected = (await listAt(service, target)).rows.toSorted();
      for (const sort of attemptSorts)
        for (const order of ['ascending', 'descending']) {
          const { rows } = await listAt(service, `${target}?sort=${sort}&order=${order}`);
          expect(rows.toSorted(), `${sort} ${order}`).toEqual(expected);
          expect(new Set(rows).size).toBe(rows.length);
          const other = order === 'ascending' ? 'descending' : 'ascending';
          expect((await listAt(service, `${target}?sort=${sort}&order=${other}`)).rows).toEqual(rows.toReversed());
        }
      // Back from the second page is the first.
      const first = await get(service, target);
      const second = /<a href="([^"]*after=[^"]*)"/.exec(first.text)?.[1];
      if (second === undefined) return;
      const back = /<a href="([^"]*before=[^"]*)"/.exec((await get(service, withoutEntities(second))).text)![1]!;
      const rowsIn = (text: string) => /<tbody[\s\S]*<\/tbody>/.exec(text)![0];
      expect(rowsIn((await get(service, withoutEntities(back))).text)).toBe(rowsIn(first.text));
    },
  );

  test('days are those of the billing time zone, and add up to the month', async () => {
    let sum = 0;
    for (let day = 1; day <= 30; day += 1)
      sum += (
        await csvAt(service, `/reports/2026-11/attempts?corrects=none&day=2026-11-${String(day).padStart(2, '0')}`)
      ).quantity;
    expect(sum).toBe((await listAt(service, '/reports/2026-11/attempts?corrects=none')).total);
    expect(
      (await csvAt(service, '/reports/2026-11/attempts?day=2026-11-20')).rows.map((row) => row['attempted_at']),
    ).toContain('2026-11-20T23:59:59Z');
  });

  test('the CSV has the columns and the bytes of the detail file', async () => {
    const { text } = await csvAt(service, '/reports/2026-10/attempts');
    const detail = await get(service, '/reports/2026-10/files/idscan-cost_2026-10_v1_detail.csv');
    expect(text).toBe(detail.text);
    const { rows } = await csvAt(service, '/reports/2026-11/attempts?code=%3D1%2B1');
    expect(Object.keys(rows[0]!)).toEqual(reportColumns.detail.map(({ header }) => header));
    expect(rows.map((row) => row['outcome_code'])).toEqual(["'=1+1"]);
  });

  test('a row leads to its transaction, and tells what was taken back', async () => {
    const { text } = await get(service, '/reports/2026-11/attempts?corrects=2026-10');
    expect(text).toContain('href="/transactions/tx-2026-10-1"');
    expect(textOf(text)).toContain('takes back, October 2026');
    expect(textOf(text)).toContain('corrections take back what was booked');
  });

  test('who may read it, and what is no list', async () => {
    for (const [role, token] of Object.entries(tokens))
      for (const target of ['/reports/2026-10/attempts', '/reports/2026-10/attempts.csv'])
        expect((await get(service, target, token)).status, role).toBe(
          ['finance', 'operator'].includes(role) ? 200 : 403,
        );
    expect((await service.ask('/reports/2026-10/attempts')).status).toBe(401);
    for (const month of ['2019-01', 'x', '2026-13'])
      for (const end of ['', '.csv'])
        expect(problem(await get(service, `/reports/${month}/attempts${end}`)).code, month).toBe('not_found');
    const unknown = await get(service, '/reports/2026-10/attempts?finding=0123456789abcdef');
    expect(problem(unknown)).toMatchObject({ status: 404, code: 'not_found' });
    expect(
      (await service.ask('/reports/2026-10/attempts.csv', { method: 'HEAD', headers: bearer(tokens.finance) })).text,
    ).toBe('');
  });

  const place = (...cells: string[]) => Buffer.from(JSON.stringify(cells)).toString('base64url');
  test.each([
    ['task', 'passport'],
    ['level', ''],
    ['code', 'a%00b'],
    ['invoiced', 'maybe'],
    ['counter', 'x'],
    ['day', '2026-02-30'],
    ['day', '9999-12-31'],
    ['corrects', '2026-13'],
    ['finding', "'"],
    ['price', '-1'],
    ['rules', '%0a'],
    ['list', ''],
    ['only', 'x'],
    ['sort', 'reason'],
    ['order', 'up'],
    ['after', 'x'],
    ['after', '%27'],
    ['before', place('a')],
    ['after', place('2026-99-01 00:00:00+00', 'a', 'b', '1', '1', '', '0')],
    ['after', place('2026-11-01 00:00:00+00', 'a', 'b', 'x', '1', '', '0')],
    ['after', place('2026-11-01 00:00:00+00', 'a\0', 'b', '1', '1', '', '0')],
    ['level', 'a&level=b'],
  ])('%s=%s is refused, and named', async (name, value) => {
    for (const end of name === 'after' || name === 'before' ? [''] : ['', '.csv']) {
      const answer = await get(service, `/reports/2026-10/attempts${end}?${name}=${value}`);
      expect(problem(answer)).toMatchObject({ status: 400, code: 'request_invalid' });
      expect(problem(answer)['detail']).toContain(`parameter ${name} `);
    }
  });

  test('a parameter that the list does not have is refused, and not repeated', async () => {
    const answer = await get(service, '/reports/2026-10/attempts?tusk=ivory');
    expect(problem(answer)).toMatchObject({ status: 400, code: 'request_invalid' });
    expect(answer.text).not.toContain('ivory');
    expect(answer.text).not.toContain('tusk');
  });
});

describe('a reconciled month', () => {
  let service: TestService;
  beforeAll(async () => {
    service = await startService({ PRICES_FILE: prices });
    await fillJanuary(service.context);
  });

  const boundary = 'a-boundary-of-the-tests';
  /** Looks at an invoice, with a usage statement if there is one, and keeps it. */
  async function reconcile(basis: string, usage?: string): Promise<void> {
    const part = (name: string, content: string, file = true) =>
      `--${boundary}\r\ncontent-disposition: form-data; name="${name}"${file ? `; filename="${name}.csv"` : ''}\r\n\r\n${content}\r\n`;
    const body = `${part('basis', basis, false)}${part('invoice', tooMuch)}${usage === undefined ? '' : part('usage', usage)}--${boundary}--\r\n`;
    const headers = { ...bearer(tokens.finance), 'content-type': `multipart/form-data; boundary=${boundary}` };
    const looked = await service.ask('/reports/2026-01/invoice', { method: 'POST', headers, body });
    const upload = /name="upload" value="([\w-]+)"/.exec(looked.text)?.[1];
    expect(upload, textOf(looked.text)).toBeDefined();
    const kept = await service.ask('/reports/2026-01/invoice/keep', {
      method: 'POST',
      headers: { ...bearer(tokens.finance), 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({ upload: upload! }).toString(),
    });
    expect(kept.status).toBe(303);
  }

  /** The numbers of the invoice's page and of its findings' pages. */
  async function crawlInvoice(): Promise<Map<string, Listed>> {
    const { text } = await get(service, '/reports/2026-01/invoice');
    const findings = [...text.matchAll(/href="(\/reports\/2026-01\/invoice\/findings\/[0-9a-f]{16})"/g)];
    const pages = ['/reports/2026-01/invoice', ...findings.map(([, target]) => target!), '/reports/2026-01'];
    const seen = await crawl(service, pages);
    expect([...seen.keys()].some((target) => target.includes('finding='))).toBe(true);
    return seen;
  }

  /** Charges every scan but one, and one that nobody knows. */
  function usage(): string {
    const rows = Array.from({ length: 359 }, (_, place) => {
      const index = Math.floor(place / 6);
      const [day, attempt] = [String(5 + (index % 20)).padStart(2, '0'), 1 + (place % 6)];
      return `t-${index},document_scan,${attempt},2026-01-${day}T10:0${attempt}:00Z,,advanced,1,0.85`;
    });
    const header = 'transaction_id,task_type,attempt,attempted_at,outcome_code,level,quantity,unit_price';
    return [header, ...rows, 'nobody,document_scan,1,2026-01-09T10:00:00Z,,advanced,1,0.85', ''].join('\r\n');
  }

  test('a finding’s number leads to its attempts: of an open month, then of it closed, on both bases', async () => {
    await reconcile('restated');
    const open = await crawlInvoice();
    const [finding] = [...open.entries()].find(([target]) => target.includes('finding='))!;
    expect(open.get(finding)!.total).toBe(60);
    for (const sort of attemptSorts)
      expect((await listAt(service, `${finding}&sort=${sort}`)).rows.toSorted()).toEqual(
        open.get(finding)!.rows.toSorted(),
      );
    await closeOrFail(service.context, '2026-01', 'what is unclassified is known');
    await reconcile('closed');
    await crawlInvoice();
    await bookkeeper(service.context, 1_000)('t-0', {
      ...at('2026-01-05'),
      completedAt: new Date('2026-01-05T10:30:00Z'),
      tasks: [
        scanTask([scan('2026-01-05T10:01:00Z', null), scan('2026-01-05T10:07:00Z', null)], {
          attempts: null,
          attemptsInvoiced: null,
        }),
      ],
    });
    await reconcile('restated');
    await crawlInvoice();
    await reconcile('restated', usage());
    const proven = await crawlInvoice();
    const listed = [...proven.values()].flatMap(({ rows }) => rows);
    expect(listed.filter((row) => row.includes('not in the books'))).toHaveLength(1);
  }, 120_000);
});
