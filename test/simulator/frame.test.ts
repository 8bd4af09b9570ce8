import { readFile } from 'node:fs/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { createIdScanClient } from '../../src/id-scan/index.ts';
import { startSimulator } from '../../src/simulator/index.ts';
import type { Simulator } from '../../src/simulator/index.ts';

let now = new Date();
let simulator: Simulator;
let idScan: ReturnType<typeof createIdScanClient>;
afterEach(async () => {
  await idScan.close();
  await simulator.close();
});

async function start() {
  now = new Date();
  const priceList = await readFile(new URL('../../examples/prices.json', import.meta.url), 'utf8');
  simulator = await startSimulator({
    seed: 3,
    month: '2026-10',
    transactions: 2,
    byHand: true,
    now: () => now,
    priceList,
  });
  const { baseUrl, keyId, secret: keySecret } = simulator;
  idScan = createIdScanClient({ baseUrl, keyId, keySecret });
}

async function create() {
  const created = await idScan.createTransaction({ tasks: ['document_scan', 'face_liveness'], expiresIn: 3600 });
  return { ...created, url: created.url! };
}
const play = (url: string, form: Record<string, string>) =>
  fetch(url, { method: 'POST', body: new URLSearchParams(form), redirect: 'manual' });
const page = async (url: string) => (await fetch(url)).text();

describe('a transaction that is played by hand', () => {
  it('is created anew, with nothing done, and is seen as it is played', async () => {
    await start();
    const { transactionId, url } = await create();
    expect(simulator.created()).toEqual([transactionId]);
    expect(simulator.transactions.map((one) => one.transactionId)).not.toContain(transactionId);
    expect(await idScan.getTransaction(transactionId)).toMatchObject({
      state: 'pending',
      tasks: [
        { type: 'document_scan', scans: [] },
        { type: 'face_liveness', state: 'pending' },
      ],
    });
    expect((await play(url, { move: 'scan', code: 'age_criteria_not_met' })).status).toBe(303);
    expect((await play(url, { move: 'face' })).status).toBe(409);
    expect((await play(url, { move: 'scan' })).status).toBe(303);
    expect((await play(url, { move: 'scan', code: 'processing' })).status).toBe(409);
    expect((await play(url, { move: 'face' })).status).toBe(303);
    expect((await play(url, { move: 'abandon' })).status).toBe(409);
    const details = await idScan.getTransaction(transactionId);
    expect(details).toMatchObject({ state: 'completed', tasks: [{ attemptsInvoiced: 2 }, { state: 'completed' }] });
    expect(details.tasks[0]?.scans?.map(({ code }) => code)).toEqual(['age_criteria_not_met', null]);
    const resultId = /data-result="([\w-]+)"/.exec(await page(url))?.[1] ?? '';
    expect((await idScan.getResult(transactionId, resultId)).tasks.map(({ state }) => state)).toEqual([
      'completed',
      'completed',
    ]);
  });

  it('is in the books of the vendor, and its page says what it costs', async () => {
    await start();
    const { transactionId, url } = await create();
    expect(await page(url)).toContain('Nothing so far');
    await play(url, { move: 'scan', code: 'unknown_type_front' });
    await play(url, { move: 'scan', code: 'image_too_dark' });
    await play(url, { move: 'complete' });
    const month = now.toISOString().slice(0, 7);
    const { lines } = simulator.invoice(undefined, month);
    expect(lines.filter((line) => line.transactionId === transactionId).map(({ invoiced }) => invoiced)).toEqual([
      false,
      null,
      true,
      true,
    ]);
    const text = await page(url);
    expect(text).toMatch(/unknown_<wbr>type_<wbr>front<\/code><\/td><td><span class="tag no">/);
    expect(text).toMatch(/image_<wbr>too_<wbr>dark<\/code><\/td><td><span class="tag unknown">/);
    expect(text).toMatch(/So far<\/th><td class="number">EUR \d+\.\d{2}/);
  });

  it('that is abandoned, or has expired, can be played no more and has no result', async () => {
    await start();
    const [left, late] = [await create(), await create()];
    await play(left.url, { move: 'scan', code: 'age_criteria_not_met' });
    await play(left.url, { move: 'abandon' });
    expect((await play(left.url, { move: 'complete' })).status).toBe(409);
    expect(await page(left.url)).not.toContain('data-result');
    now = new Date(now.getTime() + 3_600_000);
    expect((await play(late.url, { move: 'complete' })).status).toBe(409);
    expect(await page(late.url)).toContain('Expired');
  });

  it('takes nothing else: other moves, codes, huge forms, unknown transactions', async () => {
    await start();
    const { url } = await create();
    for (const form of [
      { move: 'pay' },
      {},
      { move: 'scan', code: '<script>' },
      { move: 'scan', code: 'x'.repeat(9_000) },
    ])
      expect((await play(url, form)).status).toBe(409);
    expect((await fetch(new URL('/frame/none', url))).status).toBe(404);
    expect((await fetch(new URL('/frame/../../package.json', url))).status).toBe(401);
    for (const name of ['frame.js', 'frame.css'])
      expect((await fetch(new URL(`/frame/${name}`, url))).status).toBe(200);
    const { headers } = await fetch(url);
    expect(headers.get('content-security-policy')).not.toMatch(/unsafe|frame-ancestors/);
  });
});
