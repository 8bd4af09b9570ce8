import { byCause, type Cause } from './causes.ts';
import type { ChargedLine } from './charges.ts';
import { certainMembers, type Member, membersOf } from './coincidence.ts';
import type { Candidate, Part, StateLine, Step } from './explanation.ts';
import type { Hypothesis } from './readings.ts';
import { chargedBy, costOf, type HypothesisSet, nothing, quantitiesOf, type Space } from './space.ts';

/** A part, and what of a set it stands for. */
type NamedMember = { readonly part: Part; readonly member: Member };

/** How far-fetched causes are, to put the likeliest first among those that cost the same. */
const farFetched: Partial<Readonly<Record<Cause, number>>> = { cutoff: 2, rule: 1, counter: 1, abandoned: 1, tier: 1 };

/** Offsets of most accounts, and the times that are a natural choice. */
const usual = ['UTC', 'created', 'completed', 'UTC+01:00', 'UTC+02:00', 'UTC+01:00/+02:00', 'UTC+02:00/+01:00'];

/** An explanation, and the cheapest of the sets that it stands for. */
export type Likely = { readonly parts: Candidate; readonly set: HypothesisSet };

/**
 * All explanations, likeliest first. Those that differ in the way to cut off alone are one, and so are those that differ
 * in hypotheses of the same cause on prices: since both lead to the invoice, they do the same.
 */
export function candidatesOf(space: Space, sets: readonly HypothesisSet[]): Likely[] {
  const groups = Map.groupBy(sets, (set) =>
    JSON.stringify([set.cutOff !== 0, set.decisions, pricesCauses(space, set)]),
  );
  return [...groups.values()]
    .flatMap((same) => {
      const [set] = same;
      if (!set) return [];
      const each = same.map((one) => namedMembers(space, one).map(({ part }) => part));
      const parts = (each[0] ?? []).map((part, place) =>
        joined(
          each.flatMap((one) => one[place] ?? []),
          part,
        ),
      );
      return [{ parts, set, cost: costOf(space, set), doubt: parts.reduce((sum, part) => sum + doubtOf(part), 0) }];
    })
    .sort((a, b) => a.cost - b.cost || a.doubt - b.doubt);
}

const pricesCauses = (space: Space, { money }: HypothesisSet): (Cause | undefined)[] =>
  money.map((member) => space.money[member]?.cause);

/** One of each of the sets that differ in hypotheses of the same cause on prices. */
function withoutAlike(space: Space, sets: readonly HypothesisSet[]): HypothesisSet[] {
  const groups = Map.groupBy(sets, (set) => JSON.stringify([set.cutOff, set.decisions, pricesCauses(space, set)]));
  return [...groups.values()].flatMap(([first]) => (first ? [first] : []));
}

function doubtOf({ cause, subject }: Part): number {
  if (cause === 'cutoff' && usual.some((one) => subject.split(' or ').includes(one))) return 0;
  return farFetched[cause] ?? 0;
}

/** The parts of a set in the order in which they are applied. */
function namedMembers(space: Space, set: HypothesisSet): NamedMember[] {
  return membersOf(set)
    .map((member): NamedMember => ({ member, part: partOf(readingsOf(space, set, member)) }))
    .sort((a, b) => byCause(a.part, b.part));
}

function readingsOf(space: Space, { cutOff }: HypothesisSet, member: Member): readonly (readonly Hypothesis[])[] {
  const [kind, place] = member.split(' ');
  if (kind === 'cutOff') return space.cutOffs[cutOff]?.readings ?? [];
  if (kind === 'money') return [space.money[Number(place)]].flatMap((one) => (one ? [[one]] : []));
  return (space.decisions.hypotheses[Number(place)] ?? []).map((one) => [one]);
}

export function partOf(readings: readonly (readonly Hypothesis[])[]): Part {
  const subjects = readings.map((reading) => reading.map(({ subject }) => subject).join(' by '));
  const known = subjects.filter((subject) => usual.includes(subject));
  return {
    cause: readings[0]?.[0]?.cause ?? 'unexplained',
    subject: [...new Set([...known, ...subjects])].join(' or '),
    readings: readings.map((reading) => reading.map(({ key }) => key)),
  };
}

function joined(parts: readonly Part[], { cause }: Part): Part {
  const subjects = new Set(parts.flatMap(({ subject }) => subject.split(' or ')));
  const readings = new Map(parts.flatMap((part) => part.readings).map((keys) => [keys.join(), keys]));
  return { cause, subject: [...subjects].join(' or '), readings: [...readings.values()] };
}

/** A step, and the set that it and those before it are. */
export type AppliedStep = { readonly step: Step; readonly applied: HypothesisSet };

type Steps = {
  readonly leftOut: ReadonlySet<number>;
  /** All explanations. */
  readonly among: readonly Candidate[];
  /** Whether everything was looked through. */
  readonly mayBeCertain: boolean;
  /** Whether only prices are in question. */
  readonly areUnitsKnown: boolean;
};

/** Applies the parts of the likeliest explanation one after another, and says how sure each of them is. */
export function stepsOf(
  space: Space,
  sets: readonly HypothesisSet[],
  { parts, set }: Likely,
  { leftOut, among, mayBeCertain, areUnitsKnown }: Steps,
): AppliedStep[] {
  const certain = mayBeCertain
    ? certainIn(space, withoutAlike(space, sets), leftOut, areUnitsKnown)
    : new Set<Member>();
  const members = namedMembers(space, set);
  return members.map(({ member }, index): AppliedStep => {
    const applied = only(
      set,
      members.slice(0, index + 1).map((one) => one.member),
    );
    const { lines, minimum } = chargedBy(space, applied.money, quantitiesOf(space, applied, leftOut));
    const step: Step = {
      part: parts[index] ?? partOf([]),
      certainty: certain.has(member) ? 'fits' : 'ambiguous',
      among,
      minimum,
      lines: stateLines(space, lines),
    };
    return { step, applied };
  });
}

/** What is billed, by task type, level and price. */
export const stateLines = ({ tally }: Space, lines: readonly ChargedLine[]): StateLine[] =>
  lines.flatMap(({ cells, unitPrice, quantity }): StateLine[] => {
    const [cell] = cells.map((place) => tally.cells[place]);
    return cell ? [{ ...cell, unitPrice, quantity }] : [];
  });

/** What every set has, and what in every smallest one is no chance. */
function certainIn(
  space: Space,
  sets: readonly HypothesisSet[],
  leftOut: ReadonlySet<number>,
  areUnitsKnown: boolean,
): Set<Member> {
  const [cheapest = nothing] = sets;
  const shared = membersOf(cheapest).filter((member) => sets.every((set) => membersOf(set).includes(member)));
  if (shared.length === 0 || areUnitsKnown) return new Set(shared);
  const smallest = sets.filter((set) => costOf(space, set) === costOf(space, cheapest));
  const certain = smallest.map((set) => certainMembers(space, set, leftOut));
  return new Set(shared.filter((member) => certain.every((members) => members.has(member))));
}

const only = ({ cutOff, decisions, money }: HypothesisSet, members: readonly Member[]): HypothesisSet => ({
  cutOff: members.includes('cutOff') ? cutOff : 0,
  decisions: decisions.filter((one) => members.includes(`decision ${one}`)),
  money: money.filter((one) => members.includes(`money ${one}`)),
});
