import { sql } from 'kysely';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { verifyFolder } from '../../src/reports/verify.ts';
import { asOwner, openTestDatabase } from '../support/books.ts';
import { disputed, january, line } from './january.ts';

test('a credit note settles the dispute that it matches: both stay as they were found, and nothing is open', async () => {
  const { reconcile, invoice, rows, states, kept, report, folder, id, cause } = await disputed();
  const file = await invoice('credit.csv', line(-60, '-51.00', 'CN-1'));
  expect((await reconcile('--invoice', file, '--dry-run')).code).toBe(0);
  expect(await kept()).toBe(0);
  const settled = await reconcile('--invoice', file);
  expect(settled.code, settled.stderr).toBe(0);
  expect(await states()).toEqual([
    ['INV-1', cause, '51.00', '51.00', 'settled'],
    ['CN-1', 'credit', '-51.00', '-51.00', 'settled'],
  ]);
  expect((await rows()).slice(0, 2).map((row) => row['finding'])).toContain(id);
  expect((await rows())[1]).toMatchObject({ subject: id, effect: 'extra_line', quantity_difference: '-60' });
  expect((await rows()).at(-1)).toMatchObject({ vendor_amount: '255.00', amount_difference: '0.00' });
  expect((await reconcile()).code).toBe(0);
  expect((await reconcile('--invoice', file)).code).toBe(0);
  expect(await kept()).toBe(1);
  expect((await report()).code).toBe(0);
  expect((await verifyFolder(folder)).problems).toEqual([]);
  const name = path.join(folder, 'idscan-cost_2026-01_reconciliation.csv');
  const text = await readFile(name, 'utf8');
  for (const [from, to, problem] of [
    [/51\.00,settled/, '51.00,accepted', 'state is accepted, not settled'],
    [/51\.00,settled/, '52.00,partly_settled', 'settled_amount is more than the amount, or of the other sign'],
  ] as const) {
    await writeFile(name, text.replace(from, to));
    expect((await verifyFolder(folder)).problems.map((one) => one.problem)).toContain(problem);
  }
});

test('a credit note settles a part; the rest comes with the next one, or is accepted', async () => {
  const { reconcile, invoice, states, id, cause } = await disputed();
  const part = await reconcile('--invoice', await invoice('part.csv', line(-40, '-34.00', 'CN-1')));
  expect(part.code).toBe(1);
  expect(part.stdout).toContain('17.00 left');
  expect((await states())[0]).toEqual(['INV-1', cause, '51.00', '34.00', 'partly_settled']);
  expect((await reconcile('--decide', `${id}=accept`, '--reason', 'the rest is right')).code).toBe(0);
  expect((await states())[0]?.at(-1)).toBe('accepted');
  await reconcile('--decide', `${id}=dispute`, '--reason', 'it is not');
  expect((await reconcile('--invoice', await invoice('rest.csv', line(-20, '-17.00', 'CN-2')))).code).toBe(0);
  expect((await states())[0]).toEqual(['INV-1', cause, '51.00', '51.00', 'settled']);
});

test('a credit that settles nothing stays a finding of its own, until what it is for is disputed', async () => {
  const { reconcile, invoice, rows } = await january();
  expect(await reconcile('--invoice', await invoice('early.csv', line(-60, '-51.00', 'CN-1')))).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('(invoice_missing)') as string,
  });
  await reconcile('--invoice', await invoice('more.csv', line(360, '306.00')));
  const alone = await reconcile('--invoice', await invoice('credit.csv', line(-60, '-51.00', 'CN-1')));
  expect(alone.code).toBe(1);
  expect(alone.stdout).toContain('2 findings are open');
  const [finding, credit] = await rows();
  expect(credit).toMatchObject({ cause: 'credit', state: 'open', subject: 'Document scan', settled_amount: '0.00' });
  expect((await reconcile('--decide', `${finding?.['finding']}=dispute`, '--reason', 'x')).code).toBe(0);
  expect((await reconcile('--decide', `${credit?.['finding']}=dispute`, '--reason', 'not for this')).code).toBe(1);
  expect((await rows()).map((row) => row['state'])).toEqual(['disputed', 'disputed', '']);
});

test('a credit note that replaces another one counts in its place', async () => {
  const { reconcile, invoice, states, kept, cause } = await disputed();
  await reconcile('--invoice', await invoice('first.csv', line(-60, '-51.00', 'CN-1')));
  const second = await reconcile('--invoice', await invoice('second.csv', line(-20, '-17.00', 'CN-1')));
  expect(second.code).toBe(1);
  expect(await states()).toEqual([
    ['INV-1', cause, '51.00', '17.00', 'partly_settled'],
    ['CN-1', 'credit', '-17.00', '-17.00', 'settled'],
  ]);
  expect(await kept()).toBe(1);
});

test('settlements are only ever added to, also by the role that the program works as', async () => {
  const { reconcile, invoice, environment } = await disputed();
  await reconcile('--invoice', await invoice('credit.csv', line(-60, '-51.00', 'CN-1')));
  const owner = await openTestDatabase(asOwner(environment['DATABASE_URL'] ?? ''));
  for (const change of ['delete from finding_settlements', "update finding_settlements set settled_by = 'x'"])
    await expect(sql.raw(change).execute(owner.kysely)).rejects.toThrow();
});

/** February has no attempts: its invoice charges nothing but what is given. */
async function february(books: Awaited<ReturnType<typeof disputed>>) {
  const { run, invoice, folder } = books;
  const reconcile = (...args: string[]) => run('reconcile', '2026-02', ...args);
  const written = async () =>
    JSON.parse(await readFile(path.join(folder, '../2026-02/reconciliation.json'), 'utf8')) as {
      carried_over: Record<string, unknown>[];
    };
  const file = await invoice(
    'february.csv',
    'INV-2,2026-03-01,EUR,1,Monthly fee,fee,,,,,5.00',
    'INV-2,2026-03-01,EUR,2,Credit January,credit,,,,,-51.00',
  );
  return { reconcile, written, file };
}

test('what is still open is carried into the next month, where a credit line is offered for it and settles it if accepted', async () => {
  const books = await disputed();
  const { id } = books;
  const { reconcile, written, file } = await february(books);
  const offered = await reconcile('--invoice', file);
  expect(offered.code, offered.stderr).toBe(1);
  expect(offered.stdout).toMatch(new RegExp(`2026-01 +${id} +rule\\S+ +dispute +51.00 +51.00 +EUR +0`));
  const said = JSON.parse((await reconcile('--json')).stdout) as {
    carried_over: object[];
    findings: { finding: string; cause: string; subject: string }[];
  };
  expect(said.carried_over).toMatchObject([{ period: '2026-01', finding: id, amount_left: '51.00', age_days: 0 }]);
  expect((await written()).carried_over).toMatchObject([
    { finding: id, decision: 'dispute', since: expect.stringMatching(/^\d{4}-\d\d-\d\d$/) as string },
  ]);
  const credit = said.findings.find(({ cause }) => cause === 'credit');
  expect(credit?.subject).toBe(`${id} of 2026-01`);
  const settled = await reconcile('--decide', `${credit?.finding}=accept`, '--reason', 'the one for January');
  expect(settled.stdout).not.toContain('Still open of earlier months');
  // January's files do not show it yet: that is said, until they are written again.
  expect(settled.stdout).toContain(
    'More was decided or credited of 2026-01 than its files show. Have them written again: npx idscan-ledger reconcile 2026-01',
  );
  const behind = async () =>
    (JSON.parse((await reconcile('--json')).stdout) as { months_behind: string[] }).months_behind;
  expect(await behind()).toEqual(['2026-01']);
  expect((await written()).carried_over).toEqual([]);
  expect((await books.reconcile()).code).toBe(0);
  expect((await books.states())[0]?.at(-1)).toBe('settled');
  expect(await behind()).toEqual([]);
  // Who takes the decision back takes the settlement back, too.
  await reconcile('--decide', `${credit?.finding}=dispute`, '--reason', 'it was for December');
  expect((await written()).carried_over).toHaveLength(1);
  expect((await books.reconcile()).code).toBe(1);
});

test('a credit settles once, however often it is decided about', async () => {
  const books = await disputed();
  const { reconcile, invoice } = books;
  const february = (...args: string[]) => books.run('reconcile', '2026-02', ...args);
  const file = await invoice(
    'february.csv',
    'INV-2,2026-03-01,EUR,1,Monthly fee,fee,,,,,5.00',
    `INV-2,2026-03-01,EUR,2,Credit ${books.id},credit,,,,,-20.00`,
  );
  await february('--invoice', file);
  const said = JSON.parse((await february('--json')).stdout) as { findings: { finding: string; cause: string }[] };
  const credit = said.findings.find(({ cause }) => cause === 'credit')?.finding ?? '';
  for (const decision of ['accept', 'dispute', 'accept'])
    await february('--decide', `${credit}=${decision}`, '--reason', 'x');
  await reconcile();
  expect(await books.states()).toEqual([['INV-1', books.cause, '51.00', '20.00', 'partly_settled']]);
  const carried = JSON.parse((await february('--json')).stdout) as { carried_over: object[] };
  expect(carried.carried_over).toMatchObject([{ finding: books.id, amount_left: '31.00' }]);
  // The credit note of January settles the rest, and nothing of February's does so once more.
  await reconcile('--invoice', await invoice('rest.csv', line(-36, '-31.00', 'CN-1').replace('-36,0.85', ',')));
  expect((await books.states())[0]).toEqual(['INV-1', books.cause, '51.00', '51.00', 'settled']);
});

test('a credit that settled a dispute of its month settles no earlier one, whatever is decided about it', async () => {
  const books = await disputed();
  const february = (...args: string[]) => books.run('reconcile', '2026-02', ...args);
  const fee = 'INV-2,2026-03-01,EUR,1,Monthly fee,fee,,,,,51.00';
  await february('--invoice', await books.invoice('february.csv', fee));
  type Said = { findings: { finding: string; cause: string; state: string }[] };
  const found = async () => (JSON.parse((await february('--json')).stdout) as Said).findings;
  const idOf = async (wanted: string) => (await found()).find(({ cause }) => cause === wanted)?.finding ?? '';
  await february('--decide', `${await idOf('fee')}=dispute`, '--reason', 'x');
  await february('--invoice', await books.invoice('cn.csv', 'CN-2,2026-03-02,EUR,1,Credit fee,credit,,,,,-51.00'));
  expect((await found()).map(({ state }) => state)).toEqual(['settled', 'settled']);
  const credit = await idOf('credit');
  for (const decision of ['expect', 'accept']) await february('--decide', `${credit}=${decision}`, '--reason', 'x');
  expect((await found()).map(({ state }) => state)).toEqual(['settled', 'settled']);
  await books.reconcile();
  expect(await books.states()).toEqual([['INV-1', books.cause, '51.00', '0.00', 'disputed']]);
});
