import { describe, expect, test } from 'vitest';
import { reportText } from '../../../src/cli/report-text.ts';
import { knownTransaction } from '../../../src/db/known-transactions.ts';
import { startObligations } from '../../../src/db/obligations.ts';
import { reprocess } from '../../../src/db/reprocess.ts';
import type { ResultFacts, TransactionFacts } from '../../../src/domain/facts.ts';
import { LedgerError } from '../../../src/errors.ts';
import type { VendorContext } from '../../../src/jobs/context.ts';
import { fetchResult } from '../../../src/jobs/fetch/fetch-result.ts';
import { hasBlockers, readObstacles } from '../../../src/jobs/month/obstacles.ts';
import { outstandingRechecks, outstandingText, recheckSettled } from '../../../src/jobs/fetch/recheck-settled.ts';
import { writeReport } from '../../../src/jobs/month/write-report.ts';
import { createTestContext } from '../../support/books.ts';
import { closeOrFail, rowsOf } from '../../support/closing.ts';
import { facts, faceTask, register, scan, scanTask } from '../../support/facts.ts';

const hourMs = 3_600_000;

const answer = <T>(said: T | LedgerError): Promise<T> =>
  said instanceof LedgerError ? Promise.reject(said) : Promise.resolve(said);

/** Books whose vendor says what it is told to, at a time that stands still. */
async function books(environment: Record<string, string> = {}, resultId: string | null = null) {
  const base = await createTestContext({ environment });
  const state = {
    now: new Date('2026-10-05T13:00:00Z'),
    said: facts('t-1') as TransactionFacts | LedgerError,
    result: { tasks: [] } as ResultFacts | LedgerError,
    resultsAsked: 0,
  };
  const context: VendorContext = {
    ...base,
    now: () => state.now,
    vendor: {
      ...base.vendor,
      getTransaction: () => answer(state.said),
      getResult: () => {
        state.resultsAsked += 1;
        return answer(state.result);
      },
    },
  };
  await register(base.db, 't-1', resultId);
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

const wish = { requestedBy: 'somebody', reason: null, filter: {} };

const short = facts('t-1', {
  tasks: [scanTask([scan('2026-10-05T10:05:00Z', null)], { attempts: 2, attemptsInvoiced: 2 })],
});

const whole = facts('t-1', {
  tasks: [scanTask([scan('2026-10-05T10:05:00Z', null), scan('2026-10-05T10:06:00Z', null)])],
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
    state.said = whole;
    expect(await fetch()).toBe('done');
    const off = await books({ RECHECK_SETTLED: 'false' });
    off.state.said = short;
    expect(await off.fetch()).toBe('done');
  });
});

describe('a scan that the settling answer leaves out while it is processing', () => {
  const processing = scan('2026-10-05T10:05:00Z', 'processing');
  const other = scan('2026-10-05T10:06:00Z', null);

  test.each([
    ['and lists none', facts('t-1', { tasks: [scanTask([], { attempts: 1, attemptsInvoiced: 0 })] })],
    ['and lists another', facts('t-1', { tasks: [scanTask([other], { attempts: 2, attemptsInvoiced: 1 })] })],
    ['and counts none', facts('t-1', { tasks: [scanTask([other], { attempts: null, attemptsInvoiced: null })] })],
  ])('is asked for until it is decided: %s', async (_, omitting) => {
    const { context, state, fetch, obligation } = await books();
    state.now = new Date('2026-10-05T10:10:00Z');
    state.said = facts('t-1', { tasks: [scanTask([processing])] });
    expect(await fetch()).toBe('postponed');
    state.said = omitting;
    state.now = new Date('2026-10-05T10:12:00Z');
    expect(await fetch()).toBe('postponed');
    expect(await obligation()).toMatchObject({ state: 'due', due_at: new Date('2026-10-05T10:14:00Z') });
    const settled = context.db.kysely.selectFrom('transactions').select('settled');
    expect(await settled.executeTakeFirstOrThrow()).toEqual({ settled: false });
    state.said = facts('t-1', { tasks: [scanTask([scan('2026-10-05T10:05:00Z', null), other])] });
    expect(await fetch()).toBe('done');
    expect(await settled.executeTakeFirstOrThrow()).toEqual({ settled: true });
  });

  test('is final by the clock, and asked for again where the list was shorter than its counter', async () => {
    const { state, fetch, obligation } = await books();
    state.now = new Date('2026-10-05T10:10:00Z');
    state.said = facts('t-1', { tasks: [scanTask([processing])] });
    expect(await fetch()).toBe('postponed');
    state.now = new Date('2026-10-05T13:00:00Z');
    state.said = facts('t-1', { tasks: [scanTask([], { attempts: 1, attemptsInvoiced: 0 })] });
    expect(await fetch()).toBe('postponed');
    expect(await obligation()).toMatchObject({ state: 'due', due_at: new Date('2026-10-05T13:15:00Z') });
  });
});

describe('the result of a transaction that is fetched again', () => {
  const gone = new LedgerError('vendor_gone', 'The vendor has it no more.');

  test('is not requested again where it was fetched, and need not be there any more', async () => {
    const { context, state, fetch, obligation } = await books({}, 'r-1');
    state.said = short;
    expect(await fetch()).toBe('postponed');
    expect(state.resultsAsked).toBe(1);
    state.result = gone;
    expect(await fetch()).toBe('postponed');
    state.said = whole;
    expect(await fetch()).toBe('done');
    state.now = new Date('2026-11-01T00:00:00Z');
    expect(await recheckSettled(context)).toBe(1);
    expect(await fetch()).toBe('done');
    expect(await obligation()).toMatchObject({ state: 'done' });
    expect(state.resultsAsked).toBe(1);
    const rows = await context.db.kysely.selectFrom('obligations').select(['kind', 'generation']).execute();
    expect(rows.filter(({ kind }) => kind !== 'result').every(({ generation }) => generation === 1)).toBe(true);
  });

  test('is requested again on demand, once, and no failure where the vendor has it no more', async () => {
    const { context, state, fetch } = await books({}, 'r-1');
    await fetch();
    await reprocess(context.db.kysely, { transactionIds: ['t-1'] }, ['result'], wish);
    state.said = short;
    await fetch();
    expect(state.resultsAsked).toBe(2);
    await fetch();
    expect(state.resultsAsked).toBe(2);
    state.said = whole;
    await fetch();
    state.result = gone;
    await reprocess(context.db.kysely, { transactionIds: ['t-1'] }, ['result'], wish);
    expect(await fetch()).toBe('done');
    expect(state.resultsAsked).toBe(3);
  });

  test('is a failure where it was never fetched: its ID may be a wrong one', async () => {
    const { state, fetch } = await books({}, 'r-1');
    state.result = gone;
    await expect(fetch()).rejects.toMatchObject({ code: 'vendor_gone' });
    state.result = { tasks: [] };
    expect(await fetch()).toBe('done');
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
    expect((await writeReport(context, '2026-10')).lines.totals.invoiced).toBe(2n);
    expect(await recheckSettled(context)).toBe(0);
    expect(await obligation()).toMatchObject({ state: 'done', generation: 2 });
  });

  test('what was fetched in its last week is not', async () => {
    const { context, state, fetch } = await books();
    state.now = new Date('2026-10-25T00:00:00Z');
    await fetch();
    state.now = new Date('2026-11-01T00:00:00Z');
    expect(await recheckSettled(context)).toBe(0);
  });

  test('it is asked for where the last week before the recheck has none, however late it is', async () => {
    const { context, state, fetch } = await books();
    state.now = new Date('2026-10-25T00:00:00Z');
    await fetch();
    state.now = new Date('2026-11-02T00:00:00Z');
    expect(await recheckSettled(context)).toBe(1);
  });

  test('it is told how many fetches are outstanding, and nothing is refused for them', async () => {
    const { context, state, fetch } = await books();
    const { kysely } = context.db;
    const outstanding = () => outstandingRechecks(context, kysely, '2026-10');
    await fetch();
    expect(await outstanding()).toBe(0);
    state.now = new Date('2026-11-02T00:00:00Z');
    expect(await outstanding()).toBe(1);
    expect(outstandingText(1)).toContain('1 settled transaction');
    expect(outstandingText(0)).toBeNull();
    await recheckSettled(context);
    expect(await outstanding()).toBe(1);
    expect(hasBlockers(await readObstacles(context, '2026-10'))).toBe(false);
    state.said = short;
    await fetch();
    expect(await outstanding()).toBe(0);
    const withoutRechecks = { ...context, config: { ...context.config, recheckSettled: false } };
    expect(await outstandingRechecks(withoutRechecks, kysely, '2026-10')).toBe(0);
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
  await writeReport(context, '2026-10');
  expect(await rowsOf(context, '2026-10', 'discrepancies')).toMatchObject([
    { reason: 'still_processing', own_quantity: '1', vendor_quantity: '0' },
  ]);
  state.now = new Date('2026-11-02T00:00:00Z');
  expect(reportText(await closeOrFail(context, '2026-10'), state).join('\n')).toContain('1 scan never decided');
});
