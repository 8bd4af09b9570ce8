import type { ScanClass, System } from './observations.ts';
import type { Settled } from './settle.ts';
import { isForced, shortened } from './solve.ts';

/** What else than its code may decide whether a scan is charged. */
export const attributes = ['level', 'linked', 'captureSource'] as const;
type Attribute = (typeof attributes)[number];

/** Scans of a code that have these values. */
export type Scope = Partial<Pick<ScanClass, Attribute>>;

/** A transaction whose counter is part of a proof, and how many tasks say the same. */
export type Witness = { readonly transactionId: string; readonly tasks: number };

/**
 * - `proven`: there is no other way for the counters to be right.
 * - `inseparable`: they can be right either way.
 * - `contradictory`: counters contradict each other about it.
 * - `too_much_work`: the limit on work was reached before it was decided.
 */
type Ground = 'proven' | 'inseparable' | 'contradictory' | 'too_much_work';

/** What the counters say about a code, or about those of its scans that have certain values. */
export type CodeFinding = {
  readonly taskType: string;
  readonly code: string | null;
  /** Empty where all scans of the code are charged alike. */
  readonly scope: Scope;
  /** `null` = undetermined. */
  readonly charged: boolean | null;
  readonly ground: Ground;
  /** A set of tasks that proves it, of which none can be left out. */
  readonly proof: readonly Witness[];
  /** Values that nothing is proven about, of scans that are otherwise charged alike. */
  readonly unproven: readonly Scope[];
  /** Tasks with such scans, and the first of them. */
  readonly tasks: number;
  readonly firstAt: Date;
};

type Member = { readonly place: number; readonly scan: ScanClass };

/** What the counters say, code by code, and value by value where a code is charged differently. */
export function codeFindings(system: System, settled: Settled): CodeFinding[] {
  const members = system.classes.map((scan, place): Member => ({ place, scan })).sort(byCode);
  const codes = Map.groupBy(members, ({ scan }) => JSON.stringify([scan.taskType, scan.code]));
  return [...codes.values()].flatMap((ofCode) => findingsOf(ofCode, system, settled));
}

const byCode = ({ scan: a }: Member, { scan: b }: Member): number =>
  compareTexts(a.taskType, b.taskType) || compareTexts(a.code ?? '', b.code ?? '');
const compareTexts = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

function findingsOf(members: readonly Member[], system: System, settled: Settled): CodeFinding[] {
  const { forced } = settled.solution;
  const valueOf = ({ place }: Member) => forced.get(place)?.value;
  const isAlike = (group: readonly Member[]) => new Set(group.flatMap((one) => valueOf(one) ?? [])).size <= 1;
  // Classes that are told apart by all of them have one value each.
  const deciding = subsets.find((some) => grouped(members, some).every(isAlike)) ?? attributes;
  return grouped(members, deciding).map((group) => finding(group, deciding, system, settled));
}

/** From none to all: the fewest attributes that a charge may depend on come first. */
const subsets: readonly (readonly Attribute[])[] = [
  [],
  ['linked'],
  ['level'],
  ['captureSource'],
  ['level', 'linked'],
  ['linked', 'captureSource'],
  ['level', 'captureSource'],
  attributes,
];

function grouped(members: readonly Member[], by: readonly Attribute[]): Member[][] {
  const groups = Map.groupBy(members, ({ scan }) => JSON.stringify(by.map((attribute) => scan[attribute])));
  return [...groups].sort(([a], [b]) => compareTexts(a, b)).map(([, group]) => group);
}

function finding(group: readonly Member[], by: readonly Attribute[], system: System, settled: Settled): CodeFinding {
  const { solution, untrusted } = settled;
  const [first] = group;
  if (first === undefined) throw new Error('A group of scan classes is empty.');
  const proofs = group
    .flatMap(({ place }) => solution.forced.get(place) ?? [])
    .sort((a, b) => a.proof.size - b.proof.size);
  const proven = group.filter(({ place }) => solution.forced.has(place));
  const isContradictory = group.some(({ place }) => untrusted.has(place));
  const [shortest] = isContradictory ? [] : proofs;
  const best = proven.find(({ place }) => solution.forced.get(place) === shortest);
  const { taskType, code } = first.scan;
  return {
    taskType,
    code,
    scope: scopeOf(first.scan, by),
    charged: shortest?.value ?? null,
    ground: shortest
      ? 'proven'
      : isContradictory
        ? 'contradictory'
        : group.some(({ place }) => solution.undecided.has(place))
          ? 'too_much_work'
          : 'inseparable',
    proof: best && shortest ? proofOf(best.place, shortest.value, system, settled) : [],
    unproven: shortest ? unprovenIn(group, proven) : [],
    ...observedOf(group, system),
  };
}

const scopeOf = (scan: ScanClass, by: readonly Attribute[]): Scope =>
  Object.fromEntries(by.map((attribute) => [attribute, scan[attribute]]));

/**
 * Values, and values of several attributes together, that occur in the group and none of whose classes is proven. Only
 * the ones that name the fewest attributes are listed.
 */
function unprovenIn(group: readonly Member[], proven: readonly Member[]): Scope[] {
  const listed: Scope[] = [];
  const isIn = ({ scan }: Member, scope: Scope) =>
    attributes.every((one) => !(one in scope) || scope[one] === scan[one]);
  // What the whole group has in common is proven of some of it.
  for (const some of subsets)
    for (const member of group) {
      if (listed.some((scope) => isIn(member, scope))) continue;
      const scope = scopeOf(member.scan, some);
      if (!proven.some((other) => isIn(other, scope))) listed.push(scope);
    }
  return listed;
}

function proofOf(unknown: number, value: boolean, { observations }: System, settled: Settled): Witness[] {
  const { active, solution } = settled;
  const places = [...active.keys()];
  const proof = new Set([...(solution.forced.get(unknown)?.proof ?? [])].flatMap((index) => places[index] ?? []));
  const tasksAt = (place: number) => observations[place]?.tasks ?? 0;
  return shortened(
    proof,
    (a, b) => tasksAt(a) - tasksAt(b),
    (rest) =>
      isForced(
        rest.flatMap((place) => active.get(place) ?? []),
        unknown,
        value,
      ),
  )
    .flatMap((place) => observations[place] ?? [])
    .map(({ transactionId, tasks }) => ({ transactionId, tasks }));
}

function observedOf(
  group: readonly Member[],
  { observations, constraints }: System,
): {
  readonly tasks: number;
  readonly firstAt: Date;
} {
  const wanted = new Set(group.map(({ place }) => place));
  const having = observations.filter((_, at) => constraints[at]?.terms.some(({ unknown }) => wanted.has(unknown)));
  return {
    tasks: having.reduce((sum, { tasks }) => sum + tasks, 0),
    firstAt: new Date(having.reduce((first, { firstAt }) => Math.min(first, firstAt.getTime()), Infinity)),
  };
}

/** Whether a scan is one of those that a finding is about. */
export const isAbout = ({ taskType, code, scope }: CodeFinding, scan: ScanClass): boolean =>
  scan.taskType === taskType &&
  scan.code === code &&
  attributes.every((attribute) => !(attribute in scope) || scope[attribute] === scan[attribute]);
