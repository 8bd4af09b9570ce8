import { createHash, timingSafeEqual } from 'node:crypto';

export const sha256 = (text: string): Buffer => createHash('sha256').update(text, 'utf8').digest();

/**
 * Finds the entries that a secret matches. Comparing digests hides its length, and comparing all of them hides by time
 * which one matched.
 */
export function matching<T>(given: string, candidates: readonly T[], digestOf: (candidate: T) => Buffer): T[] {
  const digest = sha256(given);
  return candidates.filter((candidate) => timingSafeEqual(digest, digestOf(candidate)));
}
