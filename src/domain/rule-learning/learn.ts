import { before, type Change, findChange, from } from './change.ts';
import { type CodeFinding, codeFindings } from './findings.ts';
import { isSameCode, type Observation, systemOf, type TaskCode } from './observations.ts';
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

/** Whether counters contradict each other so much that a change may be behind it. */
export const mayHaveChanged = (observations: readonly Observation[]): boolean =>
  faultyAtLeast(settle(systemOf(observations)).contradictions) > faultsAtMost;

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
  const whole: Deviating[] = [];
  const { codes: apart } = concluded(observations, whole);
  for (;;) {
    const { settled, codes } = concluded(observations, whole);
    const deviating = deviatingCodes(codes).find((one) => {
      if (Math.min(...[true, false].map((charged) => tasksSaying(charged, one))) <= faultsAtMost) return true;
      const other = concluded(observations, [...whole, one]);
      return (
        other.codes.some(({ charged, ...finding }) => charged !== null && isSameCode(finding, one)) &&
        faultyAtLeast(other.settled.contradictions) - faultyAtLeast(settled.contradictions) <= faultsAtMost
      );
    });
    if (deviating === undefined)
      return {
        fromDay,
        toDay,
        codes: codes.map((finding) => withDeviations(agreed(finding, apart, whole), whole)),
        contradictions: settled.contradictions,
      };
    whole.push(deviating);
  }
}

function concluded(observations: readonly Observation[], whole: readonly TaskCode[]) {
  const system = systemOf(observations, whole);
  const settled = settle(system);
  return { settled, codes: codeFindings(system, settled) };
}

/** A code that is charged differently by level, `linked` or source, unless a few counters are wrong. */
type Deviating = TaskCode & { readonly parts: readonly CodeFinding[] };

const tasksSaying = (value: boolean, { parts }: Deviating): number =>
  parts.reduce((sum, { charged, tasks }) => (charged === value ? sum + tasks : sum), 0);

function deviatingCodes(codes: readonly CodeFinding[]): Deviating[] {
  const scoped = codes.filter(({ scope }) => Object.keys(scope).length > 0);
  const ofCodes = Map.groupBy(scoped, ({ taskType, code }) => JSON.stringify([taskType, code]));
  return [...ofCodes.values()].flatMap((parts) =>
    parts.slice(0, 1).map(({ taskType, code }) => ({ taskType, code, parts })),
  );
}

/**
 * Whether few counters are wrong or a charge depends on more than the code is not known: of the codes beside it only that
 * is said which holds either way.
 */
function agreed(finding: CodeFinding, apart: readonly CodeFinding[], whole: readonly Deviating[]): CodeFinding {
  const isSaid =
    finding.charged === null ||
    whole.some((one) => isSameCode(one, finding)) ||
    apart.some(
      (one) =>
        isSameCode(one, finding) &&
        one.charged === finding.charged &&
        JSON.stringify(one.scope) === JSON.stringify(finding.scope),
    );
  return isSaid ? finding : { ...finding, charged: null, ground: 'contradictory', proof: [], unproven: [] };
}

/** What only a few counters say of some scans of a code is not taken for a rule; nothing else is proven of them then. */
function withDeviations(finding: CodeFinding, whole: readonly Deviating[]): CodeFinding {
  const parts = whole.find((one) => isSameCode(one, finding))?.parts ?? [];
  if (finding.charged === null) return finding;
  const others = parts.filter(({ charged }) => charged !== finding.charged).map(({ scope }) => scope);
  return { ...finding, unproven: [...finding.unproven, ...others] };
}
