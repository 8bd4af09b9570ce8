import type { Micros } from '../money.ts';
import type { VendorInvoice } from '../vendor-invoice.ts';
import type { Cube, CubeRow } from './cube.ts';
import { cellKey, vendorLines } from './pairing.ts';
import { chargedBy, type Space } from './space.ts';
import type { Cell } from './tally.ts';

/** The task type and level that the charged attempts of a row are charged as. */
export type ChargedAs = (row: CubeRow) => Cell;

/** A level that neither books nor invoice have of a task type is a word that nobody translated: it tells nothing. */
export function cellsOf(cube: Cube, { lines }: VendorInvoice): ChargedAs {
  const known = new Set([...cube.rows.map(cellKey), ...vendorLines(lines).map(cellKey)]);
  return ({ taskType, level, usage }) => {
    const other = { taskType, level: usage?.otherLevel ?? level };
    return known.has(cellKey(other)) ? other : { taskType, level };
  };
}

/** The cube with a row for every task type and level that the statement alone has. */
export function withAllCells(cube: Cube, chargedAs: ChargedAs): Cube {
  const known = new Set(cube.rows.map(cellKey));
  const stated = new Map(
    [...(cube.unmatched ?? []), ...cube.rows.map(chargedAs)].map((cell) => [cellKey(cell), cell] as const),
  );
  const others = [...stated.values()].filter((one) => !known.has(cellKey(one)));
  return { ...cube, rows: [...cube.rows, ...others.map((one) => plainRow(one, 0, 0))] };
}

/** The cube with attempts that are charged and attempts that are not in rows of their own. */
export const apart = (cube: Cube): Cube => ({
  ...cube,
  rows: cube.rows.flatMap((row) => {
    const { usage, count } = row;
    if (!usage || usage.charged === 0 || usage.charged === count) return [row];
    const notCharged = { ...usage, charged: 0, extra: 0, chargedAgain: 0 };
    return [
      { ...row, count: usage.charged },
      { ...row, count: count - usage.charged, usage: notCharged },
    ];
  }),
});

/** Attempts of which nothing but their task type and level is known. */
export const plainRow = (
  { taskType, level }: Pick<CubeRow, 'taskType' | 'level'>,
  slot: number,
  count: number,
): CubeRow => ({
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

/**
 * What a unit of a cell costs by the books in a stretch of the month; `null` = no price is known, `undefined` = that depends
 * on how many there are.
 */
export function ownPriceOf(space: Space, cell: Cell, stretch: number): Micros | null | undefined {
  const pricesOf = (units: number) => {
    const ofStretch = Array.from({ length: stretch + 1 }, (_, place) => (place === stretch ? units : 0));
    const quantities = space.tally.cells.map((one) => (cellKey(one) === cellKey(cell) ? ofStretch : []));
    return chargedBy(space, [], quantities).lines.map(({ unitPrice }) => unitPrice);
  };
  const [one, another] = [...new Set([...pricesOf(1), ...pricesOf(Number.MAX_SAFE_INTEGER)])];
  return another === undefined ? one : undefined;
}
