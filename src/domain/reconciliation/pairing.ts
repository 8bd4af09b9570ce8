import type { InvoiceLine } from '../vendor-invoice.ts';
import type { UsageLine } from './lines.ts';

/** A line of the invoice, or several of one task type, level and price as one. */
export type VendorLine = Omit<UsageLine, 'amount'> & {
  /** As the invoice numbers it; several are joined by `+`. */
  readonly line: string;
  readonly amount: bigint;
};

/** What both sides say of a task type and level at a price. One of them may have no such line. */
export type LinePair = { readonly own?: UsageLine | undefined; readonly vendor?: VendorLine | undefined };

/** Names a task type and level. */
export const cellKey = ({ taskType, level }: { taskType: string | null; level: string | null }): string =>
  JSON.stringify([taskType, level]);

/** Usage that an invoice takes back: a line of its own, which is netted with no other. */
export const isTakenBack = ({ kind, quantity, amount }: InvoiceLine): boolean =>
  kind === 'usage' && (amount < 0n || (quantity ?? 0n) < 0n);

/**
 * The invoice's lines of usage that name a task type, those of one task type, level and price together. What it takes
 * back is none of them.
 */
export function vendorLines(lines: readonly InvoiceLine[]): VendorLine[] {
  const usage = lines.flatMap((one) =>
    one.kind === 'usage' && one.taskType !== null && !isTakenBack(one) ? [{ ...one, taskType: one.taskType }] : [],
  );
  return [...Map.groupBy(usage, (one) => `${cellKey(one)} ${one.unitPrice}`).values()].flatMap((same) => {
    const [first] = same;
    if (!first) return [];
    const { taskType, level, unitPrice } = first;
    return [
      {
        taskType,
        level,
        unitPrice,
        line: same.map(({ line }) => line).join('+'),
        quantity: same.reduce((sum, { quantity }) => sum + (quantity ?? 0n), 0n),
        amount: same.reduce((sum, { amount }) => sum + amount, 0n),
      },
    ];
  });
}

/**
 * Finds for each of our lines the one of the invoice that it is to be compared with: the one of the same price; what is
 * left, in order of price.
 */
export function pairLines(own: readonly UsageLine[], vendor: readonly VendorLine[]): LinePair[] {
  const cells = Map.groupBy<string, { own?: UsageLine; vendor?: VendorLine }>(
    [...own.map((line) => ({ own: line })), ...vendor.map((line) => ({ vendor: line }))],
    (side) => cellKey(side.own ?? side.vendor ?? { taskType: null, level: null }),
  );
  return [...cells.values()].flatMap((sides) =>
    pairCell(
      sides.flatMap((side) => side.own ?? []),
      sides.flatMap((side) => side.vendor ?? []),
    ),
  );
}

function pairCell(own: readonly UsageLine[], vendor: readonly VendorLine[]): LinePair[] {
  const samePrice = own.flatMap((line): { own: UsageLine; vendor: VendorLine }[] => {
    const match = vendor.find(({ unitPrice }) => unitPrice === line.unitPrice);
    return match ? [{ own: line, vendor: match }] : [];
  });
  const isPaired = (line: UsageLine | VendorLine) =>
    samePrice.some((pair) => pair.own === line || pair.vendor === line);
  const [ownLeft, vendorLeft] = [inOrderOfPrice(own), inOrderOfPrice(vendor)].map((lines) =>
    lines.filter((line) => !isPaired(line)),
  ) as [UsageLine[], VendorLine[]];
  const rest = Array.from({ length: Math.max(ownLeft.length, vendorLeft.length) }, (_, index) => ({
    own: ownLeft[index],
    vendor: vendorLeft[index],
  }));
  return [...samePrice, ...rest];
}

/** The dearest first: free units are the ones that an invoice may leave out. */
function inOrderOfPrice<Line extends Pick<UsageLine, 'unitPrice'>>(lines: readonly Line[]): Line[] {
  return [...lines].sort((a, b) => Number((b.unitPrice ?? 0n) - (a.unitPrice ?? 0n)));
}
