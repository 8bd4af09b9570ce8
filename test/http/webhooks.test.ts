import { sql } from 'kysely';
import { beforeAll, describe, expect, test } from 'vitest';
import { deliver, eventOf, inbox, problem, registered, secret, startService, type TestService } from './support.ts';

const json = { 'content-type': 'application/json' };
let service: TestService;
beforeAll(async () => {
  service = await startService();
});

describe('an event', () => {
  test('is committed with its intake and answered 204', async () => {
    const event = eventOf('a1111111-2222-4333-8444-555555555555', 'b1111111-2222-4333-8444-555555555555');
    const answer = await deliver(service, event);
    expect(answer).toMatchObject({ status: 204, text: '' });
    expect((await inbox(service)).at(-1)).toEqual({
      event_id: (event as { id: string }).id,
      event_type: 'transaction.state.updated',
      transaction_id: 'a1111111-2222-4333-8444-555555555555',
      result_id: 'b1111111-2222-4333-8444-555555555555',
      outcome: 'accepted',
    });
    expect(await registered(service)).toContainEqual({
      id: 'a1111111-2222-4333-8444-555555555555',
      result_id: 'b1111111-2222-4333-8444-555555555555',
      state: 'due',
      generation: 1,
    });
    const { rows } = await sql`select source from intake where transaction_id like 'a1111111%'`.execute(
      service.context.db.kysely,
    );
    expect(rows).toEqual([{ source: 'webhook' }]);
  });

  test('of which nothing but IDs, type and time is kept', async () => {
    const canary = 'CANARY-Jansen-XX1234567';
    await deliver(service, {
      ...eventOf('canary-1'),
      person: canary,
      transaction: { id: 'canary-1', state: canary, resultId: null, name: canary },
    });
    const { rows } = await sql<{ all: string }>`
      select (select coalesce(string_agg(w::text, ' '), '') from webhook_inbox w)
        || (select coalesce(string_agg(t::text, ' '), '') from transactions t)
        || (select coalesce(string_agg(i::text, ' '), '') from intake i) as all`.execute(service.context.db.kysely);
    expect(rows[0]!.all).toContain('canary-1');
    expect(rows[0]!.all).not.toContain(canary);
  });

  test('repeated 1,000 times, many at once, has no further effect', async () => {
    const event = eventOf('replayed', 'replayed-result');
    const statuses = new Map<number, number>();
    for (let round = 0; round < 20; round += 1)
      for (const { status } of await Promise.all(Array.from({ length: 50 }, () => deliver(service, event))))
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
    expect([...statuses]).toEqual([[204, 1_000]]);
    expect((await inbox(service)).filter(({ transaction_id }) => transaction_id === 'replayed')).toHaveLength(1);
    expect((await registered(service)).filter(({ id }) => id === 'replayed')).toEqual([
      { id: 'replayed', result_id: 'replayed-result', state: 'due', generation: 1 },
    ]);
  });

  test('that brings the result ID later makes the result due anew; one that contradicts is kept as a conflict', async () => {
    await deliver(service, eventOf('grows'));
    await deliver(service, eventOf('grows', 'first'));
    await deliver(service, eventOf('grows'));
    await deliver(service, eventOf('grows', 'second'));
    const rows = (await inbox(service)).filter(({ transaction_id }) => transaction_id === 'grows');
    expect(rows.map(({ outcome }) => outcome)).toEqual(['accepted', 'accepted', 'already_known', 'conflict']);
    expect(await registered(service)).toContainEqual({ id: 'grows', result_id: 'first', state: 'due', generation: 2 });
  });

  test.each([
    ['task.state.updated', { transaction: { id: 'of-a-task', state: 'pending' } }, 'accepted', 'of-a-task'],
    ['task.state.updated', { transaction: undefined, task: { anything: [1, 2] } }, 'noted', null],
    ['task.state.updated', { transaction: 'a text' }, 'noted', null],
    ['task.state.updated', { transaction: { id: '../not an id' } }, 'noted', null],
    ['something.new', { transaction: { id: 'of-something-new', state: 'x' } }, 'noted', 'of-something-new'],
    ['something.new', { transaction: 7 }, 'noted', null],
  ])('of type %s, with %j, is %s', async (type, more, outcome, transactionId) => {
    const event = eventOf('unused', null, { type, ...more });
    expect(await deliver(service, event)).toMatchObject({ status: 204 });
    expect((await inbox(service)).at(-1)).toMatchObject({ event_type: type, outcome, transaction_id: transactionId });
    expect((await registered(service)).map(({ id }) => id)).not.toContain('of-something-new');
  });

  test.each([['not a date'], [17], [null], [undefined], [{}], ['0001-01-01T00:00:00Z']])(
    'with %j as its time is taken all the same',
    async (created) => {
      expect(await deliver(service, eventOf('timeless', null, { created }))).toMatchObject({ status: 204 });
    },
  );

  test.each(['application/json; charset=utf-8', 'application/cloudevents+json', 'text/json'])(
    'is taken as %s',
    async (type) => {
      expect(await deliver(service, eventOf('typed'), { 'content-type': type })).toMatchObject({ status: 204 });
    },
  );
});

describe('bad input', () => {
  const base = { id: 'bad', type: 'transaction.state.updated', transaction: { id: 'bad', state: 'completed' } };
  const malformed: readonly (readonly [string, unknown])[] = [
    ['nothing', ''],
    ['no JSON', '{"id":'],
    ['a text', '"event"'],
    ['a number', '7'],
    ['null', 'null'],
    ['a list', '[]'],
    ['an empty object', {}],
    ['no event ID', { ...base, id: undefined }],
    ['an empty event ID', { ...base, id: '' }],
    ['a number as event ID', { ...base, id: 7 }],
    ['an event ID of 201 characters', { ...base, id: 'x'.repeat(201) }],
    ['an event ID with U+0000', { ...base, id: 'a\u0000b' }],
    [
      'an event ID with a lone surrogate',
      '{"id":"\\ud800","type":"transaction.state.updated","transaction":{"id":"a"}}',
    ],
    ['an event ID with a line break', { ...base, id: 'a\r\nb: c' }],
    ['no type', { ...base, type: null }],
    ['a type of 101 characters', { ...base, type: 'x'.repeat(101) }],
    ['a type with a space', { ...base, type: 'a b' }],
    ['no transaction', { ...base, transaction: undefined }],
    ['a text as transaction', { ...base, transaction: 'bad' }],
    ['no transaction ID', { ...base, transaction: {} }],
    ['a transaction ID that is a path', { ...base, transaction: { id: '../../etc/passwd' } }],
    ['a transaction ID that is HTML', { ...base, transaction: { id: '<script>alert(1)</script>' } }],
    ['a transaction ID that is SQL', { ...base, transaction: { id: "';drop-table-transactions;--" } }],
    ['a transaction ID of 129 characters', { ...base, transaction: { id: 'x'.repeat(129) } }],
    ['a list as result ID', { ...base, transaction: { id: 'bad', resultId: [] } }],
    ['a result ID that is none', { ...base, transaction: { id: 'bad', resultId: '-' } }],
    ['__proto__', '{"__proto__":{"x":1},"id":"bad","type":"transaction.state.updated","transaction":{"id":"bad"}}'],
    ['deep nesting', '['.repeat(30_000)],
  ];
  test.each(malformed)('%s is answered 400', async (_, body) => {
    const answer = await deliver(service, body);
    expect(problem(answer)).toMatchObject({ status: 400, code: 'request_invalid' });
    expect(answer.text).not.toMatch(/passwd|script|drop-table|\.ts:|node_modules/);
    expect((await inbox(service)).filter(({ event_id }) => event_id === 'bad')).toEqual([]);
    expect((await registered(service)).map(({ id }) => id)).not.toContain('bad');
  });

  test('a secret that is missing, wrong, shorter, longer or doubled is answered 401, before the body is read', async () => {
    const wrong = [
      '',
      'x',
      secret.slice(1),
      `${secret}x`,
      secret.toUpperCase(),
      `${secret}, ${secret}`,
      'é'.repeat(14),
    ];
    for (const given of wrong) {
      const answer = await deliver(service, '{', { 'x-idscan-ledger-secret': Buffer.from(given).toString('latin1') });
      expect(problem(answer), given).toMatchObject({ status: 401, code: 'unauthenticated' });
    }
    const doubled = await deliver(service, '{', { 'x-idscan-ledger-secret': [secret, secret] });
    expect(problem(doubled)).toMatchObject({ status: 401 });
    const missing = await service.ask('/webhooks/id-scan', { method: 'POST', headers: json, body: '{}' });
    expect(problem(missing)).toMatchObject({ status: 401 });
    expect(missing.headers['www-authenticate']).toContain('Bearer');
  });

  test('64 KiB are taken, a byte more is answered 413, whether announced or not', async () => {
    const event = JSON.stringify(eventOf('large'));
    const fill = (bytes: number) => event.replace(/}$/, `,"x":"${'y'.repeat(bytes - event.length - 7)}"}`);
    expect(Buffer.byteLength(fill(65_536))).toBe(65_536);
    expect(await deliver(service, fill(65_536))).toMatchObject({ status: 204 });
    expect(problem(await deliver(service, fill(65_537)))).toMatchObject({ status: 413, code: 'request_too_large' });
    const chunked = await deliver(service, fill(65_537), { 'transfer-encoding': 'chunked' });
    expect(problem(chunked)).toMatchObject({ status: 413 });
    expect(problem(await deliver(service, fill(5_000_000)))).toMatchObject({ status: 413 });
  });

  test.each(['text/plain', 'application/xml', 'application/x-www-form-urlencoded', 'multipart/form-data', 'json', ''])(
    'the media type %j is answered 415',
    async (type) => {
      const answer = await deliver(service, eventOf('other'), { 'content-type': type });
      expect(problem(answer)).toMatchObject({ status: 415, code: 'media_type_refused' });
    },
  );

  test.each(['GET', 'PUT', 'PATCH', 'DELETE'])('%s is answered 405', async (method) => {
    expect(problem(await service.ask('/webhooks/id-scan', { method }))).toMatchObject({ status: 405 });
  });

  test.each([
    '/webhooks/id-scan/../../metrics',
    '/webhooks//id-scan',
    '/webhooks/id-scan/',
    '/webhooks/%69d-scan%00',
    '/webhooks/..%2fqueues',
    '/%2e%2e/%2e%2e/etc/passwd',
    '/queues/static/..%2f..%2f..%2fpackage.json',
    '//example.com/healthz',
  ])('the path %s leads nowhere', async (path) => {
    const answer = await service.ask(path, {
      method: 'POST',
      headers: { ...json, 'x-idscan-ledger-secret': secret },
      body: JSON.stringify(eventOf('path-trick')),
    });
    expect(problem(answer).status).toBeGreaterThanOrEqual(400);
    expect(problem(answer).status).toBeLessThan(500);
    expect((await registered(service)).map(({ id }) => id)).not.toContain('path-trick');
  });

  test('a malformed escape in a path is answered 400', async () => {
    expect(problem(await service.ask('/webhooks/%zz'))).toMatchObject({ status: 400 });
  });
});

describe('two secrets', () => {
  test('are valid at a time, a third is not; without any there is no such route', async () => {
    const [older, newer] = ['the-secret-that-is-going-out', 'the-secret-that-is-coming-in'];
    const rotating = await startService({ WEBHOOK_SECRET: newer, WEBHOOK_SECRET_PREVIOUS: older });
    const statuses = [];
    for (const given of [older, newer, secret])
      statuses.push((await deliver(rotating, eventOf('rotated'), { 'x-idscan-ledger-secret': given })).status);
    expect(statuses).toEqual([204, 204, 401]);
    const without = await startService({ WEBHOOK_SECRET: '' });
    expect(problem(await deliver(without, eventOf('x')))).toMatchObject({ status: 404 });
  });

  test('come in a header whose name is configured', async () => {
    const renamed = await startService({ WEBHOOK_SECRET_HEADER: 'X-Our-Own' });
    expect((await deliver(renamed, eventOf('x'), { 'x-our-own': secret })).status).toBe(204);
    expect((await deliver(renamed, eventOf('y'))).status).toBe(401);
  });
});
