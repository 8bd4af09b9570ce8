import { readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parse } from 'csv-parse/sync';
import { expect, test } from 'vitest';
import { verifyDispute } from '../../src/reports/verify/dispute.ts';
import { verifyFolder } from '../../src/reports/verify.ts';
import { startSimulator } from '../../src/simulator/index.ts';
import { chance } from '../domain/reconciliation/support-months.ts';
import { atEnd } from '../support/books.ts';
import { createCliEnvironment, runCli } from '../support/cli.ts';

const month = '2026-10';
const priceList = await readFile(new URL('../../examples/prices.json', import.meta.url), 'utf8');

/** Books with every result and file fetched, and a bill of the same vendor with mistakes, each of them disputed. */
async function disputedWorld() {
  const simulator = await startSimulator({ seed: 'canary', month, transactions: 120, counterMismatchShare: 0.1 });
  atEnd(simulator.close);
  const environment = await createCliEnvironment({
    IDSCAN_BASE_URL: simulator.baseUrl,
    IDSCAN_KEY_ID: simulator.keyId,
    IDSCAN_KEY_SECRET: simulator.secret,
  });
  const file = async (name: string, content: string | Buffer) => {
    const to = path.join(environment.folder, name);
    await writeFile(to, content);
    return to;
  };
  const prices = await file('prices.json', priceList);
  const run = async (exit: number, ...args: string[]) => {
    const said = await runCli(args, { ...environment, PRICES_FILE: prices });
    expect(said.code, `${args.join(' ')}: ${said.stderr}`).toBe(exit);
    return said;
  };
  await run(0, 'enqueue', '--file', await file('ids.csv', simulator.idsCsv()));
  await run(0, 'worker', '--until-idle');
  const bill = simulator.bill({ priceList, mistakes: ['usage_unknown', 'billed_twice', 'rule', 'fee'] });
  const invoice = await file('invoice.csv', await simulator.document(bill, 'invoice.csv'));
  const usage = await file('usage.csv', await simulator.document(bill, 'usage.csv'));
  const outputs = [await run(1, 'reconcile', month, '--invoice', invoice, '--usage', usage)];
  const folder = path.join(environment['REPORTS_DIR'] ?? '', month);
  const rows = parse<Record<string, string>>(
    await readFile(path.join(folder, `idscan-cost_${month}_reconciliation.csv`)),
    { columns: true },
  );
  const findings = rows.filter((one) => one['record_type'] === 'FINDING');
  for (const one of findings)
    outputs.push(await run(1, 'reconcile', month, '--decide', `${one['finding']}=dispute`, '--reason', 'not agreed'));
  outputs.push(await run(0, 'dispute', month));
  await run(0, 'report', month);
  return { simulator, folder, findings, outputs: outputs.flatMap(({ stdout, stderr }) => [stdout, stderr]) };
}

test('nothing of the persons, files and keys is in a reconciliation or what is sent about it, and verify finds what was changed', async () => {
  const { simulator, folder, findings, outputs } = await disputedWorld();
  expect(new Set(findings.map((one) => one['cause']))).toEqual(
    new Set(['usage_unknown', 'billed_twice', 'rule', 'fee']),
  );
  const reconciled = (await readdir(folder)).filter((name) => name.includes('reconciliation'));
  const sent = await readdir(`${folder}-dispute`);
  expect([reconciled.length, sent.length]).toEqual([3, 5]);
  const files = [
    ...reconciled.map((name) => path.join(folder, name)),
    ...sent.map((name) => path.join(`${folder}-dispute`, name)),
  ];
  const texts = [...outputs, ...(await Promise.all(files.map((file) => readFile(file, 'utf8')))), ...files];
  const everything = texts.join('\n');
  const { canaryPrefix, surnames, documentNumbers, birthDates } = simulator.personalData();
  const people = [...surnames, ...documentNumbers, ...birthDates];
  expect(people.length).toBeGreaterThan(150);
  expect(everything).toContain(findings[0]?.['finding']);
  expect(
    [canaryPrefix, simulator.secret, simulator.keyId, ...people].filter((one) => everything.includes(one)),
  ).toEqual([]);
  expect(everything).not.toMatch(/downloads\/|https?:|Bearer|eyJ[A-Za-z0-9]/);
  const verified = async (file: string): Promise<number> => {
    const verify = file.startsWith(`${folder}-dispute`) ? verifyDispute(`${folder}-dispute`) : verifyFolder(folder);
    return verify.then(({ problems }) => problems.length).catch(() => 1);
  };
  const random = chance(20_261_130);
  const missed: string[] = [];
  for (const file of files) {
    expect(await verified(file)).toBe(0);
    const bytes = await readFile(file);
    for (let flip = 0; flip < 25; flip += 1) {
      const at = Math.floor(random() * bytes.length);
      const flipped = Buffer.from(bytes);
      flipped[at] = (bytes[at] ?? 0) ^ (1 << Math.floor(random() * 8));
      await writeFile(file, flipped);
      if ((await verified(file)) === 0) missed.push(`${path.basename(file)}, byte ${at}`);
    }
    await writeFile(file, bytes);
  }
  expect(missed).toEqual([]);
});
