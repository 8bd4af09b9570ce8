import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { january, line } from './january.ts';

type Said = {
  findings: { finding: string; cause: string; subject: string; state: string; settled_amount: string; named: object }[];
  carried_over: { finding: string }[];
};

/** January with a quantity of 51.00 and a fee of 12.00 disputed, and February's invoices. */
async function twoDisputed() {
  const books = await january();
  const { run, reconcile, invoice, rows } = books;
  const fee = 'INV-1,2026-02-01,EUR,2,Platform fee,fee,,,,,12.00';
  await reconcile('--invoice', await invoice('more.csv', line(360, '306.00'), fee));
  const ids = (await rows()).flatMap((row) => (row['record_type'] === 'FINDING' ? [row['finding'] ?? ''] : []));
  for (const id of ids) await reconcile('--decide', `${id}=dispute`, '--reason', 'x');
  const february = async (...args: string[]) => run('reconcile', '2026-02', ...args);
  const credited = async (amount: string) => {
    const credit = `INV-2,2026-03-01,EUR,2,Credit ${ids.join(' and ')},credit,,,,,-${amount}`;
    const monthly = 'INV-2,2026-03-01,EUR,1,Monthly fee,fee,,,,,5.00';
    return february('--invoice', await invoice('february.csv', monthly, credit));
  };
  const said = async () => {
    const all = JSON.parse((await february('--json')).stdout) as Said;
    const credit = all.findings.find(({ cause }) => cause === 'credit');
    if (!credit) throw new Error('there is no credit');
    return { ...all, credit };
  };
  const accept = async () =>
    february('--decide', `${(await said()).credit.finding}=accept`, '--reason', 'as the letter asked');
  const states = async () => {
    await reconcile();
    return (await rows()).flatMap((row) => (row['record_type'] === 'FINDING' ? [row['state']] : []));
  };
  return { ...books, ids, february, credited, said, accept, states };
}

test('a credit of a later month that names several findings settles them all if it comes to their sum', async () => {
  const { ids, credited, said, accept, states } = await twoDisputed();
  const offered = await credited('63.00');
  expect(offered.stdout).not.toContain('It names several findings');
  const { credit, carried_over: carried } = await said();
  expect(credit).toMatchObject({ subject: ids.map((id) => `${id} of 2026-01`).join('+'), named: null });
  expect(carried).toHaveLength(2);
  expect((await accept()).stdout).not.toContain('Still open of earlier months');
  expect((await said()).credit).toMatchObject({ state: 'settled', settled_amount: '-63.00' });
  expect(await states()).toEqual(['settled', 'settled']);
});

test('one that comes to another sum settles none of them, and says what it differs by', async () => {
  const { ids, credited, said, accept, states, folder } = await twoDisputed();
  const differs = `It names several findings. Open of them: ${ids.map((id) => `${id} of 2026-01`).join(' and ')}, together 63.00 EUR. The credit is 3.00 EUR less, so that accepting it settles none of them.`;
  expect((await credited('60.00')).stdout).toContain(differs);
  const names = ids.map((finding) => ({ period: '2026-01', finding }));
  expect((await said()).credit.named).toEqual({ findings: names, amount_open: '63.00', differs_by: '-3.00' });
  expect((await accept()).stdout).toContain(differs);
  expect((await said()).credit).toMatchObject({ state: 'accepted', settled_amount: '0.00' });
  expect(await states()).toEqual(['disputed', 'disputed']);
  const file = path.join(folder, '../2026-02/idscan-cost_2026-02_reconciliation.csv');
  expect(await readFile(file, 'utf8')).toContain(`Credit ${ids.join(' and ')}`);
});
