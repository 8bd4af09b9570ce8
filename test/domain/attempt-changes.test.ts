import { describe, expect, test } from 'vitest';
import { attemptChanges, type KnownAttempt, type KnownTransaction } from '../../src/domain/known-transaction.ts';
import { knownScans } from './support-merging.ts';

const before = knownScans('document_scan', { listed: 3, invoiced: 3 });
const changedBy = (change: (attempts: readonly KnownAttempt[]) => readonly KnownAttempt[]): KnownTransaction => ({
  ...before,
  tasks: before.tasks.map((task) => ({ ...task, known: change(task.known) })),
});
const [first, second, third] = before.tasks[0]!.known as [KnownAttempt, KnownAttempt, KnownAttempt];
const later = new Date(first.attemptedAt.getTime() + 1_000);

describe('what of the attempts has changed', () => {
  test('is nothing where all is as it was, whatever start confirmed it', () => {
    const again = changedBy((attempts) => attempts.map((attempt) => ({ ...attempt, fence: attempt.fence + 1 })));
    expect(attemptChanges(before, again)).toEqual({ upserts: [], removed: [] });
  });

  test.each<[keyof KnownAttempt, Partial<KnownAttempt>]>([
    ['attemptedAt', { attemptedAt: later }],
    ['timeBasis', { timeBasis: 'transaction_created' }],
    ['evidence', { evidence: 'count_only' }],
    ['code', { code: 'new' }],
    ['linked', { linked: true }],
    ['captureSource', { captureSource: null }],
    ['formerTimes', { formerTimes: [later] }],
    ['invoiced', { invoiced: null }],
    ['reason', { reason: 'success_invoiced' }],
    ['ruleTableVersion', { ruleTableVersion: 'w' }],
  ])('is an attempt whose %s is another one', (_, change) => {
    const changed = { ...second, ...change };
    expect(
      attemptChanges(
        before,
        changedBy(([one, , other]) => [one!, changed, other!]),
      ),
    ).toEqual({
      upserts: [changed],
      removed: [],
    });
  });

  test('is what is new, also of another task with the same ordinal', () => {
    const face = { ...first, taskType: 'face_match' };
    expect(
      attemptChanges(
        before,
        changedBy((attempts) => [...attempts, face]),
      ),
    ).toEqual({ upserts: [face], removed: [] });
    expect(attemptChanges({ ...before, tasks: [] }, before).upserts).toEqual([first, second, third]);
  });

  test('is what stands in for nothing any more, by its key', () => {
    expect(
      attemptChanges(
        before,
        changedBy(([one]) => [one!]),
      ),
    ).toEqual({
      upserts: [],
      removed: [
        { taskType: 'document_scan', ordinal: 2 },
        { taskType: 'document_scan', ordinal: 3 },
      ],
    });
  });
});
