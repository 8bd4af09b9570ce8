/** The vendor's counters for some attempts, beside our own counts. Reversals count -1. */
export type VendorCounts = {
  /** The part of the vendor's counters that belongs to these attempts; `null` = none of their tasks has one. */
  readonly vendorCounter: bigint | null;
  /** The number of attempts whose task has a counter. */
  readonly counted: bigint;
  /** The invoiced ones among them by our count, to be compared with the counter. */
  readonly countedInvoiced: bigint;
  /** The number of tasks whose counter differs from our count. */
  readonly differing: bigint;
};

/** Whether the counter covers only some of the attempts, so that it is not a total. */
export const isPartial = ({
  vendorCounter,
  counted,
  attempts,
}: VendorCounts & { readonly attempts: bigint }): boolean => vendorCounter !== null && counted !== attempts;

/** Whether the counters agree in total although those of single tasks differ. */
export const hidesDifferences = ({ vendorCounter, countedInvoiced, differing }: VendorCounts): boolean =>
  differing > 0n && vendorCounter === countedInvoiced;

/** Adds up counters. Unknown ones are left out; the sum is `null` only if all are unknown. */
export function addedCounts(all: readonly VendorCounts[]): VendorCounts {
  const known = all.flatMap(({ vendorCounter }) => (vendorCounter === null ? [] : [vendorCounter]));
  return {
    vendorCounter: known.length === 0 ? null : sum(known),
    counted: sum(all.map((one) => one.counted)),
    countedInvoiced: sum(all.map((one) => one.countedInvoiced)),
    differing: sum(all.map((one) => one.differing)),
  };
}

const sum = (values: readonly bigint[]): bigint => values.reduce((total, value) => total + value, 0n);
