import { afterEach, describe, expect, it } from 'vitest';
import { startSimulator } from '../../src/simulator/index.ts';
import type { Simulator, SimulatorOptions } from '../../src/simulator/index.ts';
import { clientOf } from './client.ts';
import type { Result } from './client.ts';

const running: Simulator[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((simulator) => simulator.close()));
});

async function start(options: Partial<SimulatorOptions> = {}): Promise<Simulator> {
  const simulator = await startSimulator({ seed: 7, month: '2026-10', transactions: 200, ...options });
  running.push(simulator);
  return simulator;
}

const uuidV4 = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const fromMs = Date.UTC(2026, 9);
const toMs = Date.UTC(2026, 10);

/** Everything the API says, with the port taken out. */
async function allAnswers(simulator: Simulator): Promise<string[]> {
  const client = clientOf(simulator);
  const port = new RegExp(`:${new URL(simulator.baseUrl).port}`, 'g');
  return Promise.all(
    simulator.transactions.map(async ({ transactionId, resultId }) => {
      const details = await client.path(`transactions/${transactionId}`);
      const result = resultId === null ? null : await client.path(`transactions/${transactionId}/results/${resultId}`);
      return `${details.body.toString()}${result?.body.toString() ?? ''}`.replaceAll(port, '');
    }),
  );
}

describe('seeds', () => {
  it('give the same world, books and credentials again, as a number or as text', async () => {
    const [one, other] = [await start(), await start({ seed: '7' })];
    expect(other.transactions).toEqual(one.transactions);
    expect(other.idsCsv()).toBe(one.idsCsv());
    expect(other.invoice()).toEqual(one.invoice());
    expect([other.keyId, other.secret]).toEqual([one.keyId, one.secret]);
    expect(await allAnswers(other)).toEqual(await allAnswers(one));
  });

  it('give a different world each', async () => {
    const [one, other] = [await start(), await start({ seed: 8 })];
    const ids = new Set(one.transactions.map(({ transactionId }) => transactionId));
    expect(other.transactions.some(({ transactionId }) => ids.has(transactionId))).toBe(false);
    expect(other.invoice().lines).not.toEqual(one.invoice().lines);
    expect(other.secret).not.toBe(one.secret);
  });
});

describe('the world', () => {
  it('has every documented code, every way of leaving, and IDs of the right shape', async () => {
    const simulator = await start();
    const codes = new Set(simulator.invoice().lines.map(({ code }) => code));
    expect(codes.size).toBe(12);
    const kinds = new Set(simulator.transactions.map(({ kind }) => kind));
    expect([...kinds].sort()).toEqual([
      'completed',
      'face_not_started',
      'match_pending',
      'no_attempt',
      'processing',
      'scan_failed',
    ]);
    for (const { transactionId, resultId } of simulator.transactions) {
      expect(transactionId).toMatch(uuidV4);
      if (resultId !== null) expect(resultId).toMatch(uuidV4);
    }
    expect(new Set(simulator.transactions.flatMap((one) => [one.transactionId, one.resultId ?? []].flat())).size).toBe(
      simulator.transactions.length + simulator.transactions.filter(({ resultId }) => resultId !== null).length,
    );
  });

  it('has every documented code even when it is small, whatever the seed', async () => {
    for (let seed = 0; seed < 20; seed += 1) {
      const simulator = await start({ seed, transactions: 60 });
      const lines = ['2026-09', '2026-10', '2026-11'].flatMap((month) => simulator.invoice(undefined, month).lines);
      expect([seed, new Set(lines.map(({ code }) => code)).size]).toEqual([seed, 12]);
    }
  });

  it('has events on and 1 ms beside both ends of the month, and lives across them', async () => {
    const simulator = await start({ transactions: 400 });
    const months = ['2026-09', '2026-10', '2026-11'].flatMap((month) => simulator.invoice(undefined, month).lines);
    const beside = new Set(months.map(({ at }) => Date.parse(at)));
    for (const boundary of [fromMs, toMs])
      for (const delta of [-1, 0, 1]) expect(beside.has(boundary + delta), `${boundary} ${delta}`).toBe(true);
    for (const boundary of [fromMs, toMs]) {
      const across = simulator.transactions.filter((one) => one.createdMs < boundary && boundary <= one.expiresMs);
      expect(across.length).toBeGreaterThan(3);
      expect(across.some(({ completedMs }) => completedMs !== null && completedMs >= boundary)).toBe(true);
    }
    for (const { createdMs, expiresMs, completedMs, kind } of simulator.transactions) {
      const lifeHours = (expiresMs - createdMs) / 3_600_000;
      expect(lifeHours >= 1 && lifeHours <= 24 && Number.isInteger(lifeHours)).toBe(true);
      if (completedMs !== null) expect(createdMs < completedMs && completedMs < expiresMs).toBe(true);
      if (kind === 'match_pending') {
        const crossed = [fromMs, toMs].filter((boundary) => createdMs < boundary && boundary <= expiresMs);
        expect(crossed).toEqual([]);
      }
    }
  });

  it('keeps to the documented shapes of attempts', async () => {
    const simulator = await start({ transactions: 400 });
    const client = clientOf(simulator);
    let linked = 0;
    for (const { transactionId, resultId, kind } of simulator.transactions) {
      const details = await client.details(transactionId);
      const [scan, ...faces] = details.tasks;
      const scans = scan!.documentScans!;
      expect(scan!.attempts).toBe(scans.length);
      expect(['', 'face_liveness', 'face_liveness,face_match']).toContain(faces.map(({ type }) => type).join());
      expect(scans.slice(0, -1).every(({ code }) => code !== null)).toBe(true);
      expect(scans.length).toBeLessThanOrEqual(5);
      if (resultId !== null) {
        expect(scans.at(-1)!.code).toBeNull();
        expect(details.state).toBe('completed');
        expect(details.tasks.every(({ state }) => state === 'completed')).toBe(true);
      } else expect(details.completed).toBeNull();
      if (kind === 'processing') expect(scans.at(-1)!.code).toBe('processing');
      linked += scans.filter((one) => one.linked).length;
      const written = JSON.stringify(details);
      expect(written).not.toContain('downloads/');
      expect(details.created).toMatch(/^2026-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?\+00:00$/);
    }
    expect(linked).toBeGreaterThan(5);
  });

  it('answers a share of the transactions in the older shape', async () => {
    const simulator = await start({ olderShapeShare: 0.5, nullUrlShare: 0 });
    const client = clientOf(simulator);
    const completed = simulator.transactions.filter(({ resultId }) => resultId !== null).slice(0, 80);
    expect(new Set(completed.map(({ isOlderShape }) => isOlderShape)).size).toBe(2);
    for (const { transactionId, resultId, isOlderShape } of completed) {
      const text = (await client.path(`transactions/${transactionId}/results/${resultId ?? ''}`)).body.toString();
      const task = (JSON.parse(text) as Result).tasks[0]!;
      expect(text.includes('http:\\/\\/')).toBe(isOlderShape);
      expect(text.includes('"comparison"')).toBe(!isOlderShape);
      expect(task.attempts === undefined).toBe(isOlderShape);
      expect(task.files!.every(({ type }) => type === type.toUpperCase())).toBe(isOlderShape);
      if (isOlderShape) expect((await client.details(transactionId)).tasks[0]!.level).toBeUndefined();
    }
  });

  it('hides the person of every result nowhere else', async () => {
    const simulator = await start({ transactions: 60 });
    const client = clientOf(simulator);
    const { canaryPrefix, surnames, documentNumbers } = simulator.personalData();
    const completed = simulator.transactions.filter(({ resultId }) => resultId !== null);
    expect([surnames.length, new Set(surnames).size]).toEqual([completed.length, completed.length]);
    for (const [position, { transactionId, resultId }] of completed.entries()) {
      const result = (await client.path(`transactions/${transactionId}/results/${resultId ?? ''}`)).body.toString();
      expect(result).toContain(surnames[position]);
      expect(result).toContain(documentNumbers[position]);
      const details = (await client.path(`transactions/${transactionId}`)).body.toString();
      expect(details).not.toContain(canaryPrefix);
    }
  });

  it('lists IDs as a producer would', async () => {
    const simulator = await start();
    const lines = simulator.idsCsv().split('\n');
    expect(lines[0]).toBe('transaction_id,result_id');
    expect(lines.slice(1, -1)).toEqual(
      simulator.transactions.map(({ transactionId, resultId }) => `${transactionId},${resultId ?? ''}`),
    );
    expect(lines.some((line) => line.endsWith(','))).toBe(true);
  });

  it('can be 100 000 transactions large', async () => {
    const simulator = await start({ transactions: 100_000 });
    const last = simulator.transactions.at(-1)!;
    expect((await clientOf(simulator).details(last.transactionId)).id).toBe(last.transactionId);
    expect(new Set(simulator.transactions.map(({ transactionId }) => transactionId)).size).toBe(100_000);
  });
});

describe('options', () => {
  const mistakes: [string, Partial<SimulatorOptions>][] = [
    ['a share above 1', { abandonedShare: 1.1 }],
    ['half a transaction', { transactions: 0.5 }],
    ['no month', { month: '2026' }],
    ['no time zone', { timeZone: 'Europe/Nowhere' }],
    ['no kind', { incompleteKinds: [] }],
    ['a file without room for its format', { fileBytes: 10 }],
    ['a fault share above 1', { faults: { share: 2 } }],
    ['no fault', { faults: { share: 0.1, kinds: [] } }],
  ];
  it.each(mistakes)('refuse %s', async (_, options) => {
    await expect(start(options)).rejects.toThrow(RangeError);
  });
});
