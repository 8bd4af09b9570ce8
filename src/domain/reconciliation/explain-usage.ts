import type { VendorInvoice } from '../vendor-invoice.ts';
import { partOf, stateLines } from './candidates.ts';
import { byCause, type Cause } from './causes.ts';
import {
  alsoRight,
  billedBy,
  type Charged,
  chargedOf,
  insteadOf,
  type Reading,
  readingOf,
  stretchOf,
} from './charged.ts';
import type { Cube, CubeRow } from './cube.ts';
import { isWithin } from './cutoffs.ts';
import { aboutLines, explainBy, hasBooks, type Month } from './explain.ts';
import type { Candidate, Evidence, Explanation, Part, Step } from './explanation.ts';
import { hypothesesFor } from './hypotheses.ts';
import type { Books } from './lines.ts';
import { cellKey } from './pairing.ts';
import { cellText } from './reasons.ts';
import type { Hypothesis } from './readings.ts';
import { chargedBy, nothing, quantitiesOf, type Space, spaceOf } from './space.ts';

/** Causes that are looked for as hypotheses: all their attempts are charged otherwise, or nearly all. */
const ofMany: ReadonlySet<Cause> = new Set(['cutoff', 'rule', 'abandoned', 'late']);

/** Attempts, or rows of the statement, that differ for one cause, and what they do to the units of a cell. */
type Difference = {
  readonly part: Part;
  readonly among: readonly Candidate[];
  readonly evidence: Evidence;
  /** What it adds to the stretches of the month. */
  readonly changes: readonly { readonly stretch: number; readonly units: number }[];
};

/**
 * Says why the vendor's usage statement charges otherwise than the books, attempt by attempt; then looks for the causes
 * of what the invoice has otherwise than the statement at the books' prices.
 *
 * @param month its cube has what the statement charges.
 */
export function explainByUsage(month: Month, invoice: VendorInvoice): Explanation {
  const { contract, books } = month;
  const cube = withAllCells(month.cube);
  const possible = aboutLines(hypothesesFor(cube, contract), invoice);
  const space = spaceOf(cube, contract, []);
  if (!hasBooks(space, books)) return explainBy([], { ...month, cube }, invoice);
  const charged = chargedOf(
    cube,
    contract,
    possible.filter(({ cause }) => ofMany.has(cause)),
  );
  const reading = readingOf(charged);
  const differences = [...ofStatement(charged), ...ofMoved(charged, reading), ...ofAttempts(charged, reading)].sort(
    (a, b) => byCause(a.part, b.part),
  );
  const { steps, quantities } = applied(space, differences);
  const atOwnPrices = asCharged({ ...month, cube }, space, quantities);
  const money = possible.filter(({ change }) => change.of === 'money');
  const priced = explainBy(money, atOwnPrices, invoice, { areUnitsKnown: true });
  return {
    ...priced,
    outcome: priced.outcome === 'same' && steps.length > 0 ? 'reproduced' : priced.outcome,
    steps: [...steps, ...priced.steps],
    evidence: differences.map(({ evidence }) => evidence),
  };
}

/** The cube with a row for every task type and level that the statement alone has. */
function withAllCells(cube: Cube): Cube {
  const known = new Set(cube.rows.map(cellKey));
  const others = (cube.unmatched ?? []).filter((one) => !known.has(cellKey(one)));
  return { ...cube, rows: [...cube.rows, ...others.map((one) => plainRow(one, 0, 0))] };
}

const plainRow = ({ taskType, level }: Pick<CubeRow, 'taskType' | 'level'>, slot: number, count: number): CubeRow => ({
  taskType,
  level,
  code: null,
  invoiced: true,
  counter: 'absent',
  linked: false,
  failed: false,
  abandoned: false,
  late: 'no',
  slots: { attempt: slot, created: slot, completed: slot },
  count,
});

const certainOf = (cause: Cause, subject: string): Part => ({ cause, subject, readings: [] });

/** What the statement charges that the books do not have, and what it charges more than once. */
function ofStatement({ cube, spans }: Charged): Difference[] {
  const [own] = spans;
  const unknown = (cube.unmatched ?? []).map(({ taskType, level, slot, rows, units }): Difference => {
    const part = certainOf('usage_unknown', cellText({ taskType, level }));
    const evidence = { part, taskType, level, of: { attempts: 'unmatched', slot }, count: rows } as const;
    const stretch = own ? stretchOf(plainRow({ taskType, level }, slot, 0), own) : 0;
    return { part, among: [], evidence, changes: [{ stretch, units }] };
  });
  const twice = cube.rows.flatMap((row): Difference[] => {
    const { taskType, level, usage } = row;
    if (!usage || usage.extra === 0 || !own) return [];
    const part = certainOf('billed_twice', cellText(row));
    const of = { attempts: 'charged_again', row } as const;
    const evidence = { part, taskType, level, of, count: usage.chargedAgain };
    return [{ part, among: [], evidence, changes: [{ stretch: stretchOf(row, own), units: usage.extra }] }];
  });
  return [...unknown, ...twice];
}

/** A hypothesis of a reading, `null` = its span; with the part that it is, and all that it may be instead. */
type Member = { readonly part: Part; readonly among: readonly Candidate[]; readonly reading: Reading };

/** The attempts that are charged and the books do not bill, and the other way round. */
function ofAttempts(charged: Charged, reading: Reading): Difference[] {
  const { cube, spans, counts } = charged;
  const [own] = spans;
  if (!own) return [];
  const books = billedBy(charged, { span: own, decisions: [] });
  const states = membersOf(charged, reading).map((member) => ({
    ...member,
    billed: billedBy(charged, member.reading),
  }));
  const last = states.at(-1)?.billed ?? books;
  const differing = cube.rows.flatMap((row, index) => {
    const { all, charged: some } = counts[index] ?? { all: 0, charged: 0 };
    const isBilled = books[index] === 1;
    const count = isBilled ? all - some : some;
    return count === 0 ? [] : [{ row, index, isBilled, count }];
  });
  const single = differing.filter(({ index }) => last[index] === books[index]);
  const alone = singleParts(charged, reading, single);
  return differing.flatMap(({ row, index, isBilled, count }): Difference[] => {
    const { taskType, level } = row;
    const member =
      last[index] === books[index] ? alone.get(index) : states.find(({ billed }) => billed[index] !== books[index]);
    const of = { attempts: isBilled ? 'not_charged' : 'charged', row } as const;
    const evidence = { part: member?.part, taskType, level, of, count };
    const { part = unexplained, among = [] } = member ?? {};
    const change = isBilled
      ? { stretch: stretchOf(row, own), units: -count }
      : { stretch: stretchOf(row, reading.span), units: count };
    return [{ part, among, evidence, changes: [change] }];
  });
}

/** Attempts that both sides bill in the month, and not at the same time of it: another price may be in force then. */
function ofMoved(charged: Charged, reading: Reading): Difference[] {
  const [own] = charged.spans;
  const cutOff = membersOf(charged, reading).find(({ part }) => part.cause === 'cutoff');
  if (!own || !cutOff) return [];
  const books = billedBy(charged, { span: own, decisions: [] });
  return charged.cube.rows.flatMap((row, index): Difference[] => {
    const { part, among } = cutOff;
    const { taskType, level } = row;
    const [from, to, count] = [stretchOf(row, own), stretchOf(row, reading.span), charged.counts[index]?.charged ?? 0];
    if (books[index] !== 1 || from === to || count === 0) return [];
    const evidence = { part, taskType, level, of: { attempts: 'charged', row }, count } as const;
    return [
      {
        part,
        among,
        evidence,
        changes: [
          { stretch: from, units: -count },
          { stretch: to, units: count },
        ],
      },
    ];
  });
}

const unexplained: Part = { cause: 'unexplained', subject: '', readings: [] };

/** The hypotheses of a reading in the order in which they are applied, each with those before it. */
function membersOf(charged: Charged, reading: Reading): Member[] {
  const [own] = charged.spans;
  const members = [...(reading.span === own ? [] : [null]), ...reading.decisions].map((member) => {
    const instead = insteadOf(charged, reading, member);
    const readings = member === null ? reading.span.reading : [member];
    const billed = billedBy(charged, reading).join();
    const named = instead.map((one) => ({ one, hypotheses: addedBy(one, reading, member) }));
    const isSame = ({ one, hypotheses }: (typeof named)[number]): boolean =>
      hypotheses[0]?.cause === readings[0]?.cause && (member === null || billedBy(charged, one).join() === billed);
    const same = named.filter(isSame).map(({ hypotheses }) => hypotheses);
    const others = named.filter((one) => !isSame(one)).map(({ hypotheses }) => hypotheses);
    const part = partOf([readings, ...same.filter((one) => one !== readings)]);
    return { member, part, among: others.length === 0 ? [] : [[part], ...others.map((one) => [partOf([one])])] };
  });
  const inOrder = members.sort((a, b) => byCause(a.part, b.part));
  return inOrder.map(({ part, among }, index) => {
    const applied = inOrder.slice(0, index + 1).map(({ member }) => member);
    const span = applied.includes(null) ? reading.span : (own ?? reading.span);
    return { part, among, reading: { span, decisions: applied.filter((one) => one !== null) } };
  });
}

/** What a reading has in place of a hypothesis of another one. */
function addedBy(one: Reading, reading: Reading, member: Hypothesis | null): readonly Hypothesis[] {
  const added = one.decisions.filter((decision) => !reading.decisions.includes(decision));
  if (added.length > 0) return added;
  return one.span === reading.span && member !== null ? [] : one.span.reading;
}

type Single = { readonly row: CubeRow; readonly index: number; readonly isBilled: boolean };

/**
 * Says of each row why single attempts of it differ. Few of them may all be what some hypothesis is about: too few to
 * tell.
 *
 * @returns by the places of rows; what is not among them is unexplained.
 */
function singleParts(
  charged: Charged,
  reading: Reading,
  rows: readonly Single[],
): Map<number, Omit<Member, 'reading'>> {
  const { cube, spans } = charged;
  const [own] = spans;
  const chargedCells = new Set(cube.rows.flatMap((row) => (row.usage?.charged ? [cellKey(row)] : [])));
  const plain = rows.map((one) => ({
    ...one,
    part: chargedCells.has(cellKey(one.row))
      ? own && plainPart(one, isWithin(one.row, own), cube.basis)
      : certainOf('usage_not_billed', cellText(one.row)),
  }));
  const doubted = (isBilled: boolean) =>
    plain.filter((one) => one.isBilled === isBilled && (!one.part || one.part.cause === 'usage_not_billed'));
  const parts = new Map<number, Omit<Member, 'reading'>>(
    plain.flatMap(({ index, part }) => (part ? [[index, { part, among: [] }] as const] : [])),
  );
  for (const some of [doubted(true), doubted(false)]) {
    const others =
      some.length === 0
        ? []
        : alsoRight(
            charged,
            reading,
            some.map(({ index }) => index),
          );
    const named = others.map((one): Candidate => [partOf([addedBy(one, reading, null)])]);
    for (const { index, part } of named.length === 0 ? [] : some) {
      const first = part ?? named[0]?.[0];
      if (first) parts.set(index, { part: first, among: part ? [[part], ...named] : named });
    }
  }
  return parts;
}

/** Why single attempts differ, as far as each tells by itself. */
function plainPart({ row, isBilled }: Single, isInMonth: boolean, basis: Cube['basis']): Part | undefined {
  const { late, counter, invoiced, taskType, code } = row;
  const isInBooks = late === 'no' || (late === 'came') === (basis === 'restated');
  if (!isInBooks) return certainOf('late', 'since the close');
  if (isBilled)
    return counter === 'not_charged'
      ? certainOf('counter', 'attemptsInvoiced')
      : certainOf('usage_not_billed', cellText(row));
  if (invoiced === null) return certainOf('unclassified', `${taskType}/${code ?? 'success'}`);
  if (!isInMonth && invoiced) return certainOf('cutoff', 'of another month');
  return counter === 'charged' ? certainOf('counter', 'attemptsInvoiced') : undefined;
}

/** Applies differences cause by cause, and says how the month then stands at the books' prices. */
function applied(space: Space, differences: readonly Difference[]): { steps: Step[]; quantities: number[][] } {
  const quantities = quantitiesOf(space, nothing, new Set());
  const places = new Map(space.tally.cells.map((cell, place) => [cellKey(cell), place]));
  const explained = differences.filter(({ part }) => part !== unexplained);
  const groups = Map.groupBy(explained, ({ part }) => `${part.cause} ${part.subject}`);
  const add = ({ evidence, changes }: Difference): void => {
    const cell = quantities[places.get(cellKey(evidence)) ?? -1];
    for (const { stretch, units } of cell ? changes : []) if (cell) cell[stretch] = (cell[stretch] ?? 0) + units;
  };
  const steps = [...groups.values()].flatMap((same): Step[] => {
    for (const difference of same) add(difference);
    const [first] = same;
    if (!first) return [];
    const { lines, minimum } = chargedBy(space, [], quantities);
    const { part, among } = first;
    return [
      { part, certainty: among.length === 0 ? 'proven' : 'ambiguous', among, lines: stateLines(space, lines), minimum },
    ];
  });
  for (const difference of differences) if (difference.part === unexplained) add(difference);
  return { steps, quantities };
}

/** The month as the statement charges it, at the books' prices. */
function asCharged(
  { cube, contract, books, priors }: Month,
  space: Space,
  quantities: readonly (readonly number[])[],
): Month {
  const { lines, minimum } = chargedBy(space, [], quantities);
  const edges = space.cutOffs[0]?.span.edges ?? [];
  const rows = space.tally.cells.flatMap((cell, place) =>
    (quantities[place] ?? []).flatMap((count, stretch) =>
      count === 0 ? [] : [plainRow(cell, (edges[stretch] ?? 0) + 1, count)],
    ),
  );
  const usage: Books['lines'] = lines.flatMap(({ cells, unitPrice, quantity, amount }) => {
    const cell = space.tally.cells[cells[0] ?? 0];
    return cell ? [{ ...cell, unitPrice, quantity, amount: unitPrice === null ? null : amount }] : [];
  });
  return { cube: { ...cube, rows }, contract, books: { ...books, lines: usage, minimum }, priors };
}
