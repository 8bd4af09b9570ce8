import { beforeAll, describe, expect, test } from 'vitest';
import { reportColumns } from '../../src/domain/report-columns.ts';
import { startWithAttempts } from './attempt-books.ts';
import { csvAt, get, textOf } from './attempt-lists.ts';
import { bearer, problem, type TestService, tokens } from './support.ts';

describe('closed months, and the open one with their corrections', () => {
  let service: TestService;
  beforeAll(async () => {
    service = await startWithAttempts();
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
