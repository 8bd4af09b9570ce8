import type { World } from './options.ts';
import { chance, hex, randomStream } from './random.ts';
import type { DocumentType, Transaction } from './transaction.ts';

/** An entry of `files`. `slot` numbers the files of a transaction; `null` = listed without a URL. */
export type ListedFile = {
  readonly category: 'document' | 'image';
  readonly type: string;
  readonly name?: string;
  readonly score?: number;
  readonly slot: number | null;
};

export type FileRef = { readonly index: number; readonly slot: number };

const slotsPerScan = 4;
/** Slots from here on are files of the result, lower ones are files of scans. */
const firstResultSlot = 64;
/** Added to a slot, which takes two hexadecimal digits of a token, so each file has its own random streams. */
const channels = { token: 1000, gone: 2000, list: 3000 } as const;

const documentNames: Readonly<Record<DocumentType, string>> = {
  passport: 'Examplia - ePassport (2020)',
  driving_license: 'Examplia - Driving License (2018)',
  identity_card: 'Examplia - Identity Card, "new" (2022)',
};

/**
 * The files of an attempt, as the details list them while the transaction is open. A linked attempt lists the previous
 * side's raw image again, under the same URL.
 */
export function scanFiles(transaction: Transaction, attempt: number): ListedFile[] {
  const scan = transaction.scans[attempt];
  if (!scan || scan.score === null) return [];
  const firstSlot = attempt * slotsPerScan;
  const files: ListedFile[] = [{ category: 'document', type: 'raw_document_image', slot: firstSlot }];
  if (scan.linked) files.push({ category: 'document', type: 'raw_document_image', slot: firstSlot - slotsPerScan });
  if (scan.code?.startsWith('unknown_type_') === true) return files;
  const { documentType } = transaction;
  files.push(
    {
      category: 'document',
      type: documentType,
      name: documentNames[documentType],
      score: scan.score / 100,
      slot: firstSlot + 1,
    },
    { category: 'image', type: 'portrait', slot: firstSlot + 2 },
  );
  return files;
}

/**
 * The files of a completed transaction's result: an entry per side of the document, a portrait, sometimes a signature.
 */
export function resultFiles(world: World, transaction: Transaction): ListedFile[] {
  const random = randomStream(world.words, transaction.index, channels.list);
  const { documentType } = transaction;
  const natural: string[] = [documentType, ...(documentType === 'passport' ? [] : [documentType]), 'portrait'];
  if (chance(random, 0.1)) natural.push('signature');
  const count = world.filesPerResult ?? natural.length;
  return Array.from({ length: count }, (_, position) => {
    const type = natural[position % natural.length] ?? documentType;
    const slot = chance(random, world.nullUrlShare) ? null : firstResultSlot + position;
    return type === documentType
      ? { category: 'document', type, name: documentNames[documentType], score: 0.93, slot }
      : { category: 'image', type, slot };
  });
}

/** Whether a slot is a file of the result. */
export function isResultSlot(slot: number): boolean {
  return slot >= firstResultSlot;
}

/** The attempt to which a slot of the details belongs. */
export function attemptOfSlot(slot: number): number {
  return Math.floor(slot / slotsPerScan);
}

/** The token in a file's URL: opaque, seeded, and readable by {@link readFileToken} without a stored list. */
export function fileToken(world: World, { index, slot }: FileRef): string {
  const masked = (index ^ world.words[2]) >>> 0;
  const random = randomStream(world.words, index, channels.token + slot);
  return masked.toString(16).padStart(8, '0') + slot.toString(16).padStart(2, '0') + hex(random, 3);
}

/**
 * The file of a token; `null` = this world did not issue the token.
 *
 * @param more transactions that come after those of the world.
 */
export function readFileToken(world: World, token: string, more = 0): FileRef | null {
  if (!/^[0-9a-f]{34}$/.test(token)) return null;
  const index = (Number.parseInt(token.slice(0, 8), 16) ^ world.words[2]) >>> 0;
  const file = { index, slot: Number.parseInt(token.slice(8, 10), 16) };
  return index < world.transactions + more && fileToken(world, file) === token ? file : null;
}

/** The status for a file that the vendor no longer has; `null` = it still has the file. */
export function goneStatus(world: World, { index, slot }: FileRef): 404 | 410 | null {
  if (!chance(randomStream(world.words, index, channels.gone + slot), world.filesGoneShare)) return null;
  return slot % 2 === 0 ? 404 : 410;
}
