/** How often something whose charge is unknown occurs in a task. */
export type Term = { readonly unknown: number; readonly count: number };

/** Of what the terms count, the vendor charged at least `low` and at most `high`. Each unknown is charged, or is not. */
export type Constraint = { readonly terms: readonly Term[]; readonly low: number; readonly high: number };

/** The places of constraints that together prove something. */
export type Proof = ReadonlySet<number>;

/** A value that the constraints leave no choice about. */
export type Forced = { readonly value: boolean; readonly proof: Proof };

/** How many more terms may be looked at. What is not decided by then stays open. */
export type Budget = { left: number };

const noProof: Proof = new Set();

/** How much of a constraint may be charged, as far as values are known. */
type Bounds = { least: number; most: number };

function boundsOf({ terms }: Constraint, valueOf: (unknown: number) => boolean | undefined): Bounds {
  const bounds = { least: 0, most: 0 };
  for (const { unknown, count } of terms) {
    const value = valueOf(unknown);
    if (value !== false) bounds.most += count;
    if (value === true) bounds.least += count;
  }
  return bounds;
}

const isBroken = ({ low, high }: Constraint, { least, most }: Bounds): boolean => least > high || most < low;

/** The only value that a term whose value is open can have. */
const onlyValue = ({ low, high }: Constraint, { least, most }: Bounds, { count }: Term): boolean | undefined =>
  least + count > high ? false : most - count < low ? true : undefined;

/**
 * Finds the values that single constraints force, one after the other, each with as short a proof as comes up.
 *
 * @returns the proof of a contradiction where there is one.
 */
export function propagateProving(constraints: readonly Constraint[]): {
  readonly forced: ReadonlyMap<number, Forced>;
  readonly conflict: Proof | undefined;
} {
  const forced = new Map<number, Forced>();
  const proofWith = (place: number, { terms }: Constraint, but?: number): Proof => {
    const proof = new Set([place]);
    for (const { unknown } of terms)
      if (unknown !== but) for (const one of forced.get(unknown)?.proof ?? noProof) proof.add(one);
    return proof;
  };
  for (;;) {
    const found = new Map<number, Forced>();
    let conflict: Proof | undefined;
    for (const [place, constraint] of constraints.entries()) {
      const bounds = boundsOf(constraint, (unknown) => forced.get(unknown)?.value);
      if (isBroken(constraint, bounds)) {
        const proof = proofWith(place, constraint);
        if (conflict === undefined || proof.size < conflict.size) conflict = proof;
        continue;
      }
      for (const term of constraint.terms) {
        const known = forced.get(term.unknown);
        if (known?.proof.size === 1) continue;
        const others = withoutTerm(bounds, term, known?.value);
        const value = onlyValue(constraint, others, term);
        if (value === undefined) continue;
        const proof = proofWith(place, constraint, term.unknown);
        const best = found.get(term.unknown)?.proof ?? known?.proof;
        if (best === undefined || proof.size < best.size) found.set(term.unknown, { value, proof });
      }
    }
    if (conflict || found.size === 0) return { forced, conflict };
    for (const [unknown, one] of found) forced.set(unknown, one);
  }
}

/** The bounds as they were if a term's value were open. */
const withoutTerm = ({ least, most }: Bounds, { count }: Term, value: boolean | undefined): Bounds => ({
  least: value === true ? least - count : least,
  most: value === false ? most + count : most,
});

/** @returns `false` for a contradiction, `undefined` where the budget is used up. `values` gets what is forced. */
function propagate(
  constraints: readonly Constraint[],
  values: Map<number, boolean>,
  budget: Budget,
): boolean | undefined {
  const valueOf = (unknown: number) => values.get(unknown);
  for (let isMoving = true; isMoving;) {
    isMoving = false;
    if (budget.left < 0) return undefined;
    for (const constraint of constraints) {
      budget.left -= constraint.terms.length;
      const bounds = boundsOf(constraint, valueOf);
      if (isBroken(constraint, bounds)) return false;
      for (const term of constraint.terms) {
        if (values.has(term.unknown)) continue;
        const value = onlyValue(constraint, bounds, term);
        if (value === undefined) continue;
        values.set(term.unknown, value);
        if (value) bounds.least += term.count;
        else bounds.most -= term.count;
        isMoving = true;
      }
    }
  }
  return true;
}

/**
 * Looks for values that keep all constraints.
 *
 * @param assumed values that are given.
 * @returns `null` if there are none, `undefined` where the budget is used up before that is known.
 */
export function findValues(
  constraints: readonly Constraint[],
  assumed: ReadonlyMap<number, boolean>,
  budget: Budget,
): ReadonlyMap<number, boolean> | null | undefined {
  const values = new Map(assumed);
  const isPossible = propagate(constraints, values, budget);
  if (isPossible !== true) return isPossible === false ? null : undefined;
  const next = mostConstrained(constraints, values);
  if (next === undefined) return values;
  for (const value of [true, false]) {
    const found = findValues(constraints, new Map(values).set(next, value), budget);
    if (found !== null) return found;
  }
  return null;
}

/** The open unknown with the largest count in the constraint with the fewest open ones. */
function mostConstrained(constraints: readonly Constraint[], values: ReadonlyMap<number, boolean>): number | undefined {
  let fewest: readonly Term[] | undefined;
  for (const { terms } of constraints) {
    const open = terms.filter(({ unknown }) => !values.has(unknown));
    if (open.length > 0 && (fewest === undefined || open.length < fewest.length)) fewest = open;
  }
  return fewest?.reduce((largest, term) => (term.count > largest.count ? term : largest)).unknown;
}
