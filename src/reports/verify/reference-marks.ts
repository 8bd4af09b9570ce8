import { createHash } from 'node:crypto';

/**
 * How attempts are divided among references, in as many bytes for one reference as for a million: the sum of each
 * reference's hash times its number of attempts. Two divisions with the same sums are the same.
 */
export type ReferenceMarks = Record<'invoiced' | 'notInvoiced' | 'unclassified', bigint>;

export const newMarks = (): ReferenceMarks => ({ invoiced: 0n, notInvoiced: 0n, unclassified: 0n });

export function mark(marks: ReferenceMarks, reference: string, quantity: keyof ReferenceMarks, attempts: bigint): void {
  marks[quantity] = BigInt.asUintN(128, marks[quantity] + hashOf(reference) * attempts);
}

export const isSameDivision = (one: ReferenceMarks, other: ReferenceMarks): boolean =>
  one.invoiced === other.invoiced && one.notInvoiced === other.notInvoiced && one.unclassified === other.unclassified;

const hashes = new Map<string, bigint>();
const maxHashes = 10_000;

function hashOf(reference: string): bigint {
  const known = hashes.get(reference);
  if (known !== undefined) return known;
  if (hashes.size >= maxHashes) hashes.clear();
  const hash = BigInt(`0x${createHash('sha256').update(reference).digest('hex').slice(0, 32)}`);
  hashes.set(reference, hash);
  return hash;
}
