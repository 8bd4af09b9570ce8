import { createHash } from 'node:crypto';

export type Seed = number | string;
export type SeedWords = readonly [number, number, number, number];
/** Returns the next unsigned 32-bit number of a stream. */
export type Random = () => number;

/** Expands a seed into the four words from which every stream of a world starts. `1` and `'1'` are the same seed. */
export function seedWords(seed: Seed): SeedWords {
  const digest = createHash('sha256').update(`id-scan-simulator:${seed}`).digest();
  return [digest.readUInt32LE(0), digest.readUInt32LE(4), digest.readUInt32LE(8), digest.readUInt32LE(12)];
}

/**
 * An independent stream (sfc32), so that any part of the world can be generated again at any time and in any order.
 * `index` selects the transaction (-1 = none), `channel` the aspect of it.
 */
export function randomStream(words: SeedWords, index: number, channel: number): Random {
  let a = words[0] ^ index;
  let b = words[1] ^ Math.imul(channel + 1, 0x9e3779b1);
  let c = words[2] | 0;
  let counter = words[3] | 0;
  const next = (): number => {
    const value = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (c << 21) | (c >>> 11);
    c = (c + value) | 0;
    return value >>> 0;
  };
  for (let round = 0; round < 12; round += 1) next();
  return next;
}

/** A whole number from `min` to `max`, inclusive. */
export function intBetween(random: Random, min: number, max: number): number {
  return min + Math.floor((random() / 2 ** 32) * (max - min + 1));
}

/** True with this probability: never for 0, always for 1. */
export function chance(random: Random, share: number): boolean {
  return random() / 2 ** 32 < share;
}

/** A random entry of a list, which must not be empty. */
export function pick<T>(random: Random, list: readonly T[]): T {
  return at(list, intBetween(random, 0, list.length - 1));
}

/** The entry at an index, which must exist. */
export function at<T>(list: readonly T[], index: number): T {
  const value = list[index];
  if (value === undefined) throw new RangeError(`The list of ${list.length} entries has none at ${index}.`);
  return value;
}

/** Returns `words` × 8 hexadecimal digits. */
export function hex(random: Random, words: number): string {
  let digits = '';
  for (let word = 0; word < words; word += 1) digits += random().toString(16).padStart(8, '0');
  return digits;
}

/** An ID in the form of a UUID version 4. */
export function uuid(random: Random): string {
  const digits = hex(random, 4);
  const variant = '89ab'.charAt(random() & 3);
  const parts = [digits.slice(0, 8), digits.slice(8, 12), `4${digits.slice(13, 16)}`];
  return `${parts.join('-')}-${variant}${digits.slice(17, 20)}-${digits.slice(20, 32)}`;
}
