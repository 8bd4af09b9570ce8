import type { Constraint } from './constraints.ts';
import type { Observation, System } from './observations.ts';
import { isSolvable, shortened, solve, type Solution } from './solve.ts';

/** Tasks that cannot all be right, whatever is charged. */
export type Contradiction = {
  /** None of them can be left out. */
  readonly observations: readonly Observation[];
  /** Those that were left out of account for it: the ones with the fewest tasks behind them. */
  readonly setAside: readonly Observation[];
};

/** What the counters say when what contradicts them is set aside. */
export type Settled = {
  readonly solution: Solution & { readonly isConsistent: true };
  /** The constraints that the solution is of, by the place of their observation. */
  readonly active: ReadonlyMap<number, Constraint>;
  readonly contradictions: readonly Contradiction[];
  /** Classes that tasks contradict each other about; nothing is said of them. */
  readonly untrusted: ReadonlySet<number>;
};

/** Evidence this many times as strong outvotes what contradicts it. */
const outvotes = 10;
/** More contradictions than this are no faults of single counters. */
const contradictionsAtMost = 100;

/**
 * Solves a system although counters in it contradict each other. Of the tasks of a contradiction those are set aside that
 * are not outnumbered by far. A class of which more than a small part of the tasks was set aside is not trusted: it may be
 * charged or not from task to task, and nothing is concluded from it. Where too much contradicts itself, that is all
 * classes.
 */
export function settle(system: System): Settled {
  const tasksOf = tasksPerClass(system, system.observations);
  const untrusted = new Set<number>();
  const contradictions: Contradiction[] = [];
  for (;;) {
    const settled = settleTrusting(system, untrusted);
    const said = new Set(contradictions.flatMap(({ setAside }) => setAside));
    contradictions.push(...settled.contradictions.filter(({ setAside }) => !setAside.every((one) => said.has(one))));
    const { solution } = settled;
    if (solution === undefined) return { ...nothingSettled(system), contradictions };
    const aside = tasksPerClass(
      system,
      settled.contradictions.flatMap(({ setAside }) => setAside),
    );
    const doubtful = [...aside].filter(
      ([unknown, tasks]) => !untrusted.has(unknown) && tasks * outvotes > (tasksOf.get(unknown) ?? 0),
    );
    if (doubtful.length === 0) return { ...settled, solution, contradictions, untrusted };
    for (const [unknown] of doubtful) untrusted.add(unknown);
  }
}

function settleTrusting(
  { constraints, observations }: System,
  untrusted: ReadonlySet<number>,
): Pick<Settled, 'active' | 'contradictions'> & { readonly solution: Settled['solution'] | undefined } {
  const active = new Map(constraints.map((constraint, place) => [place, without(constraint, untrusted)]));
  const contradictions: Contradiction[] = [];
  const tasksAt = (place: number) => observations[place]?.tasks ?? 0;
  while (contradictions.length <= contradictionsAtMost) {
    const places = [...active.keys()];
    const solution = solve([...active.values()]);
    if (solution.isConsistent) return { solution, active, contradictions };
    const core = shortened(
      new Set([...solution.conflict].flatMap((index) => places[index] ?? [])),
      (a, b) => tasksAt(a) - tasksAt(b),
      (rest) => isSolvable(rest.flatMap((place) => active.get(place) ?? [])) === false,
    );
    const fewest = Math.min(...core.map(tasksAt));
    const setAside = core.filter((place) => tasksAt(place) < fewest * outvotes);
    for (const place of setAside) active.delete(place);
    const observed = (some: readonly number[]) => some.flatMap((place) => observations[place] ?? []);
    contradictions.push({ observations: observed(core), setAside: observed(setAside) });
  }
  return { solution: undefined, active, contradictions };
}

const nothingSettled = ({ classes }: System): Omit<Settled, 'contradictions'> => ({
  solution: { isConsistent: true, forced: new Map(), undecided: new Set() },
  active: new Map(),
  untrusted: new Set(classes.keys()),
});

/** How many counters have to be wrong at least, if nothing but faults of counters is behind the contradictions. */
export const faultyAtLeast = (contradictions: readonly Contradiction[]): number =>
  contradictions.reduce((sum, { setAside }) => sum + Math.min(...setAside.map(({ tasks }) => tasks)), 0);

/** A constraint that allows for both values of what is not trusted. */
function without({ terms, low, high }: Constraint, untrusted: ReadonlySet<number>): Constraint {
  const left = terms.filter(({ unknown }) => untrusted.has(unknown));
  const slack = left.reduce((sum, { count }) => sum + count, 0);
  return { terms: terms.filter(({ unknown }) => !untrusted.has(unknown)), low: low - slack, high };
}

/** How many tasks each class occurs in. */
function tasksPerClass({ constraints, observations }: System, among: readonly Observation[]): Map<number, number> {
  const wanted = new Set(among);
  const tasks = new Map<number, number>();
  for (const [place, observation] of observations.entries())
    if (wanted.has(observation))
      for (const { unknown } of constraints[place]?.terms ?? [])
        tasks.set(unknown, (tasks.get(unknown) ?? 0) + observation.tasks);
  return tasks;
}
