import { afterEach, describe, expect, it } from 'vitest';
import { type FaultKind, faultKinds, type FaultPlan } from '../../src/simulator/faults.ts';
import { type Simulator, startSimulator, transientFaultKinds } from '../../src/simulator/index.ts';
import { clientOf } from './client.ts';
import type { Reply } from './client.ts';

const now = new Date('2026-12-01T00:00:00.500Z');
let simulator: Simulator;
afterEach(() => simulator.close());

async function start(faults: FaultPlan | null, latencyMs = 0): Promise<() => Promise<Reply | 'reset'>> {
  const world = { seed: 5, month: '2026-10', transactions: 20, now: () => now, abandonedShare: 0 };
  simulator = await startSimulator({ ...world, faults, latencyMs });
  const client = clientOf(simulator, () => now);
  const path = `transactions/${simulator.transactions[0]!.transactionId}`;
  return () =>
    client.path(path).catch((error: unknown) => {
      expect(error).toMatchObject({ code: 'ECONNRESET' });
      return 'reset' as const;
    });
}

async function faultThenRight(kind: FaultKind, plan: Partial<FaultPlan> = {}): Promise<[Reply | 'reset', Reply]> {
  const ask = await start({ ...plan, first: 1, kinds: [kind] });
  const faulty = await ask();
  const right = await ask();
  if (right === 'reset') throw new Error('the second request failed too');
  expect([right.status, right.isWhole, right.headers['content-type']]).toEqual([200, true, 'application/json']);
  expect([...simulator.requests.byFault]).toEqual([[kind, 1]]);
  return [faulty, right];
}

describe('every kind of fault reaches a client, and the next request succeeds', () => {
  const statuses: [FaultKind, number, string | undefined][] = [
    ['rate_limited_seconds', 429, '7'],
    ['rate_limited_date', 429, 'Tue, 01 Dec 2026 00:00:07 GMT'],
    ['rate_limited_nonsense', 429, 'soon'],
    ['server_error', 500, undefined],
    ['bad_gateway', 502, undefined],
    ['unavailable', 503, undefined],
    ['unauthorized_once', 401, undefined],
    ['redirect', 302, undefined],
  ];
  it.each(statuses)('%s', async (kind, status, retryAfter) => {
    const [faulty] = await faultThenRight(kind, { retryAfterSeconds: 7 });
    expect(faulty).toMatchObject({ status, isWhole: true });
    if (faulty === 'reset') return;
    expect(faulty.headers['retry-after']).toBe(retryAfter);
    expect(faulty.headers['location']).toBe(kind === 'redirect' ? '/id-scan/v1/moved' : undefined);
    expect(JSON.parse(faulty.body.toString())).toEqual({ status, message: expect.any(String) as string });
  });

  it('html', async () => {
    const [faulty] = await faultThenRight('html');
    expect(faulty).toMatchObject({ status: 200, headers: { 'content-type': 'text/html; charset=utf-8' } });
  });

  it.each(['cut_length', 'cut_chunked'] as const)('%s', async (kind) => {
    const [faulty, right] = await faultThenRight(kind);
    expect(faulty).toMatchObject({ status: 200, isWhole: false });
    if (faulty === 'reset') return;
    expect(faulty.headers['content-length']).toBe(kind === 'cut_length' ? String(right.body.length) : undefined);
    expect(faulty.body.equals(right.body.subarray(0, Math.floor(right.body.length / 2)))).toBe(true);
  });

  it('reset', async () => {
    expect((await faultThenRight('reset'))[0]).toBe('reset');
    expect(simulator.requests.list.map(({ status }) => status)).toEqual([0, 200]);
  });

  it.each(['slow', 'slow_body'] as const)('%s', async (kind) => {
    const start = performance.now();
    const [faulty, right] = await faultThenRight(kind, { slowMs: 60 });
    expect(performance.now() - start).toBeGreaterThan(55);
    expect(faulty).toMatchObject({ status: 200, isWhole: true, body: right.body });
  });
});

describe('fault plans', () => {
  it('by share: each request by chance, so that retries get through', async () => {
    const ask = await start({ share: 0.5, slowMs: 1 });
    for (let request = 0; request < 300; request += 1) await ask();
    const { byFault, list } = simulator.requests;
    const faulty = list.filter(({ fault }) => fault !== null).length;
    expect(faulty).toBeGreaterThan(100);
    expect(faulty).toBeLessThan(200);
    expect(new Set(byFault.keys())).toEqual(new Set(transientFaultKinds));
    expect(byFault.get('unauthorized_once')).toBe(1);
    expect(faultKinds.filter((kind) => !transientFaultKinds.includes(kind))).toEqual(['redirect']);
  });

  it('by first: the first requests of every URL, with the kinds in turn', async () => {
    const ask = await start({ first: 3, kinds: ['server_error', 'unavailable'] });
    const statuses = [];
    for (let request = 0; request < 5; request += 1) {
      const reply = await ask();
      statuses.push(reply === 'reset' ? 0 : reply.status);
    }
    expect(statuses).toEqual([500, 503, 500, 200, 200]);
  });

  it('only on the routes they name, and until they are taken back', async () => {
    const ask = await start({ share: 1, kinds: ['unavailable'], routes: ['result'] });
    const { transactionId, resultId } = simulator.transactions[0]!;
    const client = clientOf(simulator, () => now);
    const result = `transactions/${transactionId}/results/${resultId ?? ''}`;
    expect(await ask()).toMatchObject({ status: 200 });
    expect((await client.path(result)).status).toBe(503);
    simulator.setFaults(null);
    expect((await client.path(result)).status).toBe(200);
    simulator.setFaults({ share: 1, kinds: ['server_error'] });
    expect((await client.path(result)).status).toBe(500);
  });

  it('do not count a broken download as served', async () => {
    await start(null);
    const client = clientOf(simulator, () => now);
    const { transactionId, resultId } = simulator.transactions[0]!;
    const files = (await client.result(transactionId, resultId)).tasks[0]!.files!;
    const url = files.find((file) => file.url !== null)!.url!;
    const kinds = ['cut_length', 'cut_chunked', 'html', 'server_error', 'slow_body'] as const;
    simulator.setFaults({ first: kinds.length, kinds, slowMs: 1 });
    for (let request = 0; request < kinds.length; request += 1) await client.url(url);
    expect([...simulator.requests.downloads.values()]).toEqual([{ requested: 5, served: 1 }]);
  });

  it('refuse a kind that does not exist', async () => {
    await start(null);
    expect(() => simulator.setFaults({ share: 1, kinds: ['gremlins' as FaultKind] })).toThrow('gremlins');
  });
});

it('answers later with a latency, and closes without waiting for what is under way', async () => {
  const ask = await start({ share: 1, kinds: ['slow'], slowMs: 60_000 }, 5);
  const pending = ask();
  await expect.poll(() => simulator.requests.total).toBe(1);
  await Promise.all([simulator.close(), simulator.close()]);
  expect(await pending).toBe('reset');
});
