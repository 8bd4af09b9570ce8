import type { Micros } from '../money.ts';
import { isCounted, priceAt } from '../prices.ts';
import type { Books } from './lines.ts';
import { cellKey, type VendorLine } from './pairing.ts';
import { mostCost } from './search.ts';
import { type Space, withPrinted } from './space.ts';
import type { Target } from './target.ts';

/** What is taken as the invoice has it before anything is looked for: each such thing uses up what a set may cost. */
export type Round = {
  readonly space: Space;
  /** Places of cells that the invoice has no lines of. */
  readonly leftOut: ReadonlySet<number>;
  /** Prices that the books do not know, by the places of their cells. */
  readonly printed: ReadonlyMap<number, Micros>;
  readonly budget: number;
};

/**
 * The rounds of a search, until one finds something. First only task types that are missing altogether are taken as
 * missing; then also single lines; then also prices that no unit count can lead to.
 */
export function rounds(space: Space, target: Target, books: Books, lines: readonly VendorLine[]): Round[] {
  const { cells } = space.tally;
  const inBooks = new Set(books.lines.filter(({ quantity }) => quantity !== 0n).map(cellKey));
  const isPrinted = (place: number) => (target.cells[place]?.lines.length ?? 0) > 0;
  // A line of a level that the books do not have is one of its task type all the same.
  const printedTypes = new Set(lines.map(({ taskType }) => taskType));
  const missing = [...cells.keys()].filter((place) => !isPrinted(place) && inBooks.has(keyAt(space, place)));
  const ofTypes = missing.filter((place) => !printedTypes.has(cells[place]?.taskType ?? ''));
  const types = new Set(ofTypes.map((place) => cells[place]?.taskType)).size;
  const singles = missing.length - ofTypes.length;
  const prices = otherPrices(space, target, books);
  const budget = (given: number) => Math.max(1, mostCost - given);
  const none: Round['printed'] = new Map();
  const all: Round[] = [{ space, leftOut: new Set(ofTypes), printed: none, budget: budget(types) }];
  if (singles > 0) all.push({ space, leftOut: new Set(missing), printed: none, budget: budget(types + singles) });
  if (prices.size > 0)
    all.push({
      space: withPrinted(space, prices),
      leftOut: new Set(missing),
      printed: prices,
      budget: budget(types + singles + prices.size),
    });
  return all;
}

const keyAt = ({ tally }: Space, place: number): string =>
  cellKey(tally.cells[place] ?? { taskType: null, level: null });

/** Flat prices of the invoice that the books do not have. */
function otherPrices(space: Space, target: Target, books: Books): Map<number, Micros> {
  const prices = new Map<number, Micros>();
  for (const [place, { lines, isSummed }] of target.cells.entries()) {
    const own = books.lines.filter((line) => cellKey(line) === keyAt(space, place));
    const [only] = lines;
    if (lines.length !== 1 || !only || only.unitPrice === null || isSummed || isCountedIn(space, place)) continue;
    if (own.every(({ unitPrice }) => unitPrice !== only.unitPrice)) prices.set(place, only.unitPrice);
  }
  return prices;
}

/** Whether what a unit of a cell costs in the books depends on how many there are. */
export function isCountedIn({ tally, month, ownReading }: Space, place: number): boolean {
  const cell = tally.cells[place];
  if (!cell) return false;
  return month.days.some((day) => {
    for (const list of ownReading.lists) {
      const price = priceAt(list, cell.taskType, cell.level, new Date(`${day}T00:00:00Z`), 'UTC');
      if (price) return isCounted(price);
    }
    return false;
  });
}
