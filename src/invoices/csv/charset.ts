import { type Source, unreadable } from '../refusals.ts';

export const encodings = ['utf-8', 'utf-16le', 'utf-16be', 'windows-1252'] as const;
export type Encoding = (typeof encodings)[number];

const marks: readonly (readonly [Encoding, readonly number[]])[] = [
  ['utf-8', [0xef, 0xbb, 0xbf]],
  ['utf-16le', [0xff, 0xfe]],
  ['utf-16be', [0xfe, 0xff]],
];
/** Bytes that windows-1252 has no sign for: the file is in yet another encoding. */
const undefinedIn1252 = /[\u0081\u008d\u008f\u0090\u009d]/;
const saveAsUtf8 = 'Save it as UTF-8, or ask the vendor for the file anew.';

/** The encoding that a byte order mark names. */
export const markedEncoding = (head: Uint8Array): Encoding | undefined =>
  marks.find(([, mark]) => mark.every((byte, index) => head[index] === byte))?.[0];

/**
 * What to try for a file without a byte order mark, in this order: UTF-8, which hardly anything else is by accident,
 * and windows-1252, in which nearly all bytes mean something. A mark, or the layout, leaves one.
 *
 * @throws LedgerError `…_unreadable` where the layout contradicts the mark.
 */
export function candidateEncodings(
  head: Uint8Array,
  wanted: Encoding | undefined,
  source: Source,
): readonly Encoding[] {
  const marked = markedEncoding(head);
  if (marked && wanted && marked !== wanted)
    throw unreadable(
      source,
      `begins with the byte order mark of ${marked}, and format.encoding says ${wanted}`,
      'Take format.encoding out of the layout: the mark says it.',
    );
  const only = marked ?? wanted;
  return only ? [only] : ['utf-8', 'windows-1252'];
}

/** A decoder for chunks of bytes: `undefined` = not in this encoding. A byte order mark is left out. */
export function decoderOf(encoding: Encoding): (chunk?: Uint8Array) => string | undefined {
  const decoder = new TextDecoder(encoding, { fatal: true });
  return (chunk) => {
    try {
      const text = chunk ? decoder.decode(chunk, { stream: true }) : decoder.decode();
      return encoding === 'windows-1252' && undefinedIn1252.test(text) ? undefined : text;
    } catch {
      return undefined;
    }
  };
}

/** All control characters but those that are white space. */
export const control = /[\0-\u0008\u000e-\u001f\u007f-\u009f]/;
/** `U+001B` */
const codeOf = (text: string, at: number): string =>
  `U+${text.charCodeAt(at).toString(16).toUpperCase().padStart(4, '0')}`;

/**
 * Refuses what no text file contains.
 *
 * @param line of the beginning of `text`, counted from 1.
 * @throws LedgerError `…_unreadable`
 */
export function requireText(text: string, line: number, source: Source): void {
  const at = text.search(control);
  if (at === -1) return;
  const message =
    text[at] === '\0'
      ? 'has a NUL: it is no text, or UTF-16 without a byte order mark'
      : `has a control character, ${codeOf(text, at)}`;
  throw unreadable(source, [{ at: line + (text.slice(0, at).match(/\n/g)?.length ?? 0), message }], saveAsUtf8);
}

export const undecodable = (source: Source, tried: readonly Encoding[]) =>
  unreadable(source, `has bytes that are no text in ${tried.join(' nor ')}`, saveAsUtf8);

/** Decodes a whole file. @throws LedgerError `…_unreadable` */
export function decodeAll(
  bytes: Uint8Array,
  wanted: Encoding | undefined,
  source: Source,
): { readonly text: string; readonly encoding: Encoding } {
  const tried = candidateEncodings(bytes, wanted, source);
  for (const encoding of tried) {
    const decode = decoderOf(encoding);
    const text = decode(bytes);
    const end = text === undefined ? undefined : decode();
    if (text === undefined || end === undefined) continue;
    requireText(text, 1, source);
    return { text: text + end, encoding };
  }
  throw undecodable(source, tried);
}
