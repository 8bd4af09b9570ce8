import { expect, test } from 'vitest';
import { facts, fetchedOf, register, scan, scanTask } from '../support/facts.ts';
import { recordFetched } from '../support/single.ts';
import { january, timeOf } from './january.ts';

/** What is charged, by `transaction/attempt`: the level. */
type Charged = ReadonlyMap<string, 'advanced' | 'basic'>;

const prices = { advanced: 850_000, basic: 625_000 } as const;
const levels = ['advanced', 'basic'] as const;

/** January as it was closed. */
const atClose: Charged = new Map(
  Array.from({ length: 300 }, (_, place) => [`t-${Math.floor(place / 5)}/${(place % 5) + 1}`, 'advanced'] as const),
);

/** What became of it: a scan more is invoiced, one less, a transaction came late, and a task has another level. */
const byNow: Charged = new Map(
  [
    ...[...atClose].filter(([attempt]) => attempt !== 't-1/5'),
    ...['t-0/6', 't-900/1', 't-900/2', 't-900/3'].map((attempt) => [attempt, 'advanced'] as const),
  ].map(([attempt, level]) => [attempt, attempt.startsWith('t-2/') ? 'basic' : level] as const),
);

async function closedAndChanged({ isBooked }: { isBooked: boolean }) {
  const books = await january();
  const close = async (period: string) => {
    const said = await books.run('close', period, '--force', '--reason', 'a test');
    expect(said.code, said.stderr).toBe(0);
  };
  await close('2026-01');
  const answer = async (index: number, level: string, codes: readonly (string | null)[]) => {
    const at = (minute: number) => timeOf(index, minute);
    const scans = codes.map((code, minute) => scan(at(minute + 1), code));
    const of = facts(`t-${index}`, {
      createdAt: new Date(at(0)),
      completedAt: new Date(at(30)),
      tasks: [scanTask(scans, { level, attempts: null, attemptsInvoiced: null })],
    });
    await recordFetched(books.db.kysely, fetchedOf(of, { fence: '2' }), 0);
  };
  const unknown = 'unknown_type_back';
  await answer(0, 'advanced', [null, null, null, null, null, null]);
  await answer(1, 'advanced', [null, null, null, null, unknown, unknown]);
  await answer(2, 'basic', [null, null, null, null, null, unknown]);
  await register(books.db, 't-900', 'r-900');
  await answer(900, 'advanced', [null, null, null]);
  if (isBooked) await close('2026-02');
  return books;
}

/** The vendor's invoice and statement for what it charges. */
async function given(
  { invoice, usage }: Awaited<ReturnType<typeof january>>,
  name: string,
  charged: Charged,
): Promise<string[]> {
  const rows = [...charged].map(([attempt, level]) => {
    const [transaction = '', ordinal = ''] = attempt.split('/');
    const at = timeOf(Number(transaction.slice(2)) || 0, Number(ordinal));
    return `${transaction},document_scan,${ordinal},${at},,${level},1,`;
  });
  const lines = levels.flatMap((level, place) => {
    const count = countOf(charged, level);
    const cents = Math.round((count * prices[level]) / 10_000);
    const price = String(prices[level] / 1_000_000);
    return count === 0
      ? []
      : [`INV-1,2026-02-01,EUR,${place + 1},${name},usage,document_scan,${level},${count},${price},${cents / 100}`];
  });
  return ['--invoice', await invoice('invoice.csv', ...lines), '--usage', await usage('usage.csv', rows)];
}

const countOf = (charged: Charged, level: string): number =>
  [...charged.values()].filter((one) => one === level).length;

type Cause = 'late' | 'usage_not_billed' | 'usage_unknown';

/** Per level and cause, how many units more and less are charged than the books have. */
function expectedOf(books: Charged, charged: Charged, causeOf: (attempt: string) => Cause): string[] {
  const found = new Map<string, { units: number; rows: number }>();
  const add = (level: string, attempt: string, units: number): void => {
    const key = `${level} ${causeOf(attempt)}`;
    const { units: before, rows } = found.get(key) ?? { units: 0, rows: 0 };
    found.set(key, { units: before + units, rows: rows + 1 });
  };
  for (const [attempt, level] of books) if (charged.get(attempt) !== level) add(level, attempt, -1);
  for (const [attempt, level] of charged) if (books.get(attempt) !== level) add(level, attempt, 1);
  return [...found].map(([key, { units, rows }]) => `${key} proven ${units} ${rows}`).sort();
}

const told = (rows: readonly Record<string, string>[]): string[] =>
  rows
    .filter((one) => one['record_type'] === 'FINDING')
    // What three units of 0.625 are rounded to is a finding of its own, about no units.
    .filter((one) => one['effect'] !== 'rounding')
    .map((one) =>
      ['level', 'cause', 'certainty', 'quantity_difference', 'evidence_rows'].map((column) => one[column]).join(' '),
    )
    .sort();

const cents = (text: string | undefined): number => Math.round(Number(text) * 100);

const amountOf = (charged: Charged): number =>
  levels.reduce((sum, level) => sum + Math.round((countOf(charged, level) * prices[level]) / 10_000), 0);

test.each([
  ['about to be corrected', false],
  ['corrected in a later month', true],
])('a closed month that changed since, %s, is held against a usage statement on both bases', async (_, isBooked) => {
  const books = await closedAndChanged({ isBooked });
  const otherwise = new Map([...byNow, ['nobody/1', 'advanced'] as const].filter(([attempt]) => attempt !== 't-10/1'));
  const changed = new Set([...atClose, ...byNow].map(([attempt]) => attempt));
  for (const attempt of [...changed]) if (atClose.get(attempt) === byNow.get(attempt)) changed.delete(attempt);
  const causeOf = (attempt: string): Cause =>
    changed.has(attempt) ? 'late' : attempt === 'nobody/1' ? 'usage_unknown' : 'usage_not_billed';
  for (const [name, charged] of Object.entries({ byNow, atClose, otherwise })) {
    const files = await given(books, name, charged);
    for (const [basis, own] of [
      ['restated', byNow],
      ['closed', atClose],
    ] as const) {
      const said = await books.reconcile(...files, '--basis', basis);
      const expected = expectedOf(own, charged, causeOf);
      expect({ basis, code: said.code, err: said.stderr }).toEqual({
        basis,
        code: expected.length === 0 ? 0 : 1,
        err: '',
      });
      const rows = await books.rows();
      expect(told(rows), basis).toEqual(expected);
      const total = rows.at(-1);
      expect([total?.['own_amount'], total?.['vendor_amount']].map(cents)).toEqual([amountOf(own), amountOf(charged)]);
    }
  }
});
