import { type Micros, roundToMinorUnit } from '../money.ts';
import type { PriceList } from '../prices.ts';
import type { Charged, ChargedLine } from './charges.ts';
import { cellKey, type VendorLine } from './pairing.ts';
import type { Cell } from './tally.ts';

type Amounts = { readonly quantity: bigint; readonly amount: Micros };

/** What the invoice says of a cell, and how far its lines are to be taken at their word. */
type CellTarget = {
  readonly lines: readonly (Amounts & { readonly unitPrice: Micros | null })[];
  readonly quantity: bigint;
  /** Some line is no quantity times a price: one line may stand for several prices, and only sums are compared. */
  readonly isSummed: boolean;
  /** Free units are printed, too. */
  readonly hasFree: boolean;
};

/** What hypotheses are to reproduce. */
export type Target = { readonly cells: readonly CellTarget[]; readonly minimum: Micros };

/** @param minorDigits of the invoice's currency. */
export function targetOf(
  cells: readonly Cell[],
  lines: readonly VendorLine[],
  minimum: Micros,
  minorDigits: number,
): Target {
  const byCell = Map.groupBy(lines, cellKey);
  return {
    minimum,
    cells: cells.map((cell) => {
      const own = byCell.get(cellKey(cell)) ?? [];
      const isSummed = own.some((line) => !isProduct(line, minorDigits));
      return {
        lines: own,
        quantity: own.reduce((sum, { quantity }) => sum + quantity, 0n),
        isSummed,
        hasFree: isSummed || own.some(({ unitPrice }) => unitPrice === 0n),
      };
    }),
  };
}

function isProduct({ unitPrice, quantity, amount }: VendorLine, minorDigits: number): boolean {
  if (unitPrice === null) return false;
  const byLine = roundToMinorUnit(quantity * unitPrice, minorDigits);
  return amount === byLine || amount === quantity * roundToMinorUnit(unitPrice, minorDigits);
}

/** Whether a reading of the month is the invoice: every quantity and amount, line by line. */
export function isReproduced(target: Target, charged: Charged, leftOut: ReadonlySet<number>): boolean {
  if (charged.minimum !== target.minimum) return false;
  const groups = cellGroups(charged.lines, target.cells.length);
  return groups.every((cells) => {
    if (cells.every((cell) => leftOut.has(cell))) return true;
    const lines = charged.lines.filter((line) => line.cells.some((cell) => cells.includes(cell)));
    return isGroupReproduced(
      cells.flatMap((cell) => target.cells[cell] ?? []),
      lines,
    );
  });
}

/** Cells one by one, but for those that share a line. */
function cellGroups(lines: readonly ChargedLine[], cells: number): number[][] {
  const groups = Array.from({ length: cells }, (_, cell) => [cell]);
  for (const { cells: shared } of lines) {
    const [first = 0, ...others] = shared;
    const joined = groups[first] ?? [];
    for (const cell of others) {
      const other = groups[cell] ?? [];
      if (other === joined) continue;
      joined.push(...other);
      for (const moved of other) groups[moved] = joined;
    }
  }
  return [...new Set(groups)];
}

function isGroupReproduced(targets: readonly CellTarget[], charged: readonly ChargedLine[]): boolean {
  const hasFree = targets.some((one) => one.hasFree);
  const lines = charged.filter(({ unitPrice }) => hasFree || unitPrice !== 0n);
  const printed = targets.flatMap((one) => one.lines);
  const isPriced = lines.every(({ unitPrice }) => unitPrice !== null);
  if (!isPriced) return sumOf(lines).quantity === sumOf(printed).quantity;
  if (targets.some(({ isSummed }) => isSummed)) return isSame(sumOf(lines), sumOf(printed));
  // Which cell a unit of a shared tier belongs to is not known: such lines are compared by price.
  const wanted = inOrder(targets.length > 1 ? byPrice(printed) : printed);
  const given = inOrder(targets.length > 1 ? byPrice(lines) : lines);
  return (
    wanted.length === given.length &&
    wanted.every((one, index) => isSame(one, given[index] ?? { quantity: 0n, amount: 0n }))
  );
}

const isSame = (a: Amounts, b: Amounts): boolean => a.quantity === b.quantity && a.amount === b.amount;

const sumOf = (lines: readonly Amounts[]): Amounts =>
  lines.reduce<Amounts>(
    (sum, { quantity, amount }) => ({ quantity: sum.quantity + quantity, amount: sum.amount + amount }),
    {
      quantity: 0n,
      amount: 0n,
    },
  );

/** Lines of one price together. Each was rounded by itself, so that only their quantities count. */
function byPrice(lines: readonly (Amounts & { readonly unitPrice: Micros | null })[]): Amounts[] {
  return [...Map.groupBy(lines, ({ unitPrice }) => unitPrice).values()].map((same) => ({ ...sumOf(same), amount: 0n }));
}

const inOrder = (lines: readonly Amounts[]): Amounts[] =>
  [...lines].sort((a, b) => Number(a.quantity - b.quantity) || Number(a.amount - b.amount));

/** How many free units a cell's lines may leave unprinted under any reading of the price lists. */
export type Unprinted = { readonly counts: ReadonlySet<number>; readonly most: number; readonly isAny: boolean };

/** @param cells the cells of the month: those that may share an allowance are asked about together. */
export function unprintedOf(cell: Cell, cells: readonly Cell[], lists: readonly PriceList[]): Unprinted {
  const prices = lists
    .flatMap((list) => list.prices)
    .filter(({ taskType, level }) => taskType === cell.taskType && (level === null || level === cell.level));
  const counts = prices.flatMap(({ freeAllowance }) => [Number(freeAllowance), 2 * Number(freeAllowance)]);
  const most = Math.max(0, ...counts);
  const isShared = cells.filter(({ taskType }) => taskType === cell.taskType).length > 1;
  const isZero = prices.some((price) =>
    price.model === 'flat' ? price.unitPrice === 0n : price.tiers.some((tier) => tier.unitPrice === 0n),
  );
  const isAny =
    isZero || (isShared && most > 0 && prices.some(({ level, freeAllowance }) => level === null && freeAllowance > 0n));
  return { counts: new Set([0, ...counts]), most, isAny };
}

/** Whether a quantity can be the printed one at all, whatever the prices: the quick test before the exact one. */
export function mayBe(
  quantity: number,
  printed: number,
  hasFree: boolean,
  { counts, most, isAny }: Unprinted,
): boolean {
  if (quantity === printed) return true;
  if (hasFree || quantity < printed) return false;
  return isAny || counts.has(quantity - printed) || (printed === 0 && quantity <= most);
}
