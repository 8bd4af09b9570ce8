import { describe, expect, test } from 'vitest';
import type { Attempt, Evidence } from '../../src/domain/attempts.ts';
import type { TaskFacts, TransactionFacts } from '../../src/domain/facts.ts';
import { isScanListMissing } from '../../src/domain/merge-answer.ts';
import { attemptsOf, type KnownScans, knownScans } from './support-merging.ts';
import { deepFrozen, faceTask, scan, scanTask, startedAt, transaction } from './support.ts';

const completedAt = new Date('2026-10-01T11:00:00Z');
const completed: Partial<TransactionFacts> = { state: 'completed', completedAt };

const keys = (attempts: Attempt[]) => attempts.map(({ taskType, ordinal }) => `${taskType} ${ordinal}`);

describe('listed scans', () => {
  test('every scan of the list is an attempt of its own, numbered in the order of its time', () => {
    const scans = [
      scan(1, { code: 'front_side_provided_back_side_required', source: 'file' }),
      scan(2, { code: 'unknown_type_back', linked: true }),
      scan(2, { code: 'processing', linked: null, source: null }),
    ];
    const evidence = { taskType: 'document_scan', timeBasis: 'scan_created', evidence: 'scan_list' };
    expect(attemptsOf(deepFrozen(transaction([scanTask({ attempts: 3, attemptsInvoiced: 1, scans })])))).toEqual([
      {
        ...evidence,
        ordinal: 1,
        attemptedAt: new Date('2026-10-01T10:01:00Z'),
        code: 'front_side_provided_back_side_required',
        linked: false,
        captureSource: 'file',
      },
      {
        ...evidence,
        ordinal: 2,
        attemptedAt: new Date('2026-10-01T10:02:00Z'),
        code: 'unknown_type_back',
        linked: true,
        captureSource: 'camera',
      },
      {
        ...evidence,
        ordinal: 3,
        attemptedAt: new Date('2026-10-01T10:02:00Z'),
        code: 'processing',
        linked: null,
        captureSource: null,
      },
    ]);
  });

  test('attempts come in the order of the tasks, each task counted from one', () => {
    const tasks = [
      faceTask('completed', { type: 'face_match' }),
      scanTask({ scans: [scan(1), scan(2)] }),
      faceTask('failed'),
    ];
    expect(keys(attemptsOf(transaction(tasks)))).toEqual([
      'face_match 1',
      'document_scan 1',
      'document_scan 2',
      'face_liveness 1',
    ]);
  });

  test.each([
    ['more attempts than scans', { attempts: 5, attemptsInvoiced: 4 }],
    ['fewer attempts than scans', { attempts: 1, attemptsInvoiced: 0 }],
    ['more invoiced than attempts', { attempts: 2, attemptsInvoiced: 9 }],
    ['no counters', { attempts: null, attemptsInvoiced: null }],
  ])('a list that is there goes before counters that differ: %s', (_, counters) => {
    const task = scanTask({ state: 'completed', scans: [scan(1), scan(2)], ...counters });
    expect(isScanListMissing(task)).toBe(false);
    const attempts = attemptsOf(transaction([task], completed), knownBefore({ listed: 1, invoiced: 1 }));
    expect(keys(attempts)).toEqual(['document_scan 1', 'document_scan 2']);
    expect(attempts.map(({ evidence }) => evidence)).toEqual(['scan_list', 'scan_list']);
  });

  test('a scan keeps its own time also when the transaction is completed', () => {
    const attempts = attemptsOf(transaction([scanTask({ state: 'completed', scans: [scan(7)] })], completed));
    expect(attempts[0]).toMatchObject({ attemptedAt: new Date('2026-10-01T10:07:00Z'), timeBasis: 'scan_created' });
  });

  test('a scan list of a task type that is not known counts entry by entry', () => {
    const attempts = attemptsOf(
      transaction([faceTask('pending', { type: 'passport_chip', scans: [scan(1), scan(2)] })]),
    );
    expect(keys(attempts)).toEqual(['passport_chip 1', 'passport_chip 2']);
    expect(attempts[1]).toMatchObject({ evidence: 'scan_list', code: null });
  });
});

describe('face tasks', () => {
  const states = { pending: {}, expired: { state: 'expired' }, Completed: { state: 'Completed' }, completed };
  type State = keyof typeof states;

  test.each<[string, State]>([
    ['pending', 'pending'],
    ['pending', 'expired'],
    ['pending', 'completed'],
  ])('a task in state %s of a transaction in state %s was not executed: no attempt', (state, of) => {
    expect(attemptsOf(transaction([faceTask(state)], states[of]))).toEqual([]);
    expect(attemptsOf(transaction([faceTask(state, { scans: [] })], states[of]))).toEqual([]);
  });

  test.each<[string | null, State, Evidence, string | null]>([
    ['completed', 'completed', 'task_completed_transaction', null],
    ['failed', 'completed', 'task_completed_transaction', 'failed'],
    ['Completed', 'completed', 'task_completed_transaction', 'Completed'],
    [null, 'completed', 'task_completed_transaction', '(missing)'],
    ['completed', 'pending', 'task_open_transaction', null],
    ['failed', 'pending', 'task_open_transaction', 'failed'],
    ['expired', 'expired', 'task_open_transaction', 'expired'],
    ['completed', 'Completed', 'task_open_transaction', null],
    [null, 'pending', 'task_open_transaction', '(missing)'],
    [null, 'expired', 'task_open_transaction', '(missing)'],
  ])('a task in state %s of a transaction in state %s is one attempt: %s, code %s', (state, of, evidence, code) => {
    for (const scans of [null, []]) {
      const attempts = attemptsOf(transaction([faceTask(state, { scans })], states[of]));
      expect(attempts).toHaveLength(1);
      expect(attempts[0]).toMatchObject({ ordinal: 1, evidence, code, linked: null, captureSource: null });
    }
  });

  test('counters of a face task make no further attempts: it has one', () => {
    const task = faceTask('completed', { attempts: 4, attemptsInvoiced: 3 });
    expect(isScanListMissing(task)).toBe(false);
    expect(keys(attemptsOf(transaction([task], completed)))).toEqual(['face_liveness 1']);
  });
});

describe('the time of an attempt that has none of its own', () => {
  const timeOf = (facts: TransactionFacts) => {
    const attempt = attemptsOf(facts).find(({ taskType }) => taskType === 'face_liveness');
    return [attempt?.attemptedAt, attempt?.timeBasis];
  };
  const scans = [scan(3), scan(5)];

  test('is the transaction’s completion, also where scans are later', () => {
    const tasks = [scanTask({ scans: [scan(90)] }), faceTask('completed')];
    expect(timeOf(transaction(tasks, completed))).toEqual([completedAt, 'transaction_completed']);
  });

  test('in an abandoned transaction is the last scan’s', () => {
    const facts = transaction([faceTask('completed'), scanTask({ scans })], { state: 'expired' });
    expect(timeOf(facts)).toEqual([new Date('2026-10-01T10:05:00Z'), 'last_scan_created']);
  });

  test('is the latest scan of all tasks, wherever it stands', () => {
    const other = faceTask('x', { type: 'back_scan', scans: [scan(9), scan(4)] });
    const facts = transaction([scanTask({ scans }), other, faceTask('completed')], { state: 'expired' });
    expect(timeOf(facts)).toEqual([new Date('2026-10-01T10:09:00Z'), 'last_scan_created']);
  });

  test('without any scan is the transaction’s start', () => {
    const facts = transaction([scanTask({ scans: [] }), faceTask('failed')], { state: 'expired' });
    expect(timeOf(facts)).toEqual([startedAt, 'transaction_created']);
  });

  test('of a completed transaction without its time is the last scan’s', () => {
    const facts = transaction([scanTask({ scans }), faceTask('completed')], { state: 'completed', completedAt: null });
    expect(timeOf(facts)).toEqual([new Date('2026-10-01T10:05:00Z'), 'last_scan_created']);
  });
});

const knownBefore = (known: Partial<KnownScans>) => knownScans('document_scan', known);

type Counters = [attempts: number | null, invoiced: number | null];
const [yes, no, unknown] = ['counter_invoiced', 'counter_not_invoiced', 'count_only'] as const;
const unlisted = (task: TaskFacts, known?: ReturnType<typeof knownScans>) =>
  attemptsOf(transaction([task], completed), known);

describe('a scan list that is missing', () => {
  test.each<[state: string, counters: Counters, Evidence[]]>([
    ['pending', [null, null], []],
    ['pending', [0, 0], []],
    ['pending', [0, null], []],
    ['pending', [null, 0], []],
    ['pending', [3, 2], [yes, yes, no]],
    ['pending', [3, 0], [no, no, no]],
    ['pending', [2, 2], [yes, yes]],
    ['completed', [1, 1], [yes]],
    ['completed', [1, 0], [no]],
    ['completed', [3, null], [unknown, unknown, unknown]],
    ['completed', [null, 2], [unknown, unknown]],
    ['completed', [null, 0], [unknown]],
    ['completed', [null, null], [unknown]],
    ['pending', [1, 2], [yes, yes]],
    ['pending', [0, 1], [yes]],
  ])('a %s scan with counters %j stands as %j', (state, [attempts, attemptsInvoiced], expected) => {
    const found = unlisted(scanTask({ state, attempts, attemptsInvoiced, scans: null }));
    expect(found.map(({ evidence }) => evidence)).toEqual(expected);
    expect(found.map(({ ordinal }) => ordinal)).toEqual(expected.map((_, index) => index + 1));
  });

  test('stand-ins say so: no code of the vendor’s, no scan’s time', () => {
    expect(unlisted(scanTask({ attempts: 1, attemptsInvoiced: 1 }))).toEqual([
      {
        taskType: 'document_scan',
        ordinal: 1,
        attemptedAt: completedAt,
        timeBasis: 'transaction_completed',
        evidence: yes,
        code: '(not listed)',
        linked: null,
        captureSource: null,
      },
    ]);
  });

  test.each<[known: Partial<KnownScans>, counters: Counters, Evidence[]]>([
    [{ listed: 2, invoiced: 1 }, [2, 1], []],
    [{ listed: 2, invoiced: 1 }, [1, 1], []],
    [{ listed: 2, invoiced: 1 }, [null, null], []],
    [{ listed: 2, invoiced: 1 }, [2, 2], []],
    [{ listed: 2, invoiced: 1 }, [4, 2], [yes, no]],
    [{ listed: 2, invoiced: 1 }, [4, 1], [no, no]],
    [{ listed: 2, invoiced: 1 }, [4, 3], [yes, yes]],
    [{ listed: 2, invoiced: 1 }, [4, 4], [unknown, unknown]],
    [{ listed: 2, invoiced: 1 }, [4, 0], [unknown, unknown]],
    [{ listed: 2, invoiced: 1 }, [4, null], [unknown, unknown]],
    [{ listed: 2, invoiced: 1 }, [null, 3], [unknown]],
    [{ listed: 2, invoiced: 1, unclassified: 1 }, [4, 2], [unknown, unknown]],
    [{ listed: 2, invoiced: 0 }, [3, 0], [no]],
  ])('after %j, counters %j add %j behind the scans already known', (known, [attempts, attemptsInvoiced], expected) => {
    // An empty list is a missing one where the vendor's own count of attempts says so.
    for (const scans of attempts === null ? [null] : [null, []]) {
      const task = scanTask({ state: 'completed', attempts, attemptsInvoiced, scans });
      const found = unlisted(task, knownBefore(known));
      expect(found.map(({ evidence }) => evidence)).toEqual(expected);
      expect(found.map(({ ordinal }) => ordinal)).toEqual(expected.map((_, index) => (known.listed ?? 0) + index + 1));
    }
  });

  test('what is known of another task type does not count', () => {
    const known = knownScans('face_match', { listed: 2, invoiced: 2 });
    const found = unlisted(scanTask({ attempts: 1, attemptsInvoiced: 1 }), known);
    expect(keys(found)).toEqual(['document_scan 1']);
  });

  test.each<[state: string, Counters, isMissing: boolean]>([
    ['pending', [1, 0], true],
    ['pending', [2, null], true],
    ['pending', [3, 4], true],
    ['pending', [null, 1], true],
    ['pending', [0, 0], false],
    ['pending', [0, 1], false],
    ['pending', [null, 0], false],
    ['pending', [null, null], false],
    ['completed', [1, 1], true],
    ['completed', [0, 0], false],
    ['completed', [null, 0], false],
    ['completed', [null, null], true],
  ])('an empty list of a %s scan with counters %j is a missing one: %s', (state, counters, isMissing) => {
    // The vendor's count of attempts promises a list; without it its count of invoiced ones; without both its state.
    const [attempts, attemptsInvoiced] = counters;
    const task = scanTask({ state, attempts, attemptsInvoiced, scans: [] });
    expect(isScanListMissing(task)).toBe(isMissing);
    // Without a list at all there is none where something is invoiced or the task is completed, too.
    expect(isScanListMissing({ ...task, scans: null })).toBe(
      isMissing || state === 'completed' || (attemptsInvoiced ?? 0) > 0,
    );
    // Where none is missing there are none to make up: a difference is reported.
    expect(unlisted(task)).toEqual(isMissing ? unlisted({ ...task, scans: null }) : []);
  });
});
