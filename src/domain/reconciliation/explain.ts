import type { VendorInvoice } from '../vendor-invoice.ts';
import { candidatesOf, stepsOf } from './candidates.ts';
import type { Contract, Cube } from './cube.ts';
import { inferredEvidence } from './evidence.ts';
import type { CellNote, Explanation } from './explanation.ts';
import { hypothesesFor } from './hypotheses.ts';
import { isCountedIn, rounds, type Round } from './rounds.ts';
import type { Books } from './lines.ts';
import { cellKey, type VendorLine, vendorLines } from './pairing.ts';
import { narrowed, type Priors, ruledOutBy } from './priors.ts';
import type { Hypothesis } from './readings.ts';
import { type Found, search } from './search.ts';
import { chargedBy, keysOf, nothing, quantitiesOf, type Space, spaceOf } from './space.ts';
import { isReproduced, targetOf } from './target.ts';

/** A month as the books have it, and what it takes to read it otherwise. */
export type Month = {
  readonly cube: Cube;
  readonly contract: Contract;
  readonly books: Books;
  readonly priors: Priors;
};

/**
 * Looks for the causes of all differences between the books and an invoice, with the invoice alone: for sets of
 * hypotheses under which the books would equal it, line by line.
 */
export function explain(month: Month, invoice: VendorInvoice): Explanation {
  const possible = hypothesesFor(month.cube, month.contract);
  const ruledOut = ruledOutBy(possible, month.cube);
  const kept = aboutLines(possible, invoice).filter(({ key }) => !ruledOut.includes(key));
  return { ...explainBy(kept, month, invoice), ruledOut };
}

/** Of a task type that the invoice leaves out altogether, no rule is said to be billed otherwise. */
export function aboutLines(hypotheses: readonly Hypothesis[], { lines }: VendorInvoice): Hypothesis[] {
  const types = new Set(vendorLines(lines).map(({ taskType }) => taskType));
  return hypotheses.filter(({ taskType }) => taskType === null || types.has(taskType));
}

/**
 * Looks for the causes among some hypotheses.
 *
 * @param options.areUnitsKnown whether only prices are in question: then what reproduces every amount is no coincidence.
 */
export function explainBy(
  hypotheses: readonly Hypothesis[],
  { cube, contract, books, priors }: Month,
  invoice: VendorInvoice,
  { areUnitsKnown = false } = {},
): Explanation {
  const lines = vendorLines(invoice.lines);
  const space = spaceOf(cube, contract, hypotheses);
  const blank: Explanation = {
    outcome: 'unexplained',
    candidates: [],
    steps: [],
    evidence: [],
    cells: notes(space, new Set(), new Map()),
    setsTried: 0,
    isBounded: false,
    held: [],
    ruledOut: [],
  };
  const minimum = invoice.lines.filter(({ kind }) => kind === 'minimum').reduce((sum, { amount }) => sum + amount, 0n);
  const target = targetOf(space.tally.cells, lines, minimum, books.minorDigits);
  if (!hasBooks(space, books)) return { ...blank, outcome: 'books_differ' };
  if (isReproduced(target, chargedBy(space, [], quantitiesOf(space, nothing, new Set())), new Set()))
    return { ...blank, outcome: 'same' };
  let tried = 0;
  for (const round of rounds(space, target, books, lines)) {
    const { leftOut, budget } = round;
    const found = search(round.space, { target, leftOut, budget, lists: [...contract.lists, ...contract.otherLists] });
    tried += found.tried;
    if (found.isBounded || found.sets.length > 0)
      return {
        ...blank,
        ...explained({ cube, space, priors, areUnitsKnown }, round, found),
        setsTried: tried,
        isBounded: found.isBounded,
      };
  }
  return { ...blank, setsTried: tried };
}

/** Whether the cube leads to the books' own lines. If not, no reading of it tells anything about them. */
export function hasBooks(space: Space, { lines, minimum, minorDigits }: Books): boolean {
  const known = new Set(space.tally.cells.map(cellKey));
  if (lines.some((line) => line.quantity !== 0n && !known.has(cellKey(line)))) return false;
  const own = lines.map((line): VendorLine => ({ ...line, line: '', amount: line.amount ?? 0n }));
  const target = targetOf(space.tally.cells, own, minimum, minorDigits);
  return isReproduced(target, chargedBy(space, [], quantitiesOf(space, nothing, new Set())), new Set());
}

type Question = {
  readonly cube: Cube;
  readonly space: Space;
  readonly priors: Priors;
  readonly areUnitsKnown: boolean;
};

function explained(
  { cube, space, priors, areUnitsKnown }: Question,
  { leftOut, printed }: Round,
  found: Found,
): Partial<Explanation> {
  if (found.sets.length === 0) return {};
  const sets = narrowed(space, found.sets, priors);
  const candidates = candidatesOf(space, sets);
  const [likeliest] = candidates;
  const held = priors.held.filter((key) => sets.every((set) => keysOf(space, set).some((keys) => keys.includes(key))));
  const among = candidates.map(({ parts }) => parts).filter((parts) => parts.length > 0);
  const steps = likeliest
    ? stepsOf(space, sets, likeliest, { leftOut, among, areUnitsKnown, mayBeCertain: !found.isBounded })
    : [];
  return {
    outcome: 'reproduced',
    candidates: among,
    steps: steps.map(({ step }) => step),
    evidence: inferredEvidence(cube, space, steps, leftOut),
    cells: notes(space, leftOut, printed),
    held,
  };
}

function notes(space: Space, leftOut: Round['leftOut'], printed: Round['printed']): CellNote[] {
  return space.tally.cells.map(({ taskType, level }, place) => ({
    taskType,
    level,
    accountedFor: leftOut.has(place) ? 'nothing' : printed.has(place) ? 'units' : 'all',
    isCounted: isCountedIn(space, place),
  }));
}
