import { createHmac } from 'node:crypto';
import { sql } from 'kysely';
import { beforeAll, describe, expect, test } from 'vitest';
import { issueBrowserToken } from '../../src/jobs/intake/browser-tokens.ts';
import { maxRefusedReports, maxReportsPerToken } from '../../src/http/access/limits.ts';
import { startTcpProxy } from '../chaos/tcp-proxy.ts';
import { atEnd, createTestDatabase } from '../support/books.ts';
import { bearer, deliver, eventOf, problem, registered, startService, type TestService, tokens } from './support.ts';

const shop = 'https://shop.example';
const other = 'https://other.example';
const environment = {
  BROWSER_ORIGINS: `${shop}, ${other}`,
  BROWSER_TOKEN_KEY: '0f'.repeat(32),
  HTTP_TRUSTED_PROXIES: '127.0.0.1',
};
const path = '/api/browser-results';

let service: TestService;
let addresses = 0;
beforeAll(async () => {
  service = await startService(environment);
});

const tokenFor = (
  transactionId: string,
  { origin = shop, now = new Date(), expires = null, at = service }: Partial<TokenWish> = {},
): string => issueBrowserToken(at.context.service.browsers!, { transactionId, origin, expires }, now).token;
type TokenWish = { origin: string; now: Date; expires: Date | null; at: TestService };

/** Each request comes from an address of its own, unless the test is about addresses. */
const say = (body: unknown, headers: Record<string, string> = {}, at = service) =>
  at.ask(path, {
    method: 'POST',
    headers: {
      origin: shop,
      'content-type': 'text/plain;charset=UTF-8',
      'x-forwarded-for': `198.51.100.${(addresses += 1) % 250}`,
      ...headers,
    },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
const completed = (token: string, resultId: string, more: object = {}) => ({
  token,
  event: 'completed',
  resultId,
  ...more,
});
const figure = async (name: string, at = service): Promise<number> => {
  const { text } = await at.ask('/metrics', { headers: bearer(tokens.metrics) });
  const line = text.split('\n').find((one) => one.startsWith(`${name} `));
  return Number(line?.split(' ')[1]);
};
const outcomes = (outcome: string) => figure(`idscan_browser_reports_total{outcome="${outcome}"}`);
const rowOf = async (id: string) => (await registered(service)).find((row) => row.id === id);
const reportsOf = async (id: string) => {
  const { rows } = await sql<Record<string, unknown>>`
    select result_id, origin, opened_at is not null as opened, completed_at is not null as completed,
      left_at is not null as left, ignored_messages from browser_reports where transaction_id = ${id}`.execute(
    service.context.db.kysely,
  );
  return rows;
};

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

describe('a token', () => {
  test('says one result: replayed with another one it is refused, counted, and changes nothing', async () => {
    const token = tokenFor('t-6');
    await say(completed(token, 'r-6'));
    const before = { row: await rowOf('t-6'), used: await outcomes('browser_token_used') };
    const replayed = await say(completed(token, 'r-forged'));
    expect(problem(replayed)).toMatchObject({ status: 409, code: 'browser_token_used' });
    expect(replayed.headers['access-control-allow-origin']).toBe(shop);
    expect(await rowOf('t-6')).toEqual(before.row);
    const { rows } = await sql`select 1 from intake where result_id = 'r-forged'`.execute(service.context.db.kysely);
    expect(rows).toEqual([]);
    expect(await outcomes('browser_token_used')).toBe(before.used + 1);
  });

  test.each([
    ['changed in what it says', (token: string) => token.replace(/^.{40}/, (start) => `${start.slice(0, -1)}x`)],
    ['changed in its signature', (token: string) => `${token.slice(0, -4)}AAAA`],
    ['cut', (token: string) => token.slice(0, -10)],
    ['longer', (token: string) => `${token}.x`],
    ['without a signature', (token: string) => token.split('.')[0]!],
    ['signed with nothing', (token: string) => `${token.split('.')[0]!}.`],
    ['empty', () => ''],
    ['of another form', () => `${'a'.repeat(900)}.${'b'.repeat(43)}`],
    [
      'signed with another key',
      (token: string) => {
        const [payload = ''] = token.split('.');
        return `${payload}.${createHmac('sha256', 'another').update(payload).digest('base64url')}`;
      },
    ],
  ])('that is forged (%s) is refused and counted, whether or not the transaction exists', async (_how, forge) => {
    await say(completed(tokenFor('t-7'), 'r-7'));
    const before = await outcomes('browser_token_invalid');
    const answers = [];
    for (const id of ['t-7', 't-never-created']) answers.push(await say(completed(forge(tokenFor(id)), 'r-7')));
    for (const answer of answers) expect(problem(answer)).toMatchObject({ status: 403, code: 'browser_token_invalid' });
    const [known, unknown] = answers.map((answer) => ({ ...problem(answer), requestId: '' }));
    expect(known).toEqual(unknown);
    expect(await outcomes('browser_token_invalid')).toBe(before + 2);
    expect(await rowOf('t-never-created')).toBeUndefined();
  });

  test('that has expired is refused and counted', async () => {
    const past = new Date(Date.now() - 61 * 60_000);
    expect(problem(await say(completed(tokenFor('t-8', { now: past }), 'r-8')))).toMatchObject({
      status: 403,
      code: 'browser_token_expired',
    });
    // It lives no longer than its transaction and five minutes.
    const ended = tokenFor('t-8', { expires: new Date(Date.now() - 6 * 60_000) });
    expect(problem(await say(completed(ended, 'r-8')))).toMatchObject({ code: 'browser_token_expired' });
    const ending = tokenFor('t-8', { expires: new Date(Date.now() - 4 * 60_000) });
    expect((await say(completed(ending, 'r-8'))).status).toBe(204);
    expect(await outcomes('browser_token_expired')).toBe(2);
  });

  test('is for its transaction, and says nothing of others', async () => {
    await say(completed(tokenFor('t-9'), 'r-9'));
    const token = tokenFor('t-10');
    for (const foreign of ['t-9', 't-never-created'])
      expect(problem(await say(completed(token, 'r-x', { transactionId: foreign })))).toMatchObject({
        status: 403,
        code: 'browser_transaction_foreign',
      });
    expect(await rowOf('t-10')).toBeUndefined();
    expect(await outcomes('browser_transaction_foreign')).toBe(2);
  });

  test('is for the pages of its site', async () => {
    const answer = await say(completed(tokenFor('t-11'), 'r-11'), { origin: other });
    expect(problem(answer)).toMatchObject({ status: 403, code: 'browser_origin_refused' });
    expect(await rowOf('t-11')).toBeUndefined();
  });
});

describe('what is refused before a token is read', () => {
  test.each([
    'https://evil.example',
    'http://shop.example',
    'https://shop.example:8443',
    'https://shop.example.evil.example',
    'null',
    '',
  ])('pages of %j', async (origin) => {
    const answer = await say(completed(tokenFor('t-12'), 'r-12'), { origin });
    expect(problem(answer)).toMatchObject({ status: 403, code: 'browser_origin_refused' });
    expect(answer.headers['access-control-allow-origin']).toBeUndefined();
  });

  test('programs that name no site', async () => {
    const body = JSON.stringify(completed(tokenFor('t-12'), 'r-12'));
    const headers = { 'content-type': 'application/json', ...bearer(tokens.intake) };
    expect(problem(await service.ask(path, { method: 'POST', headers, body }))).toMatchObject({
      code: 'browser_origin_refused',
    });
  });

  test.each([
    ['no JSON', 'completed', 400],
    ['no object', '[]', 400],
    ['an unknown event', { event: 'paid' }, 400],
    ['no result', { event: 'completed' }, 400],
    ['a result too early', { event: 'opened', resultId: 'r-13' }, 400],
    ['a result that is no ID', { event: 'completed', resultId: '../etc/passwd' }, 400],
    ['a result that is no text', { event: 'completed', resultId: { id: 'r-13' } }, 400],
    ['a number that is none', { event: 'left', ignored: -1 }, 400],
    ['keys that reach into objects', '{"__proto__":{"token":"x"},"event":"opened"}', 400],
    ['a huge body', { event: 'completed', resultId: 'r'.repeat(5_000) }, 413],
  ])('%s', async (_what, body, status) => {
    const given = typeof body === 'string' ? body : { token: tokenFor('t-13'), ...body };
    expect(problem(await say(given)).status).toBe(status);
    expect(await rowOf('t-13')).toBeUndefined();
  });

  test('another type of body, another method', async () => {
    const token = tokenFor('t-13');
    const form = await say(`token=${token}`, { 'content-type': 'application/x-www-form-urlencoded' });
    expect(problem(form)).toMatchObject({ status: 415 });
    expect(problem(await service.ask(path, { headers: { origin: shop } }))).toMatchObject({ status: 405 });
  });
});

describe('limits', () => {
  test('who is refused again and again is told to wait, and keeps nobody with a good token from reporting', async () => {
    const limited = await startService(environment);
    const from = { 'x-forwarded-for': '203.0.113.5' };
    for (let count = 0; count < maxRefusedReports; count += 1)
      expect((await say(completed('x.y', 'r-14'), from, limited)).status).toBe(403);
    const refused = await say(completed('x.y', 'r-14'), from, limited);
    expect(problem(refused)).toMatchObject({ status: 429, code: 'too_many_requests' });
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
    const good = completed(tokenFor('t-14', { at: limited }), 'r-14');
    expect((await say(good, from, limited)).status).toBe(204);
    expect((await say(completed('x.y', 'r-14'), { 'x-forwarded-for': '203.0.113.6' }, limited)).status).toBe(403);
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
  const away = await startService({ ...environment, DATABASE_URL: postgres.url });
  await postgres.set('refuse');
  const said = completed(tokenFor('t-16', { at: away }), 'r-16');
  const answer = await say(said, {}, away);
  expect(problem(answer)).toMatchObject({ status: 503 });
  expect(answer.headers['access-control-allow-origin']).toBe(shop);
  await postgres.set('forward');
  await expect.poll(async () => (await say(said, {}, away)).status, { timeout: 30_000 }).toBe(204);
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
    expect((await say(completed('x.y', 'r'), {}, closed)).status).toBe(404);
  });
});
