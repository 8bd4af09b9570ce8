import { randomUUID } from 'node:crypto';
import type { FileKind, KeyRecord, StoredFile } from '../../db/files.ts';
import { LedgerError } from '../../errors.ts';
import type { Download, Sink } from '../../id-scan/client.ts';
import { encrypting } from '../../store/encryption/encrypt.ts';
import { createDocumentKey, sealTo } from '../../store/encryption/keys.ts';
import { documentName } from '../../store/layout.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import { acceptedType, type Accept, endsOf } from './file-type.ts';

/** Where a file was offered, in its transaction. */
type Place = { readonly origin: string; readonly position: number };

/** Stores the files of one kind of a transaction, encrypted with one key. */
export type Storing = {
  /**
   * Streams a download into the store, encrypted, and checks that it has an accepted type.
   *
   * @throws LedgerError `file_empty`, `file_type_refused`, `file_truncated`, `storage_full`, `storage_failed`,
   * `storage_conflict`, and what `download` throws. After an error nothing is left in the store.
   */
  readonly storeDownload: (
    place: Place,
    accept: Accept,
    download: (sink: Sink) => Promise<Download>,
  ) => Promise<StoredFile>;
  /** Stores bytes encrypted, of which it is known that they may be stored. */
  readonly storeBytes: (place: Place, bytes: AsyncIterable<Uint8Array>, mediaType: string) => Promise<StoredFile>;
  /** The key, sealed to each master; `undefined` = nothing was stored. */
  readonly key: () => KeyRecord | undefined;
  /** Removes what was stored and is not recorded. */
  readonly undo: () => Promise<void>;
};

/**
 * @param about.fence the start that stores them. It is part of the names, so that a later start knows what an earlier one
 *   left behind.
 */
export function storing(
  { store, masters }: { readonly store: ObjectStore; readonly masters: readonly Buffer[] },
  about: { readonly transactionId: string; readonly kind: FileKind; readonly fence: string },
): Storing {
  const { transactionId, kind, fence } = about;
  const { id: keyId, key } = createDocumentKey();
  const stored: string[] = [];
  /** @param fill writes the content, and returns its media type. */
  const put = async ({ origin, position }: Place, fill: (write: Sink) => Promise<string>): Promise<StoredFile> => {
    const header = { transactionId, kind, origin, position, keyId };
    const name = documentName(header, `${fence}-${someDigits()}`);
    let mediaType = '';
    const { sha256, bytes } = await store.put(name, async (sink) => {
      const { write, end } = encrypting(sink, header, key);
      mediaType = await fill(write);
      await end();
    });
    stored.push(name);
    return { sha256, bytes, media_type: mediaType, object_name: name, key_id: keyId };
  };
  return {
    storeDownload: (place, accept, download) =>
      put(place, async (write) => {
        const ends = endsOf();
        const { contentType } = await download(async (chunk) => {
          ends.take(chunk);
          await write(chunk);
        });
        return acceptedType(accept, ends.result(), contentType);
      }),
    storeBytes: (place, bytes, mediaType) =>
      put(place, async (write) => {
        for await (const chunk of bytes) await write(chunk);
        return mediaType;
      }),
    key: () => (stored.length === 0 ? undefined : { id: keyId, seals: masters.map((master) => sealTo(master, key)) }),
    undo: async () => {
      for (const name of stored) await store.remove(name);
    },
  };
}

/** Eight hex digits by chance. Node asks the system for those of many UUIDs at once. */
const someDigits = (): string => randomUUID().slice(0, 8);

/** The start that stored an object, from its name; `undefined` = the name is of another form. */
export const fenceIn = (name: string): bigint | undefined => {
  const [, fence] = /\.(\d+)-[0-9a-f]{8}$/.exec(name) ?? [];
  return fence === undefined ? undefined : BigInt(fence);
};

/** Thrown by a job whose obligation a later start has taken over. */
export const takenOver = (transactionId: string): LedgerError =>
  new LedgerError('interrupted', `Another worker has taken over the files of ${transactionId}.`);
