import { createHash, timingSafeEqual } from 'node:crypto';

export const sha256 = (text: string): Buffer => createHash('sha256').update(text, 'utf8').digest();

/**
 * Finds what a secret was sent for. Digests are compared, so lengths never differ, and all of them are, so the time says
 * nothing about which one it was.
 */
export function matching<T>(given: string, candidates: readonly T[], digestOf: (candidate: T) => Buffer): T[] {
  const digest = sha256(given);
  return candidates.filter((candidate) => timingSafeEqual(digest, digestOf(candidate)));
}
