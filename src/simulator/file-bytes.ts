import { crc32 } from 'node:zlib';
import { attemptOfSlot, isResultSlot } from './files.ts';
import type { FileRef } from './files.ts';
import type { World } from './options.ts';
import { chance, intBetween, randomStream } from './random.ts';
import type { Random } from './random.ts';

export type FileContent = { readonly contentType: string; readonly bytes: Buffer };

const bytesChannel = 4000;
const auditChannel = 5000;

/**
 * A file's bytes, generated from the seed on every fetch: usually JPEG, sometimes PNG, and a raw upload occasionally
 * PDF.
 */
export function fileContent(world: World, { index, slot }: FileRef): FileContent {
  const random = randomStream(world.words, index, bytesChannel + slot);
  const size = world.fileBytes ?? intBetween(random, 2048, 6144);
  const isRawUpload = !isResultSlot(slot) && slot === attemptOfSlot(slot) * 4;
  if (isRawUpload && chance(random, 0.1)) return pdf(random, size, 'Uploaded document');
  return chance(random, 0.2) ? png(random, size) : jpeg(random, size);
}

/** The audit report of a completed transaction. */
export function auditReport(world: World, index: number, resultId: string): FileContent {
  const random = randomStream(world.words, index, auditChannel);
  return pdf(random, intBetween(random, 1500, 4000), `Audit report ${resultId}`);
}

const jpegStart = Buffer.from('ffd8ffe000104a46494600010100000100010000', 'hex');
const jpegEnd = Buffer.from('ffd9', 'hex');

function jpeg(random: Random, size: number): FileContent {
  const body = noise(random, size - jpegStart.length - jpegEnd.length);
  return { contentType: 'image/jpeg', bytes: Buffer.concat([jpegStart, body, jpegEnd]) };
}

const pngSignature = Buffer.from('89504e470d0a1a0a', 'hex');
const pngHeader = pngChunk('IHDR', Buffer.from('00000040000000400802000000', 'hex'));
const pngEnd = pngChunk('IEND', Buffer.alloc(0));

function png(random: Random, size: number): FileContent {
  const dataSize = size - pngSignature.length - pngHeader.length - pngEnd.length - 12;
  const data = pngChunk('IDAT', noise(random, dataSize));
  return { contentType: 'image/png', bytes: Buffer.concat([pngSignature, pngHeader, data, pngEnd]) };
}

function pngChunk(type: string, data: Buffer): Buffer {
  const typed = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(data.length);
  const checksum = Buffer.alloc(4);
  checksum.writeUInt32BE(crc32(typed));
  return Buffer.concat([length, typed, checksum]);
}

function pdf(random: Random, size: number, title: string): FileContent {
  const start = Buffer.from(`%PDF-1.4\n% ${title}\n1 0 obj\n<< >>\nstream\n`, 'latin1');
  const end = Buffer.from('\nendstream\nendobj\ntrailer\n<< >>\n%%EOF\n', 'latin1');
  const body = noise(random, Math.max(0, size - start.length - end.length));
  return { contentType: 'application/pdf', bytes: Buffer.concat([start, body, end]) };
}

/** Seeded bytes below 0x80, so that they never look like a marker of the surrounding format. */
function noise(random: Random, size: number): Buffer {
  const bytes = Buffer.allocUnsafe(size);
  let offset = 0;
  for (; offset + 4 <= size; offset += 4) bytes.writeUInt32LE(random() & 0x7f7f7f7f, offset);
  for (; offset < size; offset += 1) bytes[offset] = random() & 0x7f;
  return bytes;
}
