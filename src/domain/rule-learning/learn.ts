import { before, type Change, findChange, from } from './change.ts';
import { type CodeFinding, codeFindings } from './findings.ts';
import { type Observation, systemOf } from './observations.ts';
import { type Contradiction, faultyAtLeast, settle } from './settle.ts';

/** What the counters say of days on which nothing changed. */
export type LearnedSpan = {
  /** The first day, and the first day no more; `null` = the end of what was looked at. */
  readonly fromDay: string | null;
  readonly toDay: string | null;
  readonly codes: readonly CodeFinding[];
  readonly contradictions: readonly Contradiction[];
};

/** What the counters say: of one span, or of two with a change in between. */
export type Learned = { readonly spans: readonly LearnedSpan[]; readonly change: Change | undefined };

/** So many tasks in contradiction are taken for faulty counters, not for a change. */
const faultsAtMost = 2;

/** Learns from counters what is charged, as if nothing had changed meanwhile. */
export const learn = (observations: readonly Observation[]): Learned => ({
  spans: [learnSpan(observations, null, null)],
  change: undefined,
});

/** Whether what was learned contradicts itself so much that a change may be behind it. */
export const mayHaveChanged = ({ spans }: Learned): boolean =>
  spans.some(({ contradictions }) => faultyAtLeast(contradictions) > faultsAtMost);

/**
 * Learns from counters what is charged before and after a change.
 *
 * @param observations each with tasks of the same days only.
 * @returns `undefined` if no change explains them.
 */
export function learnChange(observations: readonly Observation[]): Learned | undefined {
  const change = findChange(observations);
  if (change === undefined) return undefined;
  return {
    spans: [
      learnSpan(before(observations, change.earliest), null, change.earliest),
      learnSpan(from(observations, change.latest), change.latest, null),
    ],
    change,
  };
}

function learnSpan(observations: readonly Observation[], fromDay: string | null, toDay: string | null): LearnedSpan {
  const system = systemOf(observations);
  const settled = settle(system);
  return {
    fromDay,
    toDay,
    codes: codeFindings(system, settled),
    contradictions: settled.contradictions,
  };
}
