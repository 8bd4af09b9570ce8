import { sql } from 'kysely';
import { beforeAll, describe, expect, test } from 'vitest';
import { maxRefusedReports, maxReportsPerToken } from '../../src/http/access/limits.ts';
import { startTcpProxy } from '../chaos/tcp-proxy.ts';
import { atEnd, createTestDatabase } from '../support/books.ts';
import { completed, other, pagesOf, path, shop, startWithPages } from './browser-support.ts';
import { deliver, eventOf, problem, startService } from './support.ts';

let { service, say, tokenFor, rowOf, reportsOf, outcomes, figure } = {} as Awaited<ReturnType<typeof startWithPages>>;
beforeAll(async () => {
  ({ service, say, tokenFor, rowOf, reportsOf, outcomes, figure } = await startWithPages());
});

describe('a page', () => {
  test('says with its token what became of its transaction, and the result is to be fetched', async () => {
    const token = tokenFor('t-1');
    const before = await outcomes('accepted');
    const opened = await say({ token, event: 'opened' });
    expect(opened).toMatchObject({
      status: 204,
      text: '',
      headers: { 'access-control-allow-origin': shop, vary: 'origin' },
    });
    expect(await rowOf('t-1')).toMatchObject({ result_id: null, state: 'due' });
    expect(await say(completed(token, 'r-1', { transactionId: 't-1', ignored: 7 }))).toMatchObject({ status: 204 });
    expect(await rowOf('t-1')).toMatchObject({ result_id: 'r-1', state: 'due' });
    expect(await reportsOf('t-1')).toEqual([
      { result_id: 'r-1', origin: shop, opened: true, completed: true, left: false, ignored_messages: 7 },
    ]);
    const { rows } = await sql`select source, result_id from intake where transaction_id = 't-1' order by id`.execute(
      service.context.db.kysely,
    );
    expect(rows).toEqual([
      { source: 'browser', result_id: null },
      { source: 'browser', result_id: 'r-1' },
    ]);
    expect(await outcomes('accepted')).toBe(before + 1);
    expect(await figure('idscan_browser_ignored_messages_total')).toBe(7);
  });

  test('may say it again: nothing changes, also where several say so at once', async () => {
    const token = tokenFor('t-2');
    const said = completed(token, 'r-2');
    const answers = await Promise.all(Array.from({ length: 8 }, () => say(said)));
    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 8 }, () => 204));
    expect(await rowOf('t-2')).toMatchObject({ result_id: 'r-2', generation: 1 });
    expect(await reportsOf('t-2')).toHaveLength(1);
    const another = await say(completed(tokenFor('t-2'), 'r-2'));
    expect(another.status).toBe(204);
    expect(await rowOf('t-2')).toMatchObject({ result_id: 'r-2', generation: 1 });
  });

  test('that is left says so, and the transaction waits for its end', async () => {
    const token = tokenFor('t-3');
    expect((await say({ token, event: 'left' })).status).toBe(204);
    expect(await rowOf('t-3')).toMatchObject({ result_id: null });
    expect(await reportsOf('t-3')).toMatchObject([{ left: true, completed: false }]);
  });

  test('is asked beforehand by browsers, and answered', async () => {
    const answer = await service.ask(path, {
      method: 'OPTIONS',
      headers: { origin: other, 'access-control-request-method': 'POST' },
    });
    expect(answer).toMatchObject({
      status: 204,
      headers: { 'access-control-allow-origin': other, 'access-control-allow-methods': 'POST' },
    });
    expect(answer.headers['access-control-allow-credentials']).toBeUndefined();
    const json = await say(completed(tokenFor('t-4'), 'r-4'), { 'content-type': 'application/json' });
    expect(json.status).toBe(204);
  });

  test('that names another result than the webhook did is noted, and not believed', async () => {
    await deliver(service, eventOf('t-5', 'r-of-the-vendor'));
    const before = await outcomes('conflict');
    expect((await say(completed(tokenFor('t-5'), 'r-of-the-page'))).status).toBe(204);
    expect(await rowOf('t-5')).toMatchObject({ result_id: 'r-of-the-vendor' });
    expect(await outcomes('conflict')).toBe(before + 1);
  });
});

test('a result that a page made up gives way to that of the vendor, until it is fetched', async () => {
  await say(completed(tokenFor('t-20'), 'r-made-up'));
  await deliver(service, eventOf('t-20', 'r-of-the-vendor'));
  expect(await rowOf('t-20')).toMatchObject({ result_id: 'r-of-the-vendor', generation: 2, state: 'due' });
  await say(completed(tokenFor('t-20'), 'r-made-up'));
  expect(await rowOf('t-20')).toMatchObject({ result_id: 'r-of-the-vendor', generation: 2 });
  await say(completed(tokenFor('t-21'), 'r-21'));
  await sql`update transactions set result_fetched_at = now() where id = 't-21'`.execute(service.context.db.kysely);
  await deliver(service, eventOf('t-21', 'r-other'));
  expect(await rowOf('t-21')).toMatchObject({ result_id: 'r-21' });
});

describe('limits', () => {
  test('who is refused again and again is told to wait, and keeps nobody with a good token from reporting', async () => {
    const limited = await startWithPages();
    const from = { 'x-forwarded-for': '203.0.113.5' };
    for (let count = 0; count < maxRefusedReports; count += 1)
      expect((await limited.say(completed('x.y', 'r-14'), from)).status).toBe(403);
    const refused = await limited.say(completed('x.y', 'r-14'), from);
    expect(problem(refused)).toMatchObject({ status: 429, code: 'too_many_requests' });
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
    const good = completed(limited.tokenFor('t-14'), 'r-14');
    expect((await limited.say(good, from)).status).toBe(204);
    expect((await limited.say(completed('x.y', 'r-14'), { 'x-forwarded-for': '203.0.113.6' })).status).toBe(403);
  });

  test('a token that sends more than a page would is told to wait', async () => {
    const token = tokenFor('t-15');
    for (let count = 0; count < maxReportsPerToken; count += 1)
      expect((await say({ token, event: 'opened', ignored: count })).status).toBe(204);
    const answer = await say(completed(token, 'r-15'));
    expect(problem(answer)).toMatchObject({ status: 429, code: 'too_many_requests' });
    expect(answer.headers['access-control-expose-headers']).toBe('retry-after');
    expect((await say(completed(tokenFor('t-15'), 'r-15'))).status).toBe(204);
  });
});

test('while Postgres is away a page is told to come back', async () => {
  const postgres = await startTcpProxy(await createTestDatabase());
  atEnd(postgres.close);
  const away = await startWithPages({ DATABASE_URL: postgres.url });
  await postgres.set('refuse');
  const said = completed(away.tokenFor('t-16'), 'r-16');
  const answer = await away.say(said);
  expect(problem(answer)).toMatchObject({ status: 503 });
  expect(answer.headers['access-control-allow-origin']).toBe(shop);
  await postgres.set('forward');
  await expect.poll(async () => (await away.say(said)).status, { timeout: 30_000 }).toBe(204);
});

describe('embed.js', () => {
  test('is for every page, and only where pages may report', async () => {
    const answer = await service.ask('/embed.js');
    expect(answer).toMatchObject({
      status: 200,
      headers: {
        'content-type': 'text/javascript; charset=utf-8',
        'access-control-allow-origin': '*',
        'cross-origin-resource-policy': 'cross-origin',
        'x-content-type-options': 'nosniff',
      },
    });
    expect(answer.text).toContain('export function embedTransaction');
    const etag = answer.headers['etag']!;
    expect((await service.ask('/embed.js', { headers: { 'if-none-match': etag } })).status).toBe(304);
    const closed = await startService();
    expect((await closed.ask('/embed.js')).status).toBe(404);
    expect((await pagesOf(closed).say(completed('x.y', 'r'))).status).toBe(404);
  });
});
