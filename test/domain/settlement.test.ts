import { describe, expect, test } from 'vitest';
import type { TransactionFacts } from '../../src/domain/facts.ts';
import { nothingKnown } from '../../src/domain/known-transaction.ts';
import { mergeAnswer } from '../../src/domain/merge-answer.ts';
import {
  expiryGraceMs,
  expiryLeadMs,
  isWorthAnotherFetch,
  longestLifeMs,
  processingPollMs,
  secondFetchAt,
  settlementOf,
  settlementReason,
  type SettlementReason,
} from '../../src/domain/settlement.ts';
import { decide } from './support-merging.ts';
import { faceTask, scan, scanTask, startedAt, transaction } from './support.ts';

const expiresMs = Date.parse('2026-10-01T12:00:00Z');
const leadMs = expiresMs - expiryLeadMs;
const finalMs = expiresMs + expiryGraceMs;

const idle = transaction([scanTask({ scans: [scan(1), scan(2, { code: 'unknown_type_back' })] }), faceTask('pending')]);
const processing = transaction([faceTask('pending'), scanTask({ scans: [scan(1, { code: 'processing' }), scan(2)] })]);
const completed: Partial<TransactionFacts> = { state: 'completed', completedAt: new Date('2026-10-01T11:00:00Z') };

const merged = (facts: TransactionFacts, known = nothingKnown) =>
  mergeAnswer(known, facts, { fence: known.fence + 1, decide });

/** `undefined` = settled, otherwise when to look again. */
function nextFetch(facts: TransactionFacts, atMs: number): number | undefined {
  const settlement = settlementOf(facts, merged(facts), new Date(atMs));
  return settlement.settled ? undefined : settlement.nextFetchAt.getTime();
}

test('the margins around the expiry are what the documentation of this project says', () => {
  expect({ expiryGraceMs, expiryLeadMs, processingPollMs, longestLifeMs }).toEqual({
    expiryGraceMs: 900_000,
    expiryLeadMs: 300_000,
    processingPollMs: 120_000,
    longestLifeMs: 86_400_000,
  });
});

describe('an open transaction', () => {
  test.each([
    ['at its start', startedAt.getTime(), leadMs],
    ['1 ms before the last look at its files', leadMs - 1, leadMs],
    ['at the last look at its files', leadMs, finalMs],
    ['1 ms after it', leadMs + 1, finalMs],
    ['1 ms before it expires', expiresMs - 1, finalMs],
    ['when it expires', expiresMs, finalMs],
    ['1 ms after', expiresMs + 1, finalMs],
    ['1 ms before the grace is over', finalMs - 1, finalMs],
    ['when the grace is over', finalMs, undefined],
    ['1 ms later', finalMs + 1, undefined],
    ['a year later', finalMs + 365 * 86_400_000, undefined],
  ])('%s', (_, atMs, expected) => {
    expect(nextFetch(idle, atMs)).toBe(expected);
    // States that are not known are no reason to stop looking.
    for (const state of ['expired', 'failed', 'Completed', 'COMPLETED'])
      expect(nextFetch({ ...idle, state }, atMs)).toBe(expected);
  });
});

describe('a transaction with a scan that the vendor still works on', () => {
  test.each([
    ['is asked for again soon', startedAt.getTime(), startedAt.getTime() + processingPollMs],
    ['but not past the last look at its files', leadMs - processingPollMs + 1, leadMs],
    ['exactly at it where both meet', leadMs - processingPollMs, leadMs],
    ['soon again after it', leadMs, leadMs + processingPollMs],
    ['soon again once expired', expiresMs, expiresMs + processingPollMs],
    ['but not past the grace', finalMs - processingPollMs + 1, finalMs],
    ['1 ms before the grace is over, at its end', finalMs - 1, finalMs],
    ['and not any more once it is over', finalMs, undefined],
  ])('%s', (_, atMs, expected) => {
    expect(nextFetch(processing, atMs)).toBe(expected);
    expect(nextFetch({ ...processing, ...completed }, atMs)).toBe(expected);
  });
});

describe('a completed transaction', () => {
  test.each([startedAt.getTime(), leadMs - 1, expiresMs, finalMs])('is settled whenever it is fetched (%d)', (atMs) => {
    expect(nextFetch({ ...idle, ...completed }, atMs)).toBeUndefined();
    expect(
      nextFetch({ ...transaction([scanTask({ scans: null })]), ...completed, expiresAt: null }, atMs),
    ).toBeUndefined();
  });
});

describe('a transaction without an expiry', () => {
  const endless = { ...idle, expiresAt: null };
  const assumedMs = startedAt.getTime() + longestLifeMs;
  test.each([
    ['1 ms before its last look', assumedMs - expiryLeadMs - 1, assumedMs - expiryLeadMs],
    ['at its last look', assumedMs - expiryLeadMs, assumedMs + expiryGraceMs],
    ['1 ms before the grace is over', assumedMs + expiryGraceMs - 1, assumedMs + expiryGraceMs],
    ['after it', assumedMs + expiryGraceMs, undefined],
  ])('lives as long as any may: %s', (_, atMs, expected) => {
    expect(nextFetch(endless, atMs)).toBe(expected);
  });
});

test('the next fetch never lies in the past', () => {
  for (const facts of [idle, processing, { ...processing, ...completed }])
    for (let atMs = startedAt.getTime(); atMs < finalMs; atMs += 7_919)
      expect(nextFetch(facts, atMs)).toBeGreaterThan(atMs);
});

describe('a scan that an answer leaves out', () => {
  const known = merged(processing);
  const omitting = (attempts: number | null) => transaction([scanTask({ scans: [scan(2)], attempts })], completed);

  test('is still worked on, whatever the vendor counts', () => {
    for (const said of [omitting(1), omitting(2), omitting(null)])
      expect(settlementOf(said, merged(said, known), startedAt)).toMatchObject({ settled: false });
  });

  test('makes the answer worth another look where it counts more than it lists, though all are known', () => {
    const decided = merged(transaction([scanTask({ scans: [scan(1), scan(2)] })]));
    for (const [attempts, expected] of [
      [1, false],
      [2, true],
      [null, false],
    ] as const)
      expect(isWorthAnotherFetch(omitting(attempts), merged(omitting(attempts), decided))).toBe(expected);
  });
});

describe('what the vendor says is worth another look where it contradicts itself:', () => {
  const twice = [scan(1), scan(1)];
  test.each<[what: string, TransactionFacts, boolean]>([
    ['as many scans as it counts', transaction([scanTask({ scans: [scan(1)], attempts: 1 })], completed), false],
    ['more scans than it counts', transaction([scanTask({ scans: [scan(1), scan(2)], attempts: 1 })]), false],
    ['fewer scans than it counts', transaction([scanTask({ scans: [scan(1)], attempts: 2 })]), true],
    [
      'fewer scans than it invoices, where it counts none',
      transaction([scanTask({ scans: [scan(1)], attemptsInvoiced: 2 })]),
      true,
    ],
    [
      'its count of attempts goes before that of invoiced ones',
      transaction([scanTask({ scans: [scan(1)], attempts: 1, attemptsInvoiced: 2 })]),
      false,
    ],
    ['no list and no count', transaction([scanTask({ scans: null })]), false],
    ['a completed scan without a list', transaction([scanTask({ scans: null, state: 'completed' })]), true],
    ['a completed scan with an empty one', transaction([scanTask({ scans: [], state: 'completed' })]), true],
    ['a pending scan of which nothing is said', transaction([scanTask({ scans: [] })]), false],
    ['a scan listed twice', transaction([scanTask({ scans: twice, attempts: 1 })]), true],
    ['a pending face task in an open transaction', transaction([faceTask('pending')]), false],
    ['a pending face task in a completed one', transaction([faceTask('pending')], completed), true],
    ['a face task that is over, in a completed one', transaction([faceTask('failed')], completed), false],
    [
      'a face task with counters and no list',
      transaction([faceTask('completed', { attempts: 2, attemptsInvoiced: 2 })], completed),
      false,
    ],
    [
      'one task of several',
      transaction([faceTask('completed'), scanTask({ scans: [scan(1)], attempts: 2 }), faceTask('completed')]),
      true,
    ],
  ])('%s', (_, said, expected) => {
    expect(isWorthAnotherFetch(said, merged(said))).toBe(expected);
  });

  test('also of an answer that is right by itself, where what is known contradicts it', () => {
    const before = merged(transaction([scanTask({ scans: [scan(1)], attempts: 3 })]));
    const said = transaction([scanTask({ scans: [scan(1), scan(2)], attempts: 2 })]);
    expect(isWorthAnotherFetch(said, merged(said, before))).toBe(true);
  });
});

test('a transaction whose answers contradict themselves is asked for again an hour, a day and a week after its end', () => {
  const after = (hours: number) => new Date(finalMs + hours * 3_600_000);
  const next = (fetchedAt: Date) => secondFetchAt(startedAt, new Date(expiresMs), fetchedAt);
  expect(next(startedAt)).toEqual(after(1));
  expect(next(after(0))).toEqual(after(1));
  expect(next(after(1))).toEqual(after(24));
  expect(next(after(2))).toEqual(after(24));
  expect(next(after(24))).toEqual(after(168));
  expect(next(after(168))).toBeNull();
  expect(secondFetchAt(startedAt, null, startedAt)).toEqual(
    new Date(startedAt.getTime() + longestLifeMs + expiryGraceMs + 3_600_000),
  );
});

test.each<[state: string | null, settled: boolean, isProcessing: boolean, SettlementReason]>([
  [null, false, false, 'not_fetched'],
  ['completed', true, false, 'completed'],
  ['completed', true, true, 'expired'],
  ['expired', true, false, 'expired'],
  ['pending', true, true, 'expired'],
  ['pending', false, true, 'scan_processing'],
  ['completed', false, true, 'scan_processing'],
  ['pending', false, false, 'not_completed'],
  ['completed', false, false, 'to_be_confirmed'],
])('the state %s, settled %s, a scan being processed %s: %s', (state, settled, isProcessing, reason) => {
  expect(settlementReason({ state, settled, isProcessing })).toBe(reason);
});

test('a transaction begins when the first answer that is not behind said so', () => {
  const later = new Date(startedAt.getTime() + 60_000);
  const known = { ...merged(idle), expiresAt: null };
  const said = { ...idle, createdAt: later };
  expect(settlementOf(said, known, startedAt)).toEqual({
    settled: false,
    nextFetchAt: new Date(startedAt.getTime() + longestLifeMs - expiryLeadMs),
  });
  expect(settlementOf(said, { ...known, createdAt: null }, startedAt)).toEqual({
    settled: false,
    nextFetchAt: new Date(later.getTime() + longestLifeMs - expiryLeadMs),
  });
});
