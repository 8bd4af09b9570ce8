import { createHash } from 'node:crypto';

/**
 * How attempts are divided among references, in as many bytes for one reference as for a million: the sum of each
 * reference's hash times its number of attempts. Two divisions with the same sums are the same.
 */
export type ReferenceMarks = Record<'invoiced' | 'notInvoiced' | 'unclassified', bigint>;

export const newMarks = (): ReferenceMarks => ({ invoiced: 0n, notInvoiced: 0n, unclassified: 0n });

export function mark(marks: ReferenceMarks, reference: string, quantity: keyof ReferenceMarks, attempts: bigint): void {
  const weight = hashOf(reference) * attempts;
  // Stryker disable next-line ArithmeticOperator: differences tell divisions apart as sums do
  marks[quantity] = BigInt.asUintN(128, marks[quantity] + weight);
}

export const isSameDivision = (one: ReferenceMarks, other: ReferenceMarks): boolean =>
  one.invoiced === other.invoiced && one.notInvoiced === other.notInvoiced && one.unclassified === other.unclassified;

const hashes = new Map<string, bigint>();
const maxHashes = 10_000;

function hashOf(reference: string): bigint {
  const known = hashes.get(reference);
  // Stryker disable next-line ConditionalExpression: what is remembered is what would be hashed again
  if (known !== undefined) return known;
  // Stryker disable next-line all: how much is remembered changes no hash
  if (hashes.size >= maxHashes) hashes.clear();
  const hash = BigInt(`0x${createHash('sha256').update(reference).digest('hex')}`);
  // Stryker disable next-line CallExpression: as above
  hashes.set(reference, hash);
  return hash;
}
