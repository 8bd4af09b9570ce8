import type { Attempt } from '../../src/domain/attempts.ts';
import type { Decision } from '../../src/domain/classify.ts';
import type { TransactionFacts } from '../../src/domain/facts.ts';
import { type KnownAttempt, type KnownTransaction, nothingKnown } from '../../src/domain/known-transaction.ts';
import { mergeAnswer } from '../../src/domain/merge-answer.ts';
import { startedAt } from './support.ts';

/** A rule table in a line: `not_invoiced` and `no_rule` are what they say, stand-ins as the counter has it. */
export function decide({ code, evidence }: Attempt): Decision {
  const invoiced =
    evidence === 'counter_invoiced'
      ? true
      : evidence === 'counter_not_invoiced'
        ? false
        : code === 'no_rule' || evidence === 'count_only'
          ? null
          : code !== 'not_invoiced' && code !== 'processing';
  return { invoiced, reason: 'code_invoiced', ruleTableVersion: 'v' };
}

export type KnownScans = { readonly listed: number; readonly invoiced: number; readonly unclassified: number };

/** A transaction of which so many scans were listed before, the first a minute after its start, invoiced ones first. */
export function knownScans(
  type: string,
  { listed = 0, invoiced = 0, unclassified = 0 }: Partial<KnownScans>,
): KnownTransaction {
  const codeOf = (index: number) =>
    index < invoiced ? null : index < invoiced + unclassified ? 'no_rule' : 'not_invoiced';
  const known = Array.from({ length: listed }, (_, index): KnownAttempt => {
    const attempt: Attempt = {
      taskType: type,
      ordinal: index + 1,
      timeBasis: 'scan_created',
      evidence: 'scan_list',
      code: codeOf(index),
      attemptedAt: new Date(startedAt.getTime() + 60_000 * (index + 1)),
      linked: false,
      captureSource: 'camera',
    };
    return { ...attempt, ...decide(attempt), formerTimes: [], fence: 1 };
  });
  const task = {
    type,
    state: null,
    level: null,
    attempts: null,
    attemptsInvoiced: null,
    isListMissing: false,
    fence: 1,
  };
  const fences = { fence: 1, listFence: 1 };
  return { ...nothingKnown, fence: 1, tasks: listed === 0 ? [] : [{ ...task, ...fences, listedTwice: 0, known }] };
}

const bare = ({
  taskType,
  ordinal,
  attemptedAt,
  timeBasis,
  evidence,
  code,
  linked,
  captureSource,
}: Attempt): Attempt => ({
  taskType,
  ordinal,
  attemptedAt,
  timeBasis,
  evidence,
  code,
  linked,
  captureSource,
});

/** What an answer adds to what is known, undecided. */
export function attemptsOf(said: TransactionFacts, known: KnownTransaction = nothingKnown): Attempt[] {
  const before = new Set(known.tasks.flatMap((task) => task.known));
  const merged = mergeAnswer(known, said, { fence: known.fence + 1, decide });
  return merged.tasks
    .flatMap((task) => task.known)
    .filter((attempt) => !before.has(attempt))
    .map(bare);
}
