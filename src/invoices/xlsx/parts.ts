import { crc32 } from 'node:zlib';
import { type Entry, fromBufferPromise, type ZipFile } from 'yauzl';
import { LedgerError } from '../../errors.ts';
import { type Source, unreadable } from '../refusals.ts';
import { maxXmlChars } from '../xml.ts';

/** 64 MiB of all parts together, as the file declares it; a part that holds more than it declares is refused. */
const maxUnpackedBytes = 64 * 1024 * 1024;
const maxParts = 5_000;

const macros = 'Save it as .xlsx, which has no macros.';
const anew = 'Ask the vendor for the file anew.';

/** Parts of a workbook. `read` unpacks one; `undefined` where there is none of this name. */
export type Parts = { readonly read: (name: string) => Promise<string | undefined> };

/**
 * Opens a workbook's container without unpacking anything.
 *
 * @throws LedgerError `…_unreadable` for what is no zip, is encrypted, has macros, or would unpack to too much.
 */
export async function openParts(bytes: Buffer, source: Source): Promise<Parts> {
  const entries = new Map<string, Entry>();
  const zip = await asUnreadable(source, async () => {
    const opened = await fromBufferPromise(bytes, { lazyEntries: true, validateEntrySizes: true });
    let unpacked = 0;
    for await (const entry of opened.eachEntry()) {
      unpacked += entry.uncompressedSize;
      if (entries.size >= maxParts || unpacked > maxUnpackedBytes)
        throw unreadable(source, 'unpacks to more than 64 MiB, or to too many parts: no invoice is so large', anew);
      if (entry.isEncrypted())
        throw unreadable(source, 'is protected by a password', 'Save a copy without the password.');
      if (/(^|\/)vbaProject\.bin$/i.test(entry.fileName)) throw unreadable(source, 'has macros', macros);
      if (entries.has(entry.fileName)) throw unreadable(source, 'has two parts of one name', anew);
      entries.set(entry.fileName, entry);
    }
    return opened;
  });
  const read = async (name: string): Promise<string | undefined> => {
    const entry = entries.get(name);
    return entry && asUnreadable(source, () => unpack(zip, entry, source));
  };
  const types = await read('[Content_Types].xml');
  if (types !== undefined && /macroEnabled/i.test(types)) throw unreadable(source, 'has macros', macros);
  if (types === undefined || !/spreadsheetml\.(sheet|template)\.main\+xml/i.test(types))
    throw unreadable(source, 'is a zip file, and no XLSX workbook', 'Unpack it first, or save it as .xlsx or CSV.');
  return { read };
}

async function unpack(zip: ZipFile, entry: Entry, source: Source): Promise<string> {
  if (entry.uncompressedSize > maxXmlChars)
    throw unreadable(source, `has a part of ${entry.uncompressedSize} bytes, and at most 16 MiB are read`, anew);
  const chunks: Buffer[] = [];
  for await (const chunk of (await zip.openReadStreamPromise(entry)) as AsyncIterable<Buffer>) chunks.push(chunk);
  const bytes = Buffer.concat(chunks);
  if (crc32(bytes) !== entry.crc32) throw unreadable(source, 'is damaged: a checksum in it does not fit', anew);
  return bytes.toString('utf8');
}

/** What the library says of a container that it cannot read is not for users. */
async function asUnreadable<T>(source: Source, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof LedgerError) throw cause;
    throw unreadable(source, 'is no whole XLSX workbook; was the file cut?', anew, cause);
  }
}
