import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { attemptSorts } from '../../src/domain/attempt-filter.ts';
import { reportColumns } from '../../src/domain/report-columns.ts';
import type { Context } from '../../src/jobs/context.ts';
import { createTestFolder } from '../support/books.ts';
import { bookkeeper } from '../support/closing.ts';
import { faceTask, scan, scanTask } from '../support/facts.ts';
import { crawl, csvAt, get, listAt, textOf, withoutEntities } from './attempt-lists.ts';
import { fillBooks, now } from './pages-books.ts';
import { bearer, problem, startService, type TestService, tokens } from './support.ts';

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

  test('a long code may be broken behind each underscore, and is copied whole', async () => {
    const { text } = await get(service, '/reports/2026-11/attempts?code=unknown_type_front');
    expect(text.replaceAll('_<wbr />', '_')).toContain('<code>unknown_type_front</code>');
    expect(text).toContain('unknown_<wbr />type_<wbr />front');
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
