import type { Cube } from './cube.ts';
import type { Hypothesis } from './readings.ts';
import { type HypothesisSet, keysOf, type Space } from './space.ts';

/** What is known beforehand. */
export type Priors = {
  /** Keys of the hypotheses that last month's differences were found, or decided, to be due to. */
  readonly held: readonly string[];
};

/**
 * Finds rules that are not billed otherwise: the vendor's counters agree with them wherever they decide. A rule of which
 * the counters do not speak throughout stays in question.
 *
 * @returns keys of hypotheses.
 */
export function ruledOutBy(hypotheses: readonly Hypothesis[], { rows }: Cube): string[] {
  return hypotheses.flatMap(({ key, cause, change }) => {
    if (cause !== 'rule' || change.of !== 'decisions') return [];
    const concerned = rows.filter(change.concerns);
    return concerned.length > 0 && concerned.every(({ counter }) => counter === 'agrees') ? [key] : [];
  });
}

/** Sets that hold as much as possible of what held last month: all of them, where none holds any of it. */
export function narrowed(space: Space, sets: readonly HypothesisSet[], { held }: Priors): HypothesisSet[] {
  const counts = sets.map((set) =>
    Math.max(...keysOf(space, set).map((keys) => keys.filter((key) => held.includes(key)).length)),
  );
  const most = Math.max(0, ...counts);
  return sets.filter((_, index) => counts[index] === most);
}
