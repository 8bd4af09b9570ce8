import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { migrateDown, migrateUp } from '../../src/db/migrate.ts';
import { openFindings } from '../../src/db/settlements.ts';
import { asOwner, openTestDatabase } from '../support/books.ts';
import { disputed, january, line } from './january.ts';

/** The dispute of 51.00 with a credit note of 34.00, and its rest of 17.00 accepted. */
async function acceptedRest() {
  const books = await disputed();
  const { reconcile, invoice, id, states, cause } = books;
  await reconcile('--invoice', await invoice('part.csv', line(-40, '-34.00', 'CN-1')));
  expect((await reconcile('--decide', `${id}=accept`, '--reason', 'the rest is right')).code).toBe(0);
  expect((await states())[0]).toEqual(['INV-1', cause, '51.00', '34.00', 'accepted']);
  return books;
}

const inList = async ({ db }: Pick<Awaited<ReturnType<typeof january>>, 'db'>) =>
  (await openFindings(db.kysely)).map(({ decision, left }) => [decision, left]);

test('who accepts what a credit left accepts no more than that: without the credit, all of it is disputed again', async () => {
  const books = await acceptedRest();
  const { reconcile, invoice, states, rows, run, cause } = books;
  expect(await inList(books)).toEqual([]);
  const gone = await reconcile('--withdraw', 'CN-1', '--reason', 'of another contract');
  expect(gone.stdout).toContain('disputed (accept was about 17.00)');
  expect(await states()).toEqual([['INV-1', cause, '51.00', '0.00', 'disputed']]);
  expect((await rows())[0]).toMatchObject({ decision: 'dispute' });
  expect(await inList(books)).toEqual([['dispute', 51_000_000n]]);
  expect((await run('dispute', '2026-01')).stdout).toContain('Expected credit: 51.00 EUR');
  const again = await reconcile('--invoice', await invoice('part.csv', line(-40, '-34.00', 'CN-1')));
  expect(again.code, again.stdout).toBe(0);
  expect(await inList(books)).toEqual([]);
});

test('a credit note that is replaced by a smaller one opens what was not accepted', async () => {
  const books = await acceptedRest();
  const { reconcile, invoice, states, cause } = books;
  const smaller = await reconcile('--invoice', await invoice('less.csv', line(-20, '-17.00', 'CN-1')));
  expect(smaller.code).toBe(1);
  expect((await states())[0]).toEqual(['INV-1', cause, '51.00', '17.00', 'partly_settled']);
  expect(await inList(books)).toEqual([['dispute', 34_000_000n]]);
  // What is accepted is claimed no more: a larger one has something left.
  await reconcile('--invoice', await invoice('more.csv', line(-50, '-42.50', 'CN-1')));
  expect(await states()).toEqual([
    ['INV-1', cause, '51.00', '34.00', 'accepted'],
    ['CN-1', 'credit', '-42.50', '-34.00', 'partly_settled'],
  ]);
});

/** Ten scans too many, disputed, credited with more than they come to, and the rest of the credit accepted. */
async function overCredited() {
  const books = await january();
  const { reconcile, invoice, rows } = books;
  const charge = async (quantity: number, amount: string) =>
    reconcile('--invoice', await invoice(`${quantity}.csv`, line(quantity, amount)));
  const found = async () =>
    (await rows()).flatMap((row) =>
      row['record_type'] === 'FINDING'
        ? [[row['amount_difference'], row['settled_amount'], row['decision'], row['state']]]
        : [],
    );
  const decide = async (place: number, decision: string) =>
    reconcile('--decide', `${(await rows())[place]?.['finding']}=${decision}`, '--reason', 'x');
  await charge(310, '263.50');
  await decide(0, 'dispute');
  const named = `CN-1,2026-02-10,EUR,1,Credit ${(await rows())[0]?.['finding']},credit,,,,,-10.00`;
  await reconcile('--invoice', await invoice('credit.csv', named));
  expect((await decide(1, 'accept')).code).toBe(0);
  expect(await found()).toEqual([
    ['8.50', '8.50', 'dispute', 'settled'],
    ['-10.00', '-8.50', 'accept', 'accepted'],
  ]);
  return { ...books, charge, found, decide };
}

test('what a credit has more than its finding comes to by now is open, whatever less of it was accepted', async () => {
  const books = await overCredited();
  const { charge, found } = books;
  expect((await charge(305, '259.25')).code).toBe(1);
  expect(await found()).toEqual([
    ['4.25', '4.25', '', 'settled'],
    ['-10.00', '-4.25', '', 'partly_settled'],
  ]);
  expect(await inList(books)).toEqual([[null, -5_750_000n]]);
  expect((await charge(315, '267.75')).code).toBe(1);
  expect(await found()).toEqual([
    ['12.75', '8.50', '', 'partly_settled'],
    ['-10.00', '-8.50', 'accept', 'accepted'],
  ]);
  expect(await inList(books)).toEqual([[null, 4_250_000n]]);
});

test('a decision about an amount that comes back counts again, whatever was decided about others meanwhile', async () => {
  const { charge, found, decide } = await overCredited();
  await charge(315, '267.75');
  await decide(0, 'accept');
  expect((await found())[0]).toEqual(['12.75', '8.50', 'accept', 'accepted']);
  await charge(310, '263.50');
  expect(await found()).toEqual([
    ['8.50', '8.50', 'dispute', 'settled'],
    ['-10.00', '-8.50', 'accept', 'accepted'],
  ]);
});

test('a credit that was accepted for an earlier month, and has more, is open by what that month’s finding loses', async () => {
  const books = await january();
  const { reconcile, invoice, rows, run } = books;
  await reconcile('--invoice', await invoice('310.csv', line(310, '263.50')));
  await reconcile('--decide', `${(await rows())[0]?.['finding']}=dispute`, '--reason', 'x');
  const fee = 'INV-2,2026-03-01,EUR,1,Monthly fee,fee,,,,,50.00';
  const credit = `INV-2,2026-03-01,EUR,2,Credit ${(await rows())[0]?.['finding']},credit,,,,,-10.00`;
  const february = async (...args: string[]) =>
    JSON.parse((await run('reconcile', '2026-02', '--json', ...args)).stdout) as {
      findings: { finding: string; state: string; settled_amount: string }[];
    };
  const [charged, credited] = (await february('--invoice', await invoice('february.csv', fee, credit))).findings;
  await february('--decide', `${charged?.finding}=accept`, '--reason', 'as agreed');
  const accepted = await february('--decide', `${credited?.finding}=accept`, '--reason', 'for January');
  expect(accepted.findings[1]).toMatchObject({ state: 'accepted', settled_amount: '-8.50' });
  await reconcile('--invoice', await invoice('305.csv', line(305, '259.25')));
  expect(await inList(books)).toEqual([[null, -5_750_000n]]);
  expect((await february()).findings[1]).toMatchObject({ state: 'partly_settled', settled_amount: '-4.25' });
});

test('decisions that earlier versions kept are about what was left then, too', async () => {
  for (const decided of [acceptedRest, overCredited]) {
    const { environment } = await decided();
    const owner = await openTestDatabase(asOwner(environment['DATABASE_URL'] ?? ''));
    const kept = async () =>
      (await sql`select id, left_amount::numeric(20, 6) from finding_decisions order by id`.execute(owner.kysely)).rows;
    const before = await kept();
    expect(before).toHaveLength(2);
    while (!(await migrateDown(owner)).includes('20261130180000_decided_rests'));
    await migrateUp(owner);
    expect(await kept()).toEqual(before);
  }
});
