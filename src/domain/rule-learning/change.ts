import type { Observation } from './observations.ts';
import { systemOf } from './observations.ts';
import { solve } from './solve.ts';

/** Charges changed at one moment between these two days, both included. */
export type Change = {
  /** From this day on, all tasks agree with each other. */
  readonly earliest: string;
  /** Before this day they do; a task of this day contradicts them. */
  readonly latest: string;
};

/**
 * Looks for one moment before which all tasks agree with each other, and after which they do too. Any number of codes may
 * change at it. Tasks on both sides of it say nothing.
 *
 * @param observations each with tasks of the same days only.
 * @returns `undefined` if there is no such moment.
 */
export function findChange(observations: readonly Observation[]): Change | undefined {
  const days = [...new Set(observations.flatMap(({ firstDay, lastDay }) => [firstDay, lastDay]))].sort();
  const agree = (some: readonly Observation[]) => solve(systemOf(some).constraints).isConsistent;
  // The more tasks, the fewer solutions: both ends are found by halving.
  const lastAgreed = bisect(days.length, (count) => agree(before(observations, days[count])));
  const firstAgreed =
    days.length - bisect(days.length, (count) => agree(from(observations, days[days.length - count])));
  const [latest, earliest] = [days[lastAgreed], days[firstAgreed]];
  return latest === undefined || earliest === undefined || earliest > latest ? undefined : { earliest, latest };
}

/** The tasks that ended before a day; `undefined` = all. */
export const before = (observations: readonly Observation[], day: string | undefined): Observation[] =>
  observations.filter(({ lastDay }) => day === undefined || lastDay < day);

/** The tasks that began on a day or later; `undefined` = none. */
export const from = (observations: readonly Observation[], day: string | undefined): Observation[] =>
  observations.filter(({ firstDay }) => day !== undefined && firstDay >= day);

/** The largest count up to `most` that holds, where all smaller ones do. */
function bisect(most: number, holds: (count: number) => boolean): number {
  let [low, high] = [0, most];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (holds(middle)) low = middle;
    else high = middle - 1;
  }
  return low;
}
