import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { sealed } from '../../src/reports/manifest.ts';
import { verifyDispute } from '../../src/reports/verify/dispute.ts';
import { createTestFolder } from '../support/books.ts';
import { january, line } from './january.ts';

/** January at a price of fractions of a cent, with sixty scans too many that are disputed. */
async function fractions(price: string, own: string) {
  const prices = path.join(await createTestFolder(), 'prices.json');
  const list = await readFile(new URL('../../examples/prices.json', import.meta.url), 'utf8');
  await writeFile(prices, list.replace('"0.85"', `"${price}"`));
  const books = await january({ PRICES_FILE: prices });
  const { reconcile, invoice, rows } = books;
  const more = line(360, own).replace(',0.85,', `,${price},`);
  const said = await reconcile('--invoice', await invoice('more.csv', more));
  expect(said.code, said.stderr).toBe(1);
  const idOf = async (effect: string) => (await rows()).find((row) => row['effect'] === effect)?.['finding'] ?? '';
  const decide = async (effect: string, decision: string) =>
    reconcile('--decide', `${await idOf(effect)}=${decision}`, '--reason', 'x');
  const credit = async (amount: string, name = 'Credit') =>
    reconcile('--invoice', await invoice('credit.csv', `CN-1,2026-02-10,EUR,1,${name},credit,,,,,-${amount}`));
  const states = async () =>
    (await rows()).flatMap((row) => (row['record_type'] === 'FINDING' ? [[row['effect'], row['state']]] : []));
  await decide('quantity', 'dispute');
  return { ...books, idOf, decide, credit, states };
}

test('the letter asks for a credit that can be given, says what it comes from, and verify proves both', async () => {
  const { run, folder } = await fractions('0.50125', '180.45');
  const written = await run('dispute', '2026-01');
  expect(written.stdout).toContain(
    'Expected credit: 30.08 EUR, without tax.\nThe findings come to exactly 30.075 EUR.',
  );
  const json = JSON.parse((await run('dispute', '2026-01', '--json')).stdout) as object;
  expect(json).toMatchObject({ expected_credit: '30.075', payable_credit: '30.08' });
  const sent = `${folder}-dispute`;
  const letter = await readFile(path.join(sent, 'idscan-cost_2026-01_dispute-letter.en.txt'), 'utf8');
  expect(letter).toContain('We expect a credit note of EUR 30.08 without VAT');
  expect((await run('verify', sent)).stdout).toContain('expected credit 30.08 EUR, without tax (exactly 30.075)');
  const file = path.join(sent, 'dispute.json');
  type Sealed = { sha256?: string; totals: Record<string, string> };
  const manifest = JSON.parse(await readFile(file, 'utf8')) as Sealed;
  delete manifest.sha256;
  await writeFile(file, sealed({ ...manifest, totals: { ...manifest.totals, payable_credit: '30.09' } }));
  expect((await verifyDispute(sent)).problemCount).toBeGreaterThan(0);
});

test('a rounded credit settles the dispute and the rounding of its line, to the last digit', async () => {
  const { idOf, credit, states } = await fractions('0.5013', '180.47');
  const said = await credit('30.08', `Credit ${await idOf('quantity')}`);
  expect(said.code, said.stdout).toBe(0);
  expect(await states()).toEqual([
    ['quantity', 'settled'],
    ['rounding', 'settled'],
    ['extra_line', 'settled'],
  ]);
});

test('where the rounding is accepted already, what is left of the credit is called rounding, until it is accepted', async () => {
  const { reconcile, decide, credit, states, run } = await fractions('0.5013', '180.47');
  await decide('rounding', 'accept');
  const said = await credit('30.08');
  expect(said.stdout).toContain('partly settled, -0.002 left: rounding, to be accepted');
  const json = JSON.parse((await reconcile('--json')).stdout) as { findings: { left_is_rounding: boolean }[] };
  expect(json.findings.map((one) => one.left_is_rounding)).toEqual([false, false, true]);
  expect((await decide('extra_line', 'accept')).code).toBe(0);
  expect(await states()).toEqual([
    ['quantity', 'settled'],
    ['rounding', 'accepted'],
    ['extra_line', 'accepted'],
  ]);
  expect((await run('dispute', '2026-01')).stderr).toContain('(nothing_disputed)');
});

test('of a dispute that a lower credit leaves a fraction of a cent of, no letter is written', async () => {
  const { credit, run, decide } = await fractions('0.50125', '180.45');
  expect((await credit('30.07', 'Credit line 1')).stdout).toContain(
    'partly settled, 0.005 left: rounding, to be accepted',
  );
  expect((await run('dispute', '2026-01')).stderr).toContain('(nothing_disputed)');
  await decide('rounding', 'accept');
  expect((await decide('quantity', 'accept')).code).toBe(0);
});
