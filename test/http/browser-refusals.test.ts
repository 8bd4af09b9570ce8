import { createHmac } from 'node:crypto';
import { sql } from 'kysely';
import { beforeAll, describe, expect, test } from 'vitest';
import { completed, other, path, shop, startWithPages } from './browser-support.ts';
import { bearer, problem, tokens } from './support.ts';

let { service, say, tokenFor, rowOf, outcomes } = {} as Awaited<ReturnType<typeof startWithPages>>;
beforeAll(async () => {
  ({ service, say, tokenFor, rowOf, outcomes } = await startWithPages());
});

/** The last of the 43 characters has two bits that no byte needs. */
function spelledOtherwise(token: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  return token.slice(0, -1) + alphabet[alphabet.indexOf(token.at(-1)!) + 1]!;
}

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
    ['spelled otherwise, of the same bytes', spelledOtherwise],
    ['padded', (token: string) => `${token}=`],
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
    ['too many digits', '{"event":"left","ignored":1.00000000000000000001}', 400],
    ['a key twice', '{"event":"opened","event":"left"}', 400],
    ['broken UTF-8', Buffer.from('{"event":"opened","token":"\xff"}', 'latin1'), 415],
    ['a huge body', { event: 'completed', resultId: 'r'.repeat(5_000) }, 413],
  ])('%s', async (_what, body, status) => {
    const given = typeof body === 'string' || Buffer.isBuffer(body) ? body : { token: tokenFor('t-13'), ...body };
    expect(problem(await say(given)).status).toBe(status);
    expect(await rowOf('t-13')).toBeUndefined();
  });

  test.each([
    { 'content-type': 'text/plain;charset=utf-16' },
    { 'content-type': 'application/json; charset="ISO-8859-1"' },
    { 'content-encoding': 'gzip' },
  ])('%j', async (headers) => {
    const answer = await say(completed(tokenFor('t-14'), 'r-14'), headers);
    expect(problem(answer)).toMatchObject({ status: 415, code: 'media_type_refused' });
    expect(await rowOf('t-14')).toBeUndefined();
  });

  test('another type of body, another method', async () => {
    const token = tokenFor('t-13');
    const form = await say(`token=${token}`, { 'content-type': 'application/x-www-form-urlencoded' });
    expect(problem(form)).toMatchObject({ status: 415 });
    expect(problem(await service.ask(path, { headers: { origin: shop } }))).toMatchObject({ status: 405 });
  });
});
