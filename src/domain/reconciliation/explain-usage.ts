import type { VendorInvoice } from '../vendor-invoice.ts';
import { stateLines } from './candidates.ts';
import { byCause, type Cause, levelSubject } from './causes.ts';
import { apart, cellsOf, type ChargedAs, ownPriceOf, plainRow, withAllCells } from './charged-cells.ts';
import { readingOf } from './best-reading.ts';
import { billedBy, type Charged, chargedOf, type Reading, stretchOf } from './charged.ts';
import type { UnmatchedUsage } from './cube.ts';
import { aboutLines, explainBy, hasBooks, type Month } from './explain.ts';
import type { Candidate, Evidence, Explanation, Part, Step } from './explanation.ts';
import { hypothesesFor } from './hypotheses.ts';
import type { Books } from './lines.ts';
import { cellKey } from './pairing.ts';
import { cellText } from './reasons.ts';
import { singleParts } from './single-attempts.ts';
import { certainOf, membersOf } from './usage-parts.ts';
import { chargedBy, nothing, quantitiesOf, type Space, spaceOf } from './space.ts';

/** Causes that are looked for as hypotheses: all their attempts are charged otherwise, or nearly all. */
const ofMany: ReadonlySet<Cause> = new Set(['cutoff', 'rule', 'abandoned', 'late']);

/** Attempts, or rows of the statement, that differ for one cause, and what they do to the units of a cell. */
type Difference = {
  readonly part: Part;
  readonly among: readonly Candidate[];
  readonly evidence: Evidence;
  /** What it adds to the stretches of the month, in the cell of the evidence. */
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
  const chargedAs = cellsOf(month.cube, invoice);
  const cube = withAllCells(apart(month.cube), chargedAs);
  const possible = aboutLines(hypothesesFor(cube, contract), invoice);
  const space = spaceOf(cube, contract, []);
  if (!hasBooks(space, books)) return explainBy([], { ...month, cube }, invoice);
  const charged = chargedOf(
    cube,
    contract,
    possible.filter(({ cause }) => ofMany.has(cause)),
  );
  const reading = readingOf(charged);
  const differences = [
    ...ofStatement(charged, chargedAs),
    ...ofMoved(charged, reading),
    ...ofAttempts(charged, reading, chargedAs),
    ...ofLevels(charged, reading, chargedAs),
  ].sort((a, b) => byCause(a.part, b.part));
  const { steps, quantities } = applied(space, differences);
  const atOwnPrices = asCharged({ ...month, cube }, space, quantities);
  const money = possible.filter(({ change }) => change.of === 'money');
  const priced = explainBy(money, atOwnPrices, invoice, { areUnitsKnown: true });
  return {
    ...priced,
    outcome: priced.outcome === 'same' && steps.length > 0 ? 'reproduced' : priced.outcome,
    steps: [...steps, ...priced.steps],
    evidence: differences.map((one) => withPrice(space, one)),
  };
}

/** What a row of the statement is that charges no attempt of the books. */
function unmatchedPart({ kind, ...cell }: UnmatchedUsage): Part {
  switch (kind) {
    case 'unknown':
      return certainOf('usage_unknown', cellText(cell));
    case 'credit':
      return certainOf('credit', cellText(cell));
    case 'unknown_credit':
      // Apart from charges that nothing explains: what has different signs is never added up.
      return certainOf('unexplained', `${cellText(cell)}, taken back`);
    default:
      return kind satisfies never;
  }
}

/** What the statement charges or takes back beside the books' attempts, and what it charges more than once. */
function ofStatement({ cube, spans }: Charged, chargedAs: ChargedAs): Difference[] {
  const [own] = spans;
  const unmatched = (cube.unmatched ?? []).map((usage): Difference => {
    const { kind, taskType, level, slot, rows, units } = usage;
    const part = unmatchedPart(usage);
    const evidence = { part, taskType, level, of: { attempts: 'unmatched', kind, slot }, count: rows } as const;
    const stretch = own ? stretchOf(plainRow({ taskType, level }, slot, 0), own) : 0;
    return { part, among: [], evidence, changes: [{ stretch, units }] };
  });
  const twice = cube.rows.flatMap((row): Difference[] => {
    const { usage } = row;
    if (!usage || !own) return [];
    const { taskType, level } = chargedAs(row);
    const part = certainOf('billed_twice', cellText({ taskType, level }));
    const told = [
      { attempts: 'charged_again', count: usage.chargedAgain, units: usage.extra },
      { attempts: 'charged', count: usage.charged, units: usage.isElsewhere ? usage.charged : 0 },
    ] as const;
    return told
      .filter(({ units }) => units > 0)
      .map(({ attempts, count, units }) => ({
        part,
        among: [],
        evidence: { part, taskType, level, of: { attempts, row }, count },
        changes: [{ stretch: stretchOf(row, own), units }],
      }));
  });
  return [...unmatched, ...twice];
}

/** The attempts that are charged and the books do not bill, and the other way round. */
function ofAttempts(charged: Charged, reading: Reading, chargedAs: ChargedAs): Difference[] {
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
  const alone = singleParts(charged, reading, single, differing);
  return differing.flatMap(({ row, index, isBilled, count }): Difference[] => {
    const { taskType, level } = isBilled ? row : chargedAs(row);
    const member =
      last[index] === books[index] ? alone.get(index) : states.find(({ billed }) => billed[index] !== books[index]);
    const of = { attempts: isBilled ? 'not_charged' : 'charged', row } as const;
    const { part = unexplained, among = [] } = member ?? {};
    const evidence = { part, taskType, level, of, count };
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

/** Attempts that both sides bill, and not at the same level: a unit less on our line, a unit more on theirs. */
function ofLevels(charged: Charged, reading: Reading, chargedAs: ChargedAs): Difference[] {
  const [own] = charged.spans;
  if (!own) return [];
  const books = billedBy(charged, { span: own, decisions: [] });
  return charged.cube.rows.flatMap((row, index): Difference[] => {
    const count = charged.counts[index]?.charged ?? 0;
    const other = chargedAs(row);
    if (books[index] !== 1 || count === 0 || other.level === row.level) return [];
    const { taskType, level } = row;
    const part = certainOf('rule', levelSubject(level, other.level));
    const stretch = stretchOf(row, reading.span);
    const sides = [
      { taskType, level, units: -count },
      { ...other, units: count },
    ];
    return sides.map(({ units, ...cell }) => ({
      part,
      among: [],
      evidence: { part, ...cell, of: { attempts: 'other_level', row }, count },
      changes: [{ stretch, units }],
    }));
  });
}

const unexplained: Part = { cause: 'unexplained', subject: '', readings: [] };

/** Applies differences cause by cause, and says how the month then stands at the books' prices. */
function applied(space: Space, differences: readonly Difference[]): { steps: Step[]; quantities: number[][] } {
  const quantities = quantitiesOf(space, nothing, new Set());
  const places = new Map(space.tally.cells.map((cell, place) => [cellKey(cell), place]));
  const groups = Map.groupBy(differences, ({ part }) => `${part.cause} ${part.subject}`);
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
    const known = among.length === 0 ? 'proven' : 'ambiguous';
    const certainty = part.cause === 'unexplained' ? 'none' : known;
    return [{ part, certainty, among, lines: stateLines(space, lines), minimum }];
  });
  return { steps, quantities };
}

/** With what a unit costs by the books where it is, if it is in one place. */
function withPrice(space: Space, { evidence, changes: [change, another] }: Difference): Evidence {
  const unitPrice = change && !another ? ownPriceOf(space, evidence, change.stretch) : undefined;
  return unitPrice === undefined ? evidence : { ...evidence, unitPrice };
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
