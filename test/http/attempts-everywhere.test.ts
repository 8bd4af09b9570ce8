import { beforeAll, describe, expect, test } from 'vitest';
import { attemptSorts } from '../../src/domain/attempt-filter.ts';
import { startWithAttempts } from './attempt-books.ts';
import { crawl, csvAt, get, listAt, withoutEntities } from './attempt-lists.ts';
import type { TestService } from './support.ts';

describe('closed months, and the open one with their corrections', () => {
  let service: TestService;
  beforeAll(async () => {
    service = await startWithAttempts();
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
});
