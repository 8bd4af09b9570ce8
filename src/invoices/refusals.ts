import type { ErrorCode } from '../errors.ts';
import { LedgerError } from '../errors.ts';

/** A file of the vendor's, for messages. */
export type Source = {
  readonly subject: 'invoice' | 'usage';
  /** What its sender or its user calls it. */
  readonly name: string;
};

/** A mistake in a file. `at` is its line, sheet row or cell; `undefined` = the file as a whole. */
export type Mistake = { readonly at: number | string | undefined; readonly message: string };

/** How many mistakes of a file are said at once. */
export const maxMistakes = 20;

/** The file is not what it should be, or a value in it cannot be what its column needs. */
export const unreadable = (source: Source, mistakes: string | readonly Mistake[], hint: string, cause?: unknown) =>
  refusal(`${source.subject}_unreadable`, source, mistakes, hint, cause);

/** The file can be read in two ways that differ. `message` names a value, its line, and the layout's key that settles it. */
export const ambiguous = (source: Source, ...mistakes: readonly Mistake[]) =>
  refusal(
    `${source.subject}_ambiguous`,
    source,
    mistakes,
    'Nothing is guessed: write a layout with this key, and read the file with it.',
  );

/** The file is sound, but the layout is another file's. */
export const layoutMismatch = (source: Source, mistakes: readonly Mistake[]) =>
  refusal(
    'layout_mismatch',
    source,
    mistakes,
    'Correct the layout. “Suggest a layout” in the browser, or --suggest-layout, makes one to start from.',
  );

function refusal(
  code: ErrorCode,
  { name }: Source,
  mistakes: string | readonly Mistake[],
  hint: string,
  cause?: unknown,
): LedgerError {
  const file = fileName(name);
  const all = typeof mistakes === 'string' ? [{ at: undefined, message: mistakes }] : mistakes;
  const lines = all
    .slice(0, maxMistakes)
    .map(({ at, message }) => `${file}:${at === undefined ? '' : `${at}:`} ${message}`);
  if (all.length > maxMistakes) lines.push(`${file}: and ${all.length - maxMistakes} more`);
  return new LedgerError(code, lines.join('\n'), { fields: { file, mistakes: all.length }, hint, cause });
}

/** Control and format characters could move a terminal's cursor, or turn a line around. */
const unsafe = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

/** A value at fault as messages show it: in quotes, on one line, at most 40 characters of it. */
export function shown(value: string): string {
  const safe = value.slice(0, 200).replaceAll(unsafe, '?').trim();
  // A sign outside of Unicode's first plane is never cut in two.
  return `"${/^.{0,40}/su.exec(safe)?.[0] ?? ''}${safe.length > 40 ? '…' : ''}"`;
}

/** Names from a header, for a message: the first ones alone. */
export const shownNames = (names: readonly string[]): string =>
  `${names.slice(0, 15).map(shown).join(', ')}${names.length > 15 ? ', …' : ''}`;

const fileName = (name: string): string => name.replaceAll(unsafe, '?').slice(-200);
