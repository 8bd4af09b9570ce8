import fc from 'fast-check';
import { expect, test } from 'vitest';
import { evidences, timeBases } from '../../src/domain/attempts.ts';
import type { ScanFacts, TaskFacts, TransactionFacts } from '../../src/domain/facts.ts';
import { mergeAnswer } from '../../src/domain/merge-answer.ts';
import { attemptsOf, decide, knownScans } from './support-merging.ts';
import { deepFrozen, scan } from './support.ts';

const name = (...known: string[]) => fc.oneof(fc.constantFrom(...known), fc.string({ minLength: 1, maxLength: 12 }));
const count = fc.option(fc.integer({ min: 0, max: 12 }), { nil: null });
const time = fc.date({
  min: new Date('2026-01-01T00:00:00Z'),
  max: new Date('2026-12-31T00:00:00Z'),
  noInvalidDate: true,
});

const scans: fc.Arbitrary<ScanFacts[]> = fc
  .array(fc.tuple(fc.integer({ min: 0, max: 1_440 }), fc.option(name('processing'), { nil: null })), { maxLength: 6 })
  .map((list) => list.sort(([a], [b]) => a - b).map(([minutes, code]) => scan(minutes, { code })));
const task: fc.Arbitrary<TaskFacts> = fc.record({
  type: name('document_scan', 'face_liveness', 'face_match'),
  state: fc.option(name('pending', 'completed', 'failed'), { nil: null }),
  level: fc.option(fc.constant('advanced'), { nil: null }),
  attempts: count,
  attemptsInvoiced: count,
  scans: fc.option(scans, { nil: null }),
});
const facts: fc.Arbitrary<TransactionFacts> = fc.record({
  transactionId: fc.constant('t'),
  state: name('pending', 'completed', 'expired'),
  createdAt: time,
  expiresAt: fc.option(time, { nil: null }),
  completedAt: fc.option(time, { nil: null }),
  tasks: fc.uniqueArray(task, { selector: ({ type }) => type, maxLength: 4 }),
});
const known = fc
  .tuple(fc.nat({ max: 6 }), fc.nat({ max: 6 }), fc.nat({ max: 6 }))
  .filter(([listed, invoiced, unclassified]) => invoiced + unclassified <= listed)
  .map(([listed, invoiced, unclassified]) => ({ listed, invoiced, unclassified }));

test('whatever the answer: keys are unique and without holes, and every attempt has a time and its basis', () => {
  fc.assert(
    fc.property(facts, known, (transaction, before) => {
      const already = knownScans('document_scan', before);
      const merge = () => mergeAnswer(already, deepFrozen(transaction), { fence: 2, decide });
      const { tasks } = merge();
      for (const { known: all } of tasks)
        expect(all.map(({ ordinal }) => ordinal)).toEqual(all.map((_, index) => index + 1));
      const attempts = tasks.flatMap((one) => one.known);
      for (const { attemptedAt, timeBasis, evidence } of attempts) {
        expect(attemptedAt.getTime()).not.toBeNaN();
        expect(timeBases).toContain(timeBasis);
        expect(evidences).toContain(evidence);
      }
      expect(merge().tasks.flatMap((one) => one.known)).toEqual(attempts);
    }),
    { numRuns: 1_000 },
  );
});

test('stand-ins and known scans together never exceed what the vendor counts, and reach it', () => {
  fc.assert(
    fc.property(count, count, known, (attempts, attemptsInvoiced, before) => {
      const one: TaskFacts = {
        type: 'document_scan',
        state: 'pending',
        level: null,
        attempts,
        attemptsInvoiced,
        scans: null,
      };
      const found = attemptsOf(
        {
          transactionId: 't',
          state: 'pending',
          createdAt: new Date(0),
          expiresAt: null,
          completedAt: null,
          tasks: [one],
        },
        knownScans('document_scan', before),
      );
      // Once as many were listed as the vendor counts, a larger count of invoiced ones is a difference, not an attempt.
      const isListed = attempts !== null && before.listed > 0 && before.listed >= attempts;
      const counted = Math.max(attempts ?? 0, isListed ? 0 : (attemptsInvoiced ?? 0));
      expect(before.listed + found.length).toBe(Math.max(before.listed, counted));
      const told = found.filter(({ evidence }) => evidence !== 'count_only');
      if (told.length === 0) return;
      // Where the counter decides, it decides all, and both counts of invoiced scans agree.
      expect(told).toHaveLength(found.length);
      const invoiced = told.filter(({ evidence }) => evidence === 'counter_invoiced').length;
      expect(before.invoiced + invoiced).toBe(attemptsInvoiced);
    }),
    { numRuns: 2_000 },
  );
});
