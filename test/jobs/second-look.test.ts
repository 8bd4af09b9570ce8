import { describe, expect, test } from 'vitest';
import { reportText } from '../../src/cli/report-text.ts';
import { knownTransaction } from '../../src/db/known-transactions.ts';
import { startObligations } from '../../src/db/obligations.ts';
import type { TransactionFacts } from '../../src/domain/facts.ts';
import { LedgerError } from '../../src/errors.ts';
import type { VendorContext } from '../../src/jobs/context.ts';
import { fetchResult } from '../../src/jobs/fetch-result.ts';
import { recheckSettled } from '../../src/jobs/recheck-settled.ts';
import { writeReport } from '../../src/jobs/write-report.ts';
import { createTestContext } from '../support/books.ts';
import { closeOrFail, rowsOf } from '../support/closing.ts';
import { facts, faceTask, register, scan, scanTask } from '../support/facts.ts';

const hourMs = 3_600_000;

/** Books whose vendor says what it is told to, at a time that stands still. */
async function books(environment: Record<string, string> = {}) {
  const base = await createTestContext({ environment });
  const state = { now: new Date('2026-10-05T13:00:00Z'), said: facts('t-1') as TransactionFacts | LedgerError };
  const context: VendorContext = {
    ...base,
    now: () => state.now,
    vendor: {
      ...base.vendor,
      getTransaction: () =>
        state.said instanceof LedgerError ? Promise.reject(state.said) : Promise.resolve(state.said),
    },
  };
  await register(base.db, 't-1');
  const obligation = () =>
    base.db.kysely
      .selectFrom('obligations')
      .select(['state', 'due_at', 'generation'])
      .where('transaction_id', '=', 't-1')
      .where('kind', '=', 'result')
      .executeTakeFirstOrThrow();
  /** Fetches it, whenever it would be due. */
  const fetch = async () => {
    const { generation } = await obligation();
    await base.db.kysely
      .updateTable('obligations')
      .set({ due_at: new Date(0) })
      .where('kind', '=', 'result')
      .execute();
    const wanted = { transactionId: 't-1', kinds: ['result'] as const, generation, maxUnfinished: null };
    const started = (await startObligations(base.db.kysely, [wanted], 10_000))[0]?.get('result');
    if (!started) throw new Error('not due');
    return fetchResult(context, 't-1', started);
  };
  return { context, state, fetch, obligation };
}

const short = facts('t-1', {
  tasks: [scanTask([scan('2026-10-05T10:05:00Z', null)], { attempts: 2, attemptsInvoiced: 2 })],
});

describe('a settled transaction that contradicts itself', () => {
  test.each([
    ['fewer scans than are counted', short],
    [
      'a face task that is pending',
      facts('t-1', { tasks: [scanTask([scan('2026-10-05T10:05:00Z', null)]), faceTask('face_match', 'pending')] }),
    ],
  ])('is asked for again an hour, a day and a week after its end: %s', async (_, said) => {
    const { state, fetch, obligation } = await books();
    state.said = said;
    const end = Date.parse('2026-10-05T12:15:00Z');
    for (const afterMs of [hourMs, 24 * hourMs, 168 * hourMs]) {
      expect(await fetch()).toBe('postponed');
      expect(await obligation()).toMatchObject({ state: 'due', due_at: new Date(end + afterMs) });
      state.now = new Date(end + afterMs);
    }
    expect(await fetch()).toBe('done');
    expect(await obligation()).toMatchObject({ state: 'done' });
  });

  test('is done as soon as it agrees, and asked for once where that is switched off', async () => {
    const { state, fetch } = await books();
    state.said = short;
    expect(await fetch()).toBe('postponed');
    state.said = {
      ...short,
      tasks: [scanTask([scan('2026-10-05T10:05:00Z', null), scan('2026-10-05T10:06:00Z', null)])],
    };
    expect(await fetch()).toBe('done');
    const off = await books({ RECHECK_SETTLED: 'false' });
    off.state.said = short;
    expect(await off.fetch()).toBe('done');
  });
});

describe('before a month is closed', () => {
  test('what was settled long ago is asked for once more, once', async () => {
    const { context, state, fetch, obligation } = await books();
    expect(await fetch()).toBe('done');
    state.now = new Date('2026-10-31T23:59:59Z');
    expect(await recheckSettled(context)).toBe(0);
    state.now = new Date('2026-11-01T00:00:00Z');
    expect(await recheckSettled(context)).toBe(1);
    expect(await obligation()).toMatchObject({ state: 'due', generation: 2 });
    state.said = {
      ...facts('t-1'),
      tasks: [scanTask([scan('2026-10-05T10:05:00Z', null), scan('2026-10-05T10:06:00Z', null)])],
    };
    expect(await fetch()).toBe('done');
    expect((await writeReport(context, '2026-10', null)).lines.totals.invoiced).toBe(2n);
    expect(await recheckSettled(context)).toBe(0);
    expect(await obligation()).toMatchObject({ state: 'done', generation: 2 });
  });

  test('what was fetched in its last week is not', async () => {
    const { context, state, fetch } = await books();
    state.now = new Date('2026-10-25T00:00:00Z');
    await fetch();
    state.now = new Date('2026-11-02T00:00:00Z');
    expect(await recheckSettled(context)).toBe(0);
  });

  test('what the vendor has no more stays as it is known, and is no failure', async () => {
    const { context, state, fetch, obligation } = await books();
    await fetch();
    const before = await knownTransaction(context.db.kysely, 't-1');
    state.now = new Date('2026-11-02T00:00:00Z');
    await recheckSettled(context);
    state.said = new LedgerError('vendor_not_found', 'The vendor knows no such transaction.');
    expect(await fetch()).toBe('done');
    expect(await obligation()).toMatchObject({ state: 'done' });
    expect((await knownTransaction(context.db.kysely, 't-1')).transaction).toEqual(before.transaction);
  });
});

test('a scan that the vendor never decided is named once the transaction is settled', async () => {
  const { context, state, fetch } = await books();
  state.said = facts('t-1', { tasks: [scanTask([scan('2026-10-05T10:05:00Z', 'processing')])] });
  await fetch();
  await writeReport(context, '2026-10', null);
  expect(await rowsOf(context, '2026-10', 'discrepancies')).toMatchObject([
    { reason: 'still_processing', own_quantity: '1', vendor_quantity: '0' },
  ]);
  state.now = new Date('2026-11-02T00:00:00Z');
  const closed = reportText(await closeOrFail(context, '2026-10'), 'UTC').join('\n');
  expect(closed).toContain('1 scan never decided by the vendor: still processing when the transaction was final');
});
