/** What the vendor's own counters say about attempts, beside what we say. Reversals count -1. */
export type VendorCounts = {
  /** The share of the vendor's counters that falls on these attempts; `null` where no task has one. */
  readonly vendorCounter: bigint | null;
  /** Attempts of tasks that have a counter. */
  readonly counted: bigint;
  /** Those of them that are invoiced by our count: what the counter is to be compared with. */
  readonly countedInvoiced: bigint;
  /** Tasks whose counter is not our count. */
  readonly differing: bigint;
};

/** Whether the counter speaks of some attempts alone, so that it is no total. */
export const isPartial = ({
  vendorCounter,
  counted,
  attempts,
}: VendorCounts & { readonly attempts: bigint }): boolean => vendorCounter !== null && counted !== attempts;

/** Whether the counters agree in sum, while those of single tasks do not. */
export const hidesDifferences = ({ vendorCounter, countedInvoiced, differing }: VendorCounts): boolean =>
  differing > 0n && vendorCounter === countedInvoiced;

/** Adds up counters. Unknown ones are left out; the sum is `null` only if there is nothing but unknown ones. */
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
