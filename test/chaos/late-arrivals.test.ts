import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, inject, test } from 'vitest';
import { type SimulatedTransaction, startSimulator } from '../../src/simulator/index.ts';
import { atEnd, createTestDatabase, createTestFolder } from '../support/books.ts';
import { runCli } from '../support/cli.ts';
import { asLines, type CsvRow } from '../support/report-files.ts';
import { parse } from 'csv-parse/sync';
import { isFull } from './world.ts';

const late = isFull ? 10_000 : 150;
const onTime = isFull ? 2_000 : 100;
const exports = isFull ? 20 : 3;
const zones = ['UTC', 'Pacific/Auckland', 'America/St_Johns', 'Asia/Kathmandu'];
const languages = ['C', 'nl_NL.UTF-8', 'de_DE.UTF-8', 'tr_TR.UTF-8', 'ar_EG.UTF-8'];

async function hashesOf(folder: string): Promise<Record<string, string>> {
  const hashes: Record<string, string> = {};
  for (const name of (await readdir(folder)).sort())
    hashes[name] = createHash('sha256')
      .update(await readFile(path.join(folder, name)))
      .digest('hex');
  return hashes;
}

test(
  `close, then ${late} late arrivals, then ${exports} exports: the closed files stay, the late lines are in the next month`,
  { timeout: 1_800_000 },
  async () => {
    const month = '2026-10';
    const simulator = await startSimulator({
      seed: 'late',
      month,
      transactions: onTime + late,
      latencyMs: 0,
      filesPerResult: 0,
    });
    atEnd(simulator.close);
    const folder = await createTestFolder();
    const environment = {
      folder,
      DATABASE_URL: await createTestDatabase(),
      REDIS_URL: inject('redisUrl').replace(/0$/, '9'),
      IDSCAN_DATA_DIR: path.join(folder, 'data'),
      REPORTS_DIR: path.join(folder, 'reports'),
      IDSCAN_BASE_URL: simulator.baseUrl,
      IDSCAN_KEY_ID: simulator.keyId,
      IDSCAN_KEY_SECRET: simulator.secret,
      PRICES_FILE: path.join(import.meta.dirname, '../../examples/prices.json'),
      FETCH_DOCUMENTS: 'false',
      FETCH_AUDIT_REPORTS: 'false',
      LOG_LEVEL: 'silent',
    };
    const run = async (args: string[], input?: string, more = {}) => {
      const { code, stdout, stderr } = await runCli(args, { ...environment, ...more }, input);
      expect({ args, code, stderr: code === 0 ? '' : stderr.slice(-2_000) }).toEqual({ args, code: 0, stderr: '' });
      return stdout;
    };
    const ids = (transactions: readonly SimulatedTransaction[]) =>
      `transaction_id,result_id\n${transactions.map((one) => `${one.transactionId},${one.resultId ?? ''}`).join('\n')}\n`;
    await run(['enqueue', '-'], ids(simulator.transactions.slice(0, onTime)));
    await run(['worker', '--until-idle']);
    // Some of the first transactions of October began in September.
    await run(['close', '2026-09']);
    await run(['close', month]);
    const closed = await hashesOf(path.join(environment.REPORTS_DIR, month));
    expect(Object.keys(closed).filter((name) => name.includes('_v1_'))).toHaveLength(5);

    await run(['enqueue', '-'], ids(simulator.transactions.slice(onTime)));
    await run(['worker', '--until-idle']);
    await run(['report', '2026-11']);
    for (let index = 0; index < exports; index += 1) {
      const elsewhere = path.join(folder, `export-${index}`);
      const lang = languages[index % languages.length] ?? 'C';
      await run(['report', month], undefined, {
        REPORTS_DIR: elsewhere,
        TZ: zones[index % zones.length],
        LANG: lang,
        LC_ALL: lang,
      });
      expect(await hashesOf(path.join(elsewhere, month))).toEqual(closed);
    }
    const detail = async (period: string, status: string): Promise<CsvRow[]> =>
      parse(await readFile(path.join(environment.REPORTS_DIR, period, `idscan-cost_${period}_${status}_detail.csv`)), {
        columns: true,
      });
    const original = await detail(month, 'v1');
    const next = await detail('2026-11', 'provisional');
    const corrections = next.filter((row) => row['corrects_period'] === month);
    expect(corrections.length).toBeGreaterThan(late / 2);
    expect(new Set(corrections.map((row) => row['quantity']))).toEqual(new Set(['1']));
    expect(asLines([...original, ...corrections])).toEqual(asLines(simulator.invoice()));
  },
);
