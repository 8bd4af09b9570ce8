import { describe, expect, test } from 'vitest';
import type { Attempt, Evidence } from '../../src/domain/attempts.ts';
import type { KnownAttempt, KnownTask } from '../../src/domain/known-transaction.ts';
import { withUnlisted } from '../../src/domain/unlisted-attempts.ts';

const at = (time: string) => new Date(`2026-10-05T${time}:00Z`);
const attempt = (ordinal: number, evidence: Evidence, more: Partial<KnownAttempt> = {}): KnownAttempt => ({
  taskType: 'document_scan',
  ordinal,
  linked: null,
  captureSource: null,
  evidence,
  code: null,
  attemptedAt: at('10:00'),
  timeBasis: evidence === 'scan_list' ? 'scan_created' : 'transaction_created',
  invoiced: true,
  reason: 'success_invoiced',
  ruleTableVersion: 'r1',
  formerTimes: [],
  fence: 1,
  ...more,
});
const scan = (known: readonly KnownAttempt[], more: Partial<KnownTask> = {}): KnownTask => ({
  type: 'document_scan',
  state: 'completed',
  level: null,
  attempts: null,
  attemptsInvoiced: null,
  isListMissing: true,
  listedTwice: 0,
  listFence: 1,
  fence: 2,
  known,
  ...more,
});
const transaction = { state: 'pending', createdAt: at('09:00'), expiresAt: null, completedAt: null, fence: 1 };
const decide = ({ evidence }: Attempt) =>
  ({ invoiced: evidence === 'counter_invoiced', reason: 'scan_not_listed', ruleTableVersion: 'r1' }) as const;
const knownOf = (task: KnownTask, of = transaction) =>
  withUnlisted(of, [task], decide)[0]!.known.map(({ ordinal, evidence }) => [ordinal, evidence]);
const listed = (count: number, more: Partial<KnownAttempt> = {}) =>
  Array.from({ length: count }, (_, index) => attempt(index + 1, 'scan_list', more));
/** The attempts beyond the listed ones. */
const beyond = (task: KnownTask) =>
  knownOf(task)
    .slice(task.known.length)
    .map(([, evidence]) => evidence);

describe('scans that the vendor counts beyond those that it lists', () => {
  test.each<[what: string, KnownTask, expected: Evidence[]]>([
    ['one at least in a task that is completed', scan([]), ['count_only']],
    ['none in one that is open', scan([], { state: 'pending' }), []],
    ['none where as many are listed', scan(listed(2), { attempts: 2 }), []],
    ['none where more are listed', scan(listed(3), { attempts: 2 }), []],
    [
      'none where the list is whole, though more are said to be invoiced',
      scan(listed(2), { attempts: 2, attemptsInvoiced: 3 }),
      [],
    ],
    [
      'those said to be invoiced, where the list is not whole',
      scan(listed(2), { attempts: 3, attemptsInvoiced: 4 }),
      ['counter_invoiced', 'counter_invoiced'],
    ],
    ['those said to be invoiced, where nothing is counted', scan(listed(2), { attemptsInvoiced: 3 }), ['count_only']],
    [
      'those said to be invoiced, where none is counted',
      scan([], { attempts: 0, attemptsInvoiced: 1 }),
      ['counter_invoiced'],
    ],
    [
      'as many invoiced as are left of the counter',
      scan(listed(1), { attempts: 4, attemptsInvoiced: 2 }),
      ['counter_invoiced', 'counter_not_invoiced', 'counter_not_invoiced'],
    ],
    ['of which nothing is said', scan(listed(1), { attempts: 2 }), ['count_only']],
    [
      'beside one that is undecided',
      scan(listed(1, { invoiced: null }), { attempts: 2, attemptsInvoiced: 1 }),
      ['count_only'],
    ],
    [
      'beside one that is being processed',
      scan(listed(1, { code: 'processing', invoiced: false }), { attempts: 2, attemptsInvoiced: 1 }),
      ['count_only'],
    ],
    [
      'beside more that are invoiced than are counted so',
      scan(listed(2), { attempts: 3, attemptsInvoiced: 1 }),
      ['count_only'],
    ],
  ])('are %s', (_, task, expected) => {
    expect(beyond(task)).toEqual(expected);
  });

  test('keep the places that they had, whatever is said of them, and leave no gap', () => {
    const before = [attempt(1, 'count_only'), attempt(2, 'counter_invoiced'), attempt(3, 'counter_not_invoiced')];
    const counted = (attempts: number, attemptsInvoiced: number) =>
      knownOf(scan(before, { attempts, attemptsInvoiced }));
    expect(counted(1, 1)).toEqual([[1, 'counter_invoiced']]);
    expect(counted(3, 1)).toEqual([
      [1, 'counter_not_invoiced'],
      [2, 'counter_invoiced'],
      [3, 'counter_not_invoiced'],
    ]);
    expect(counted(4, 4)).toEqual([1, 2, 3, 4].map((ordinal) => [ordinal, 'counter_invoiced']));
  });
});

describe('a task without a list', () => {
  const face = (state: string | null, known: KnownAttempt[] = []) =>
    scan(known, { type: 'face_match', state, isListMissing: false });
  const done = { ...transaction, state: 'completed' };

  test('was executed where the transaction is completed, or where its state says so', () => {
    expect(knownOf(face('completed'), done)).toEqual([[1, 'task_completed_transaction']]);
    expect(knownOf(face('failed'))).toEqual([[1, 'task_open_transaction']]);
    expect(knownOf(face('pending'), done)).toEqual([]);
    expect(knownOf(face('completed', [attempt(1, 'scan_list')]), done)).toEqual([[1, 'scan_list']]);
    expect(knownOf(scan([], { isListMissing: false }), done)).toEqual([]);
  });

  test('has its state for a code, none where it is completed', () => {
    const codeOf = (state: string | null) => withUnlisted(done, [face(state)], decide)[0]!.known[0]?.code;
    expect([codeOf('completed'), codeOf('failed'), codeOf(null)]).toEqual([null, 'failed', '(missing)']);
    expect(withUnlisted(done, [scan([])], decide)[0]!.known[0]?.code).toBe('(not listed)');
  });

  test.each([
    ['transaction_completed', { ...transaction, completedAt: at('11:00') }, at('11:00')],
    ['last_scan_created', transaction, at('10:30')],
    ['transaction_created', transaction, at('09:00')],
    ['transaction_created', { ...transaction, createdAt: null }, new Date(0)],
  ])('has a time by %s', (timeBasis, of, attemptedAt) => {
    const times = timeBasis === 'transaction_created' ? [] : ['10:00', '10:30', '10:10'];
    const scans = times.map((time, index) => attempt(index + 1, 'scan_list', { attemptedAt: at(time) }));
    const late = attempt(9, 'count_only', { attemptedAt: at('12:00') });
    const [, found] = withUnlisted(of, [scan([...scans, late], { isListMissing: false }), face('failed')], decide);
    expect(found?.known).toMatchObject([{ timeBasis, attemptedAt, fence: 2, formerTimes: [] }]);
  });
});
