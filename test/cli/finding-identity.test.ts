import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { identityOf } from '../../src/domain/reconciliation/identity.ts';
import { january, line } from './january.ts';

const fee = (number: string, name: string, place = 2) => `${number},2026-02-01,EUR,${place},${name},fee,,,,,50.00`;

/** January with an invoice for ten scans too many and a fee, and what was decided about both. */
async function decided() {
  const books = await january();
  const { reconcile, invoice, rows } = books;
  await reconcile('--invoice', await invoice('first.csv', line(310, '263.50'), fee('INV-1', 'Support')));
  const ids = async () =>
    Object.fromEntries(
      (await rows()).flatMap((row) =>
        row['record_type'] === 'FINDING' ? [[`${row['cause']} ${row['subject']}`, row['finding'] ?? '']] : [],
      ),
    );
  const first = await ids();
  const [scans = '', support = ''] = Object.values(first);
  await reconcile('--decide', `${scans}=dispute`, '--reason', 'ten too many');
  await reconcile('--decide', `${support}=accept`, '--reason', 'as agreed');
  return { ...books, ids, first, scans, support };
}

test('a further invoice with another line leaves findings and decisions as they are', async () => {
  const { reconcile, invoice, ids, first, rows } = await decided();
  const said = await reconcile('--invoice', await invoice('second.csv', fee('INV-2', 'Set-up')));
  expect(said.code, said.stderr).toBe(1);
  expect(await ids()).toMatchObject(first);
  expect((await rows()).map((row) => row['decision'])).toEqual(['dispute', 'accept', '', '']);
});

test('a further invoice with a line of the same task, level and price names nothing anew: the decision about the other amount is told', async () => {
  const { reconcile, invoice, ids, first } = await decided();
  const said = await reconcile('--invoice', await invoice('second.csv', line(5, '4.25', 'INV-2')));
  expect(await ids()).toEqual(first);
  expect(said.stdout).toContain('open (dispute was about 8.50)');
});

test('an invoice that comes again under another number leaves findings and decisions as they are', async () => {
  const { reconcile, invoice, ids, first, rows } = await decided();
  await reconcile('--withdraw', 'INV-1', '--reason', 'comes anew');
  const again = [line(310, '263.50', 'INV-7'), fee('INV-7', 'Support')];
  await reconcile('--invoice', await invoice('again.csv', ...again));
  expect(await ids()).toEqual(first);
  expect((await rows()).map((row) => row['decision'])).toEqual(['dispute', 'accept', '']);
});

test('lines in another order leave findings and decisions as they are', async () => {
  const { reconcile, invoice, ids, first, rows } = await decided();
  const turned = [fee('INV-1', 'Support', 1), line(310, '263.50').replace(',1,Document', ',2,Document')];
  await reconcile('--invoice', await invoice('turned.csv', ...turned));
  expect(await ids()).toEqual(first);
  expect((await rows()).map((row) => row['decision'])).toEqual(['dispute', 'accept', '']);
});

test('two lines of one name are two findings, and a third one leaves them their IDs', async () => {
  const { reconcile, invoice, rows, support } = await decided();
  const all = async () => (await rows()).flatMap((row) => (row['cause'] === 'fee' ? [row['finding'] ?? ''] : []));
  await reconcile('--invoice', await invoice('second.csv', fee('INV-2', 'Support')));
  const two = await all();
  expect(new Set(two).size).toBe(2);
  expect(two[0]).toBe(support);
  await reconcile('--invoice', await invoice('third.csv', fee('INV-3', 'Support')));
  expect((await all()).slice(0, 2)).toEqual(two);
  expect(new Set(await all()).size).toBe(3);
});

test('a decision about what is found no longer is told: who, when, why, and the amount', async () => {
  const { reconcile, invoice, ids, scans, support } = await decided();
  // With fifty more, the unknown documents explain it: the cause is another one.
  const said = await reconcile('--invoice', await invoice('second.csv', line(50, '42.50', 'INV-2')));
  expect(Object.values(await ids())).not.toContain(scans);
  expect(said.stdout).toMatch(
    new RegExp(
      `Decided earlier and no longer found:\\n.*\\n *${scans} +quantity +unexplained\\(document_scan/advanced\\) +dispute +8\\.50 +EUR +\\d{4}-\\d\\d-\\d\\d +\\S+ +ten too many`,
    ),
  );
  expect(said.stdout).not.toContain('as agreed');
  const json = JSON.parse((await reconcile('--json')).stdout) as { no_longer_found: object[] };
  expect(json.no_longer_found).toMatchObject([
    {
      ...{ finding: scans, effect: 'quantity', cause: 'unexplained', subject: 'document_scan/advanced' },
      ...{ decision: 'dispute', amount: '8.50', currency: 'EUR', reason: 'ten too many' },
      decided_by: expect.stringMatching(/./) as string,
      decided_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT/) as string,
    },
  ]);
  await reconcile('--withdraw', 'INV-2', '--reason', 'of February');
  expect(Object.values(await ids())).toEqual([scans, support]);
  expect((await reconcile()).stdout).not.toContain('no longer found');
  const none = await reconcile('--withdraw', 'INV-1', '--reason', 'of February');
  expect(none.stdout).toContain('ten too many');
  expect(none.stdout).toContain('as agreed');
});

test('an ID that the month gave when it went by invoice and line stays, also with a further invoice', async () => {
  const { reconcile, invoice, ids, db } = await decided();
  const why = ['quantity', 'unexplained', 'document_scan/advanced'];
  const old = identityOf(['2026-01', 'INV-1:1', 'document_scan', 'advanced', '850000', '850000', ...why]);
  await sql`
    insert into reconciliation_findings (reconciliation_id, finding, position, effect, cause, subject, certainty, amount_difference)
    select min(id), ${old}, 9, 'quantity', 'unexplained', 'document_scan/advanced', 'none', 8.50 from reconciliations`.execute(
    db.kysely,
  );
  await reconcile();
  expect(Object.values(await ids())).toContain(old);
  await reconcile('--invoice', await invoice('second.csv', line(5, '4.25', 'INV-2')));
  expect(Object.values(await ids())).toContain(old);
});
