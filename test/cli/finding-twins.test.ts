import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { migrateDown, migrateUp } from '../../src/db/migrate.ts';
import { identityOf } from '../../src/domain/reconciliation/identity.ts';
import { asOwner, openTestDatabase } from '../support/books.ts';
import { january, line } from './january.ts';

const fee = (place: string, name: string, amount: string, number = 'INV-1') =>
  `${number},2026-02-01,EUR,${place},${name},fee,,,,,${amount}`;
const scans = line(300, '255.00').replace('EUR,1,', 'EUR,0,');

/** January with an invoice for fees, and what was decided of each by its line. */
async function feesOf(lines: readonly string[], decided: Readonly<Record<string, string>>) {
  const books = await january();
  const { reconcile, invoice, rows } = books;
  let files = 0;
  const give = async (...given: string[]) => {
    files += 1;
    return reconcile('--invoice', await invoice(`${files}.csv`, ...given));
  };
  /** Each fee's invoice and line, amount, decision and ID. */
  const fees = async () =>
    (await rows()).flatMap((row) =>
      row['cause'] === 'fee'
        ? [
            [
              `${row['invoice_number']}:${row['invoice_line']}`,
              row['amount_difference'],
              row['decision'],
              row['finding'] ?? '',
            ],
          ]
        : [],
    );
  const decide = async (decisions: Readonly<Record<string, string>>) => {
    for (const [place, , , id] of await fees()) {
      const decision = decisions[place ?? ''];
      if (decision) await reconcile('--decide', `${id}=${decision}`, '--reason', `${decision} ${place}`);
    }
  };
  await give(scans, ...lines);
  await decide(decided);
  return { ...books, give, fees, decide };
}

test('of two fees of one name and amount, the one that stays keeps its own decision', async () => {
  const { give, fees } = await feesOf([fee('10', 'Hosting', '5.00'), fee('11', 'Hosting', '5.00')], {
    'INV-1:10': 'accept',
    'INV-1:11': 'dispute',
  });
  const [first, second] = await fees();
  const said = await give(scans, fee('11', 'Hosting', '5.00'));
  expect(await fees()).toEqual([second]);
  expect(said.stdout).toMatch(new RegExp(`Decided earlier and no longer found:[^]*${first?.[3]}[^]*accept INV-1:10`));
  // What comes under other numbers may be either: nobody has decided about it.
  await give(scans, fee('1a', 'Hosting', '5.00'));
  const [[, , decision, id] = []] = await fees();
  expect([decision, [first?.[3], second?.[3]].includes(id)]).toEqual(['', false]);
  await give(scans, fee('10', 'Hosting', '5.00'), fee('11', 'Hosting', '5.00'));
  expect(await fees()).toEqual([first, second]);
});

test('a fee that another invoice charges, too, leaves the other one its dispute when it is withdrawn', async () => {
  const { give, fees, decide, reconcile } = await feesOf([fee('1', 'Platform fee', '25.00')], { 'INV-1:1': 'accept' });
  await give(fee('1', 'Platform fee', '25.00', 'AAA-3'));
  await decide({ 'AAA-3:1': 'dispute' });
  expect((await fees()).map(([place, , decision]) => [place, decision])).toEqual([
    ['INV-1:1', 'accept'],
    ['AAA-3:1', 'dispute'],
  ]);
  const [, disputed] = await fees();
  await give(scans.replace('INV-1', 'INV-2'));
  const said = await reconcile('--withdraw', 'INV-1', '--reason', 'replaced');
  expect(said.stdout).toContain('accept INV-1:1');
  expect(await fees()).toEqual([disputed]);
});

test('two fees of one name and other amounts keep their decisions in another order', async () => {
  const { give, fees } = await feesOf([fee('8', 'Support', '25.00'), fee('9', 'Support', '30.00')], {
    'INV-1:8': 'accept',
    'INV-1:9': 'dispute',
  });
  const [low = [], high = []] = await fees();
  const said = await give(scans, fee('8', 'Support', '30.00'), fee('9', 'Support', '25.00'));
  expect(await fees()).toEqual([
    ['INV-1:8', ...high.slice(1)],
    ['INV-1:9', ...low.slice(1)],
  ]);
  expect(said.stdout).not.toContain('no longer found');
});

test('fees that earlier versions named, the first of them by the common name, keep their decisions, too', async () => {
  const { give, fees, decide, environment } = await feesOf(
    [fee('10', 'Hosting', '5.00'), fee('11', 'Hosting', '5.00')],
    {},
  );
  const own = ['2026-01', null, null, null, 'extra_line', 'fee', 'Hosting'];
  const [common, placed] = [identityOf(own), identityOf([...own, 'INV-1:11'])];
  const { kysely: db, ...owner } = await openTestDatabase(asOwner(environment['DATABASE_URL'] ?? ''));
  await sql`alter table reconciliation_findings disable trigger refuse_change`.execute(db);
  for (const [index, id] of [common, placed].entries())
    await sql`update reconciliation_findings set finding = ${id} where finding = ${(await fees())[index]?.[3]}`.execute(
      db,
    );
  await sql`alter table reconciliation_findings enable trigger refuse_change`.execute(db);
  while (!(await migrateDown({ kysely: db, ...owner })).includes('20261130190000_finding_places'));
  await migrateUp({ kysely: db, ...owner });
  await give(scans, fee('12', 'Hosting', '5.00'));
  expect([common, placed]).not.toContain((await fees())[0]?.[3]);
  await give(scans, fee('10', 'Hosting', '5.00'), fee('11', 'Hosting', '5.00'));
  expect((await fees()).map(([, , , id]) => id)).toEqual([common, placed]);
  await decide({ 'INV-1:10': 'accept', 'INV-1:11': 'dispute' });
  await give(scans, fee('11', 'Hosting', '5.00'));
  expect(await fees()).toEqual([['INV-1:11', '5.00', 'dispute', placed]]);
});
