import { createHash, randomBytes } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { MultipartFile } from '@fastify/multipart';
import type { FastifyRequest } from 'fastify';
import type { VendorFile } from '../db/vendor-files.ts';
import { LedgerError } from '../errors.ts';

/** Of all files of an upload together. */
const maxUploadBytes = 50 * 1_024 * 1_024;
const keptForMs = 30 * 60_000;
const maxKept = 8;

const fileFields = ['invoice', 'usage', 'layout'] as const;
type FileField = (typeof fileFields)[number];

/** A file that was uploaded, in a folder of this process. `name` is what its sender calls it: no path is made of it. */
export type UploadedFile = { readonly path: string; readonly name: string; readonly sha256: string };

export type Upload = {
  readonly id: string;
  readonly files: Readonly<Partial<Record<FileField, UploadedFile>>>;
  /** Fields without a file. */
  readonly fields: Readonly<Record<string, string>>;
};

/** For whom an upload is kept. */
export type UploadFor = { readonly principal: string; readonly period: string };

/** Uploads that were looked at, until they are kept for good, in files of this process alone. */
export type Uploads = {
  /** @throws LedgerError `request_too_large`, `request_invalid`, `storage_failed` */
  readonly receive: (request: FastifyRequest, of: UploadFor) => Promise<Upload>;
  /** @throws LedgerError `not_found` if it is over, of another process, month or person. */
  readonly find: (id: string, of: UploadFor) => Upload;
  /** Keeps an upload while `work` reads it, whatever else is uploaded meanwhile. */
  readonly using: <T>(upload: Upload, work: () => Promise<T>) => Promise<T>;
  readonly remove: (id: string) => Promise<void>;
  readonly close: () => Promise<void>;
};

type Kept = UploadFor & { readonly upload: Upload; readonly folder: string; readonly untilMs: number };

export function createUploads(nowMs: () => number = Date.now): Uploads {
  const kept = new Map<string, Kept>();
  const inUse = new Set<string>();
  const remove = async (id: string): Promise<void> => {
    const one = kept.get(id);
    kept.delete(id);
    if (one) await rm(one.folder, { recursive: true, force: true });
  };
  const removeOld = async (): Promise<void> => {
    const old = [...kept.keys()].slice(0, Math.max(0, kept.size - maxKept + 1));
    const over = [...kept].flatMap(([id, { untilMs }]) => (untilMs < nowMs() ? [id] : []));
    for (const id of [...old, ...over]) if (!inUse.has(id)) await remove(id);
  };
  return {
    receive: async (request, of) => {
      await removeOld();
      const folder = await mkdtemp(path.join(os.tmpdir(), 'idscan-ledger-upload-')).catch(notStored);
      try {
        const upload = { id: randomBytes(24).toString('base64url'), ...(await receiveInto(folder, request)) };
        kept.set(upload.id, { ...of, upload, folder, untilMs: nowMs() + keptForMs });
        return upload;
      } catch (error) {
        await rm(folder, { recursive: true, force: true });
        throw error;
      }
    },
    find: (id, { principal, period }) => {
      const one = kept.get(id);
      if (one && one.untilMs >= nowMs() && one.principal === principal && one.period === period) return one.upload;
      throw new LedgerError('not_found', 'What was uploaded is not here any more.', {
        hint: 'Choose the file again. It is held for half an hour, by the process that received it.',
      });
    },
    using: async ({ id }, work) => {
      inUse.add(id);
      try {
        return await work();
      } finally {
        inUse.delete(id);
      }
    },
    remove,
    close: async () => {
      for (const id of kept.keys()) await remove(id);
    },
  };
}

/** An uploaded file with its bytes. */
export async function withContent({ path: file, name, sha256 }: UploadedFile): Promise<VendorFile> {
  return { name, sha256, content: await readFile(file).catch(notStored) };
}

async function receiveInto(folder: string, request: FastifyRequest): Promise<Omit<Upload, 'id'>> {
  const files: Partial<Record<FileField, UploadedFile>> = {};
  const fields: Record<string, string> = {};
  const room = { left: maxUploadBytes };
  const limits = { fileSize: 4 * maxUploadBytes, files: 3, fields: 8, fieldSize: 200, parts: 11, headerPairs: 20 };
  try {
    for await (const part of request.parts({ limits })) {
      if (part.type === 'field') {
        if (typeof part.value === 'string') fields[part.fieldname] = part.value;
        continue;
      }
      const field = fileFields.find((one) => one === part.fieldname);
      const file = await store(part, path.join(folder, field ?? 'other'), room);
      if (field && file) files[field] = file;
    }
  } catch (error) {
    throw asRefusal(error);
  }
  if (room.left < 0)
    throw new LedgerError('request_too_large', `The files have more than ${maxUploadBytes / 1_024 / 1_024} MiB.`, {
      hint: 'The command reconcile takes usage statements of any size. Nothing was kept.',
    });
  return { files, fields };
}

/**
 * Stores a file as it comes. What is more than there is room for is read and dropped, because a browser shows no answer
 * before it has sent everything.
 *
 * @returns `undefined` if no file was chosen.
 */
async function store(part: MultipartFile, target: string, room: { left: number }): Promise<UploadedFile | undefined> {
  const hash = createHash('sha256');
  let bytes = 0;
  const kept = async function* (chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const chunk of chunks) {
      bytes += chunk.length;
      room.left -= chunk.length;
      if (room.left < 0) continue;
      hash.update(chunk);
      yield chunk;
    }
  };
  await pipeline(Readable.from(kept(part.file)), createWriteStream(target, { flags: 'w', mode: 0o600 }));
  if (part.file.truncated) room.left = -1;
  if (bytes === 0 && part.filename === '') return undefined;
  return { path: target, name: nameOf(part.filename), sha256: hash.digest('hex') };
}

/** What its sender calls a file, without what is no text. It is shown and kept, and never opened. */
const nameOf = (name: string): string =>
  path
    .basename(name.replaceAll('\\', '/'))
    .replaceAll(/[\p{Cc}\p{Cf}\p{Cs}]/gu, '')
    .slice(-200) || 'file';

function asRefusal(error: unknown): unknown {
  const { statusCode, syscall } = error as { statusCode?: unknown; syscall?: unknown };
  if (error instanceof LedgerError || typeof statusCode === 'number') return error;
  if (typeof syscall === 'string' && syscall !== 'read') return notStoredError(error);
  return new LedgerError('request_invalid', 'The form could not be read to its end.', {
    hint: 'Send it again.',
    cause: error,
  });
}

const notStoredError = (cause: unknown): LedgerError =>
  new LedgerError('storage_failed', `What was uploaded cannot be stored in ${os.tmpdir()}.`, {
    hint: 'The service needs a folder for temporary files, with room: TMPDIR.',
    cause,
  });

const notStored = (cause: unknown): never => {
  throw notStoredError(cause);
};
