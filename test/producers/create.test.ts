import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import pg from 'pg';
import { startSimulator } from '../../src/simulator/index.ts';
import { asOwner, atEnd } from '../support/books.ts';
import { createCliEnvironment, listeningPort, runCli, startCli } from '../support/cli.ts';
import { readReport } from '../support/report-files.ts';
import { bearer, tokens, tokenSetting } from '../http/support.ts';

vi.setConfig({ testTimeout: 120_000 });

async function setUp(extra: Readonly<Record<string, string>> = {}) {
  const simulator = await startSimulator({ seed: 'born', month: '2026-10', transactions: 40 });
  atEnd(simulator.close);
  const environment = await createCliEnvironment({
    IDSCAN_BASE_URL: simulator.baseUrl,
    IDSCAN_KEY_ID: simulator.keyId,
    IDSCAN_KEY_SECRET: simulator.secret,
    ...extra,
  });
  const client = new pg.Client({ connectionString: asOwner(environment['DATABASE_URL']) });
  await client.connect();
  atEnd(() => client.end());
  const rows = async (text: string): Promise<Record<string, unknown>[]> =>
    (await client.query<Record<string, unknown>>(text)).rows;
  const run = (args: string[]) => runCli(args, environment);
  const statusOf = async () =>
    JSON.parse((await run(['status', '--json'])).stdout) as {
      possiblyCreated: { id: string; reference: string | null }[];
      possiblyCreatedTotal: number;
      creationsUnderWay: number;
    };
  return { simulator, environment, rows, run, statusOf };
}

const create = ['transactions', 'create', '--tasks', 'document_scan,face_liveness'];

describe('transactions create', () => {
  test('asks the vendor, takes the transaction in, and its reference is in the report', async () => {
    const { simulator, environment, run, statusOf } = await setUp();
    const { code, stdout } = await run([...create, '--reference', 'cost-centre-7', '--json']);
    expect(code).toBe(0);
    const made = JSON.parse(stdout) as { transactionId: string; url: string; expires: string };
    expect(simulator.created()).toEqual([made.transactionId]);
    expect(made.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/frame\//);
    expect(await statusOf()).toMatchObject({ possiblyCreated: [], transactions: { total: 1 } });
    expect((await run(create)).code).toBe(0);
    expect((await run(['worker', '--until-idle'])).code).toBe(0);
    expect((await run(['report', '2026-10'])).code).toBe(0);
    const { detail } = await readReport(environment['REPORTS_DIR'] ?? '', '2026-10');
    const references = new Map(detail.map((row) => [row['transaction_id'], row['reference']]));
    expect(references.get(made.transactionId)).toBe('cost-centre-7');
    expect(references.get(simulator.created()[1])).toBe('');
  });

  test('refuses wrong wishes before they cost a call', async () => {
    const { simulator, environment, run } = await setUp();
    const wrong = await run(['transactions', 'create', '--tasks', 'face_match', '--reference', 'Jane Doe']);
    expect(wrong.code).toBe(2);
    expect(wrong.stderr).toContain('tasks must be one of');
    expect(wrong.stderr).toContain('reference must be');
    // Without the outer names the vendor would ignore them.
    const file = path.join(environment['IDSCAN_DATA_DIR'] ?? '', '..', 'settings.json');
    await writeFile(file, '{"minimumAge":18}');
    const misplaced = await run([...create, '--settings', file]);
    expect(misplaced.code).toBe(2);
    expect(misplaced.stderr).toContain('minimumAge must be in settings.documentScan.minimumAge');
    for (const [text, said] of [
      ['{"tasks":["document_scan"]}', 'has tasks, which --tasks names'],
      ['{"locale":"nl","locale":"de"}', 'the same key twice'],
      ['{"expiresIn":86400.00000000000001}', 'more digits than are read'],
      ['[]', 'is no JSON object'],
    ] as const) {
      await writeFile(file, text);
      const refused = await run([...create, '--settings', file]);
      expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining(said)]);
    }
    expect(simulator.requests.total).toBe(0);
  });

  test('does not repeat a call whose answer never came, and lists it until somebody has looked after it', async () => {
    const { simulator, run, statusOf, rows } = await setUp();
    simulator.setFaults({ share: 1, kinds: ['reset'], routes: ['create'] });
    const lost = await run([...create, '--reference', 'team-a', '--idempotency-key', 'order-1']);
    expect(lost.code).toBe(1);
    expect(lost.stderr).toContain('creation_unanswered');
    simulator.setFaults(null);
    expect(simulator.created()).toHaveLength(1);
    // With its key it is not asked again.
    expect((await run([...create, '--reference', 'team-a', '--idempotency-key', 'order-1'])).code).toBe(1);
    expect(simulator.created()).toHaveLength(1);
    const { possiblyCreated } = await statusOf();
    expect(possiblyCreated).toMatchObject([{ reference: 'team-a' }]);
    const [{ id } = { id: '' }] = possiblyCreated;
    const [born = ''] = simulator.created();
    const resolved = await run([
      'transactions',
      'resolve',
      id,
      '--transaction',
      born,
      '--reason',
      'the vendor said so',
    ]);
    expect(resolved.code, resolved.stderr).toBe(0);
    expect((await statusOf()).possiblyCreated).toEqual([]);
    expect(await rows('select transaction_id, reference from transaction_references')).toEqual([
      { transaction_id: born, reference: 'team-a' },
    ]);
  });

  test('what the vendor refused was not created, and may be tried again with the same key', async () => {
    const { simulator, run, statusOf } = await setUp();
    simulator.setFaults({ share: 1, kinds: ['rate_limited_seconds'], routes: ['create'] });
    const refused = await run([...create, '--idempotency-key', 'order-2']);
    expect(refused.stderr).toContain('vendor_rate_limited');
    expect((await statusOf()).possiblyCreated).toEqual([]);
    simulator.setFaults(null);
    const first = await run([...create, '--idempotency-key', 'order-2', '--json']);
    expect(first.code).toBe(0);
    expect(simulator.created()).toHaveLength(1);
    const again = await run([...create, '--idempotency-key', 'order-2', '--json']);
    expect(again.stdout).toBe(first.stdout);
    const reused = await run(['transactions', 'create', '--tasks', 'document_scan', '--idempotency-key', 'order-2']);
    expect(reused.stderr).toContain('idempotency_key_reused');
  });

  test('status counts all that have no answer, and lists some', async () => {
    const { run, rows, statusOf } = await setUp();
    expect((await run(['status'])).code).toBe(0);
    await rows(`
      insert into creations (asked_by, error_code) select 'a test', 'vendor_timeout' from generate_series(1, 1_025)`);
    const { possiblyCreated, possiblyCreatedTotal } = await statusOf();
    expect([possiblyCreated.length, possiblyCreatedTotal]).toEqual([1_000, 1_025]);
    const { stdout } = await run(['status']);
    expect(stdout).toContain('Possibly created: 1025 transactions asked for');
    expect(stdout).toContain('  and 1005 more');
  });

  test('a crash between the question and its answer leaves it listed', async () => {
    const { simulator, environment, run, rows, statusOf } = await setUp();
    simulator.setFaults({ share: 1, kinds: ['slow'], routes: ['create'], slowMs: 20_000 });
    const child = startCli(create, environment);
    await vi.waitUntil(async () => (await rows('select from creations')).length === 1, {
      timeout: 60_000,
      interval: 100,
    });
    await vi.waitUntil(() => simulator.created().length === 1, { timeout: 20_000, interval: 50 });
    child.kill('SIGKILL');
    expect(await statusOf()).toMatchObject({ possiblyCreated: [], creationsUnderWay: 1 });
    expect((await run(['status'])).stdout).toContain('Being created: 1 transaction.');
    await rows(`update creations set asked_at = now() - interval '3 minutes'`);
    expect(await statusOf()).toMatchObject({ possiblyCreated: [{}], creationsUnderWay: 0 });
  });
});

describe('POST /api/transactions', () => {
  test('creates for the role intake, once for a key, and keeps no address after it has expired', async () => {
    const { simulator, environment, rows } = await setUp({
      HTTP_TOKENS: `${tokenSetting},intake:${createHash('sha256').update('intake-token-of-shop-b').digest('hex')}:shop-b`,
      HTTP_PORT: '0',
      LOG_LEVEL: 'info',
    });
    const service = startCli(['serve'], environment);
    const port = await listeningPort(service);
    const ask = (body: unknown, headers: Record<string, string>) =>
      fetch(`http://127.0.0.1:${port}/api/transactions`, {
        method: 'POST',
        body: JSON.stringify(body),
        headers: { 'content-type': 'application/json', ...headers },
      });
    const intake = { ...bearer(tokens.intake), 'idempotency-key': 'web-1' };
    const wish = { tasks: ['document_scan'], reference: 'shop', theme: 'dark' };
    const first = await ask(wish, intake);
    expect(first.status).toBe(201);
    expect(first.headers.get('cache-control')).toBe('no-store');
    const made = (await first.json()) as Record<string, unknown>;
    expect(made).toMatchObject({ transactionId: simulator.created()[0], unknownSettings: ['theme'] });
    const again = await ask(wish, intake);
    expect([again.status, ((await again.json()) as Record<string, unknown>)['url']]).toEqual([200, made['url']]);
    expect((await ask(wish, bearer(tokens.finance))).status).toBe(403);
    expect((await ask({ tasks: ['face_match'] }, intake)).status).toBe(400);
    expect(simulator.created()).toHaveLength(1);
    expect(await rows(`select id from creations where url like '%frame%'`)).toHaveLength(1);
    const other = await ask(wish, { ...bearer('intake-token-of-shop-b'), 'idempotency-key': 'web-1' });
    expect(other.status).toBe(201);
    expect(((await other.json()) as Record<string, unknown>)['transactionId']).toBe(simulator.created()[1]);
    // One request of two clients: the second one is told to come back.
    simulator.setFaults({ share: 1, kinds: ['slow'], routes: ['create'], slowMs: 5_000 });
    const slow = ask(wish, { ...intake, 'idempotency-key': 'web-2' });
    await vi.waitUntil(() => simulator.created().length === 3, { timeout: 20_000, interval: 20 });
    const early = await ask(wish, { ...intake, 'idempotency-key': 'web-2' });
    expect([early.status, early.headers.get('retry-after')]).toEqual([409, '5']);
    expect((await slow).status).toBe(201);
  });

  test('workers without documents forget addresses and requests that have expired', async () => {
    const { environment, run, rows } = await setUp();
    const made = await run([...create, '--idempotency-key', 'order-1']);
    expect(made.code, made.stderr).toBe(0);
    expect(await rows('select from creations where url is not null and request_sha256 is not null')).toHaveLength(1);
    await rows(`update creations set asked_at = now() - interval '1 hour', expires_at = now() - interval '1 minute'`);
    const worker = startCli(['worker'], { ...environment, FETCH_DOCUMENTS: 'false', FETCH_AUDIT_REPORTS: 'false' });
    await vi.waitUntil(
      async () => (await rows('select from creations where url is null and request_sha256 is null')).length === 1,
      { timeout: 60_000, interval: 100 },
    );
    worker.kill('SIGTERM');
    await worker.result;
    const again = await run([...create, '--idempotency-key', 'order-1']);
    expect(again.stderr).toContain('creation_expired');
  });
});
