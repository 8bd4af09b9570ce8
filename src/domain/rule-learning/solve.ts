import { type Budget, type Constraint, findValues, type Forced, type Proof, propagateProving } from './constraints.ts';

/** What constraints say about each unknown. */
export type Solution =
  | {
      readonly isConsistent: true;
      /** The values that all solutions share. Proofs of values that had to be searched for may be shortened. */
      readonly forced: ReadonlyMap<number, Forced>;
      /** Unknowns that the limit on work left open. */
      readonly undecided: ReadonlySet<number>;
    }
  | { readonly isConsistent: false; readonly conflict: Proof };

/** Terms looked at for all questions about a system, and for a single one of them. */
const workInAll = 10_000_000;
const workOnOne = 1_000_000;

/** Finds every value that the constraints force. Exact, but for what the limit on work leaves undecided. */
export function solve(constraints: readonly Constraint[]): Solution {
  const propagated = propagateProving(constraints);
  if (propagated.conflict) return { isConsistent: false, conflict: propagated.conflict };
  const forced = new Map(propagated.forced);
  const undecided = new Set<number>();
  const budget = { left: workInAll };
  for (const places of openComponents(constraints, propagated.forced)) {
    const proof = new Set(places);
    for (const place of places)
      for (const { unknown } of constraints[place]?.terms ?? [])
        for (const one of propagated.forced.get(unknown)?.proof ?? []) proof.add(one);
    const decided = decide(
      places.flatMap((place) => constraints[place] ?? []),
      propagated.forced,
      budget,
    );
    if (decided === null) return { isConsistent: false, conflict: proof };
    for (const [unknown, value] of decided.forced) forced.set(unknown, { value, proof });
    for (const unknown of decided.undecided) undecided.add(unknown);
  }
  return { isConsistent: true, forced, undecided };
}

/** Whether values exist that keep all constraints; `undefined` = the limit on work left that open. */
export function isSolvable(constraints: readonly Constraint[]): boolean | undefined {
  const found = findValues(constraints, new Map(), { left: workOnOne });
  return found === undefined ? undefined : found !== null;
}

/** Whether the constraints force a value. Not where the limit on work leaves that open. */
export const isForced = (constraints: readonly Constraint[], unknown: number, value: boolean): boolean =>
  findValues(constraints, new Map([[unknown, !value]]), { left: workOnOne }) === null;

type Decided = { readonly forced: Map<number, boolean>; readonly undecided: Set<number> };

/** Tries both values of each open unknown. Solutions that were found answer for other unknowns too. @returns `null` for a contradiction. */
function decide(constraints: Constraint[], known: ReadonlyMap<number, Forced>, inAll: Budget): Decided | null {
  const given = new Map([...known].map(([unknown, { value }]) => [unknown, value]));
  const open = new Set(
    constraints.flatMap(({ terms }) => terms.map(({ unknown }) => unknown)).filter((unknown) => !given.has(unknown)),
  );
  const ask = (assumed: ReadonlyMap<number, boolean>) => {
    const budget = { left: Math.min(workOnOne, inAll.left) };
    const before = budget.left;
    const found = findValues(constraints, assumed, budget);
    inAll.left -= before - budget.left;
    return found;
  };
  const first = ask(given);
  if (first === null) return null;
  if (first === undefined) return { forced: new Map(), undecided: open };
  const decided: Decided = { forced: new Map(), undecided: new Set() };
  const solutions = [first];
  for (const unknown of open) {
    const value = first.get(unknown) === true;
    if (solutions.some((one) => one.get(unknown) !== value)) continue;
    const other = ask(new Map(given).set(unknown, !value));
    if (other === undefined) decided.undecided.add(unknown);
    else if (other === null) decided.forced.set(unknown, value);
    else solutions.push(other);
  }
  return decided;
}

/** The constraints with open unknowns, in groups that share none. */
function openComponents(constraints: readonly Constraint[], known: ReadonlyMap<number, Forced>): number[][] {
  const parent = new Map<number, number>();
  const root = (unknown: number): number => {
    let at = unknown;
    for (let above = parent.get(at); above !== undefined && above !== at; above = parent.get(at)) at = above;
    return at;
  };
  const openOf = ({ terms }: Constraint) =>
    terms.map(({ unknown }) => unknown).filter((unknown) => !known.has(unknown));
  for (const constraint of constraints) {
    const [first, ...rest] = openOf(constraint);
    if (first !== undefined) for (const unknown of rest) parent.set(root(unknown), root(first));
  }
  const components = new Map<number, number[]>();
  for (const [place, constraint] of constraints.entries()) {
    const [first] = openOf(constraint);
    if (first === undefined) continue;
    const key = root(first);
    const component = components.get(key);
    if (component) component.push(place);
    else components.set(key, [place]);
  }
  return [...components.values()];
}

/**
 * Leaves out of a proof what it does not need, so that nothing more can be left out.
 *
 * @param order which to try to leave out first.
 * @param stillProves whether the rest is a proof.
 */
export function shortened(
  proof: Proof,
  order: (a: number, b: number) => number,
  stillProves: (places: readonly number[]) => boolean,
): number[] {
  let kept = [...proof].sort(order);
  for (let size = Math.ceil(kept.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2))
    for (let start = 0; start < kept.length;) {
      const rest = [...kept.slice(0, start), ...kept.slice(start + size)];
      if (rest.length < kept.length && stillProves(rest)) kept = rest;
      else start += size;
    }
  return kept;
}
