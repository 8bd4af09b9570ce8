import { afterEach, describe, expect, it } from 'vitest';
import { crc32 } from 'node:zlib';
import { startSimulator } from '../../src/simulator/index.ts';
import type { Simulator, SimulatorOptions } from '../../src/simulator/index.ts';
import { clientOf, get, signToken, times } from './client.ts';
import type { Reply } from './client.ts';

let now = new Date('2026-12-01T00:00:00Z');
let simulator: Simulator;
afterEach(() => simulator.close());

async function start(options: Partial<SimulatorOptions> = {}): Promise<ReturnType<typeof clientOf>> {
  now = new Date('2026-12-01T00:00:00Z');
  simulator = await startSimulator({ seed: 11, month: '2026-10', transactions: 80, now: () => now, ...options });
  return clientOf(simulator, () => now);
}

function completed() {
  return simulator.transactions.filter(({ resultId }) => resultId !== null);
}

function expectWholeFile({ headers, body }: Reply): void {
  expect(headers['content-length']).toBe(String(body.length));
  switch (headers['content-type']) {
    case 'image/jpeg':
      expect(body.subarray(0, 3).toString('hex')).toBe('ffd8ff');
      expect(body.subarray(-2).toString('hex')).toBe('ffd9');
      return;
    case 'image/png': {
      expect(body.subarray(0, 8).toString('hex')).toBe('89504e470d0a1a0a');
      const dataSize = body.readUInt32BE(33);
      expect(body.readUInt32BE(41 + dataSize)).toBe(crc32(body.subarray(37, 41 + dataSize)));
      expect(body.subarray(-8).toString('hex')).toBe('49454e44ae426082');
      return;
    }
    case 'application/pdf':
      expect(body.subarray(0, 8).toString()).toBe('%PDF-1.4');
      expect(body.toString('latin1').trimEnd().endsWith('%%EOF')).toBe(true);
      return;
    case undefined:
    default:
      expect.fail(`no file type: ${headers['content-type'] ?? 'none'}`);
  }
}

describe('results and files', () => {
  it('hands out whole files, the same bytes each time, and counts who fetched what', async () => {
    const client = await start();
    const types = new Set<string | undefined>();
    let nulls = 0;
    for (const { transactionId, resultId, resultFiles } of completed()) {
      const files = (await client.result(transactionId, resultId)).tasks[0]!.files!;
      const urls = files.flatMap(({ url }) => url ?? []);
      expect(new Set(urls).size).toBe(resultFiles);
      nulls += files.length - urls.length;
      for (const url of urls) {
        const reply = await client.url(url);
        expect(reply.status).toBe(200);
        expectWholeFile(reply);
        types.add(reply.headers['content-type']);
      }
    }
    expect(types).toEqual(new Set(['image/jpeg', 'image/png']));
    expect(nulls).toBeGreaterThan(0);
    expect(
      [...simulator.requests.downloads.values()].every(({ requested, served }) => requested === 1 && served === 1),
    ).toBe(true);
    const [token] = simulator.requests.downloads.keys();
    const [first, second] = [await client.path(`downloads/${token!}`), await client.path(`downloads/${token!}`)];
    expect(first.body.equals(second.body)).toBe(true);
    expect(simulator.requests.downloads.get(token!)).toEqual({ requested: 3, served: 3 });
  });

  it('makes as many files of the size that is asked for', async () => {
    const client = await start({
      filesPerResult: 9,
      fileBytes: 70_001,
      nullUrlShare: 0,
      transactions: 5,
      abandonedShare: 0,
    });
    const { transactionId, resultId } = completed()[0]!;
    const files = (await client.result(transactionId, resultId)).tasks[0]!.files!;
    expect(files.length).toBe(9);
    for (const { url } of files) {
      const reply = await client.url(url!);
      expectWholeFile(reply);
      expect(reply.body.length).toBe(70_001);
    }
  });

  it('can have lost files', async () => {
    const client = await start({ filesGoneShare: 1, transactions: 20, nullUrlShare: 0 });
    const statuses = new Set<number>();
    for (const { transactionId, resultId } of completed()) {
      for (const { url } of (await client.result(transactionId, resultId)).tasks[0]!.files!)
        statuses.add((await client.url(url!)).status);
    }
    expect(statuses).toEqual(new Set([404, 410]));
    expect([...simulator.requests.downloads.values()].every(({ served }) => served === 0)).toBe(true);
  });

  it('has audit reports of most completed transactions', async () => {
    const client = await start();
    const found = new Set<number>();
    for (const { transactionId, resultId, hasAuditReport } of completed()) {
      const reply = await client.path(`transactions/${transactionId}/results/${resultId ?? ''}/audit-report`);
      expect(reply.status).toBe(hasAuditReport ? 200 : 404);
      if (hasAuditReport) expectWholeFile(reply);
      found.add(reply.status);
    }
    expect(found).toEqual(new Set([200, 404]));
  });
});

describe('what is not there', () => {
  it('answers 404 with the documented error, and 405 for another method', async () => {
    const client = await start();
    const [one, two] = completed();
    const left = simulator.transactions.find(({ resultId }) => resultId === null)!;
    const paths = [
      'transactions/00000000-0000-4000-8000-000000000000',
      `transactions/${one!.transactionId}/results/${two!.resultId ?? ''}`,
      `transactions/${one!.transactionId}/results/${two!.resultId ?? ''}/audit-report`,
      `transactions/${left.transactionId}/results/${one!.resultId ?? ''}`,
      `downloads/${'0'.repeat(34)}`,
      'downloads/..%2f..%2fetc',
      'transactions',
      'results/1',
      'transactions/a/b/c/d/e/f',
      '',
    ];
    for (const path of paths) {
      const reply = await client.path(path);
      expect([path, reply.status]).toEqual([path, 404]);
      const body = JSON.parse(reply.body.toString()) as Record<string, unknown>;
      expect(body).toEqual({ status: 404, message: expect.any(String) as string });
    }
    const bearer = `Bearer ${signToken(simulator, times(now))}`;
    const posted = await get(`${simulator.baseUrl}transactions/${one!.transactionId}`, bearer, 'POST');
    expect(posted.status).toBe(405);
  });

  it('keeps download tokens out of the list of requests', async () => {
    const client = await start();
    const { transactionId, resultId } = completed()[0]!;
    const { url } = (await client.result(transactionId, resultId)).tasks[0]!.files!.find((file) => file.url !== null)!;
    await client.url(`${url!}?query=1`);
    const { list, byRoute, byStatus, total } = simulator.requests;
    expect(list.at(-1)).toEqual({ method: 'GET', path: '/id-scan/v1/downloads/***', status: 200, fault: null });
    expect(byRoute).toEqual({ create: 0, transaction: 0, result: 1, audit_report: 0, download: 1, bill: 0, other: 0 });
    expect([total, byStatus.get(200)]).toEqual([2, 2]);
    simulator.requests.reset();
    expect([simulator.requests.total, simulator.requests.list, simulator.requests.downloads.size]).toEqual([0, [], 0]);
  });
});

describe('a clock that moves', () => {
  it('lists files of attempts while a transaction is open, and forgets them when it expires', async () => {
    const client = await start({
      incompleteKinds: ['scan_failed'],
      abandonedShare: 1,
      transactions: 60,
      nullUrlShare: 0,
    });
    const types = new Set<string | undefined>();
    const after = { states: new Set<string>(), files: new Set<string>() };
    let relisted = 0;
    for (const { transactionId, expiresMs } of simulator.transactions) {
      now = new Date(expiresMs - 1);
      const open = await client.details(transactionId);
      expect(open.state).toBe('pending');
      const urls = open.tasks[0]!.documentScans!.flatMap(({ files }) => files!.map(({ url }) => url!));
      relisted += urls.length - new Set(urls).size;
      for (const url of new Set(urls)) {
        const reply = await client.url(url);
        expectWholeFile(reply);
        types.add(reply.headers['content-type']);
      }
      now = new Date(expiresMs);
      const expired = await client.details(transactionId);
      after.states.add(expired.state);
      for (const { files } of expired.tasks[0]!.documentScans!) after.files.add(JSON.stringify(files) || 'missing');
      if (urls[0] !== undefined) expect((await client.url(urls[0])).status).toBe(404);
    }
    expect(relisted).toBeGreaterThan(0);
    expect(types).toEqual(new Set(['image/jpeg', 'image/png', 'application/pdf']));
    expect(after).toEqual({
      states: new Set(['pending', 'expired', 'timed_out']),
      files: new Set(['[]', 'null', 'missing']),
    });
  });

  it('unfolds a transaction when asked to', async () => {
    const client = await start({ unfolding: true, abandonedShare: 0, transactions: 100 });
    let steps = 0;
    for (const { transactionId, resultId, createdMs, completedMs } of completed()) {
      now = new Date('2026-12-01T00:00:00Z');
      const last = await client.details(transactionId);
      const scans = last.tasks[0]!.documentScans!;
      now = new Date(createdMs - 1);
      expect((await client.path(`transactions/${transactionId}`)).status).toBe(404);
      for (const [position, { created, code }] of scans.entries()) {
        now = new Date(Date.parse(created));
        const beginning = (await client.details(transactionId)).tasks[0]!;
        expect(beginning.documentScans!.at(-1)!.code).toBe('processing');
        now = new Date(Date.parse(created) + 3000);
        const then = await client.details(transactionId);
        expect([then.state, then.completed, then.tasks[0]!.documentScans!.length]).toEqual([
          'pending',
          null,
          position + 1,
        ]);
        expect(then.tasks[0]!.documentScans!.at(-1)!.code).toBe(code);
        expect(then.tasks.at(-1)!.state).toBe(then.tasks.length === 1 && code === null ? 'completed' : 'pending');
        steps += 1;
      }
      now = new Date(completedMs! - 1);
      expect((await client.path(`transactions/${transactionId}/results/${resultId ?? ''}`)).status).toBe(404);
      now = new Date(completedMs!);
      expect(await client.details(transactionId)).toEqual(last);
      expect((await client.path(`transactions/${transactionId}/results/${resultId ?? ''}`)).status).toBe(200);
    }
    expect(steps).toBeGreaterThan(100);
  });
});
