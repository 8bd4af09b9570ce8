import { type Source, unreadable } from '../refusals.ts';
import { candidateEncodings, decoderOf, type Encoding, requireText, undecodable } from './charset.ts';

/** A file that can be read from its beginning more than once. */
export type Openable = () => AsyncIterable<Buffer>;

/** The first bytes of a file. */
export async function headOf(open: Openable, most: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of open()) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes >= most) break;
  }
  return Buffer.concat(chunks).subarray(0, most);
}

/** Finds the encoding of a whole file, holding one chunk of it at a time. @throws LedgerError `usage_unreadable` */
export async function encodingOf(
  open: Openable,
  head: Buffer,
  wanted: Encoding | undefined,
  source: Source,
): Promise<Encoding> {
  const tried = candidateEncodings(head, wanted, source);
  const [only, ...others] = tried;
  if (only !== undefined && others.length === 0) return only;
  for (const encoding of tried) if (await isIn(encoding, open)) return encoding;
  throw undecodable(source, tried);
}

async function isIn(encoding: Encoding, open: Openable): Promise<boolean> {
  const decode = decoderOf(encoding);
  for await (const chunk of open()) if (decode(chunk) === undefined) return false;
  return decode() !== undefined;
}

/**
 * The text of a file, chunk by chunk, and at its end `''`.
 *
 * @throws LedgerError `usage_unreadable` where it is not in this encoding, or is no text.
 */
export async function* textOf(open: Openable, encoding: Encoding, source: Source): AsyncGenerator<string> {
  const decode = decoderOf(encoding);
  let line = 1;
  for await (const chunk of open()) {
    const text = decode(chunk);
    if (text === undefined)
      throw unreadable(source, [{ at: line, message: `near this line it is no text in ${encoding}` }], saveAnew);
    requireText(text, line, source);
    yield text;
    for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) line += 1;
  }
  const end = decode();
  if (end === undefined) throw unreadable(source, `ends within a sign of ${encoding}; was the file cut?`, saveAnew);
  yield end;
}

const saveAnew = 'Save it as UTF-8, or ask the vendor for the file anew.';
