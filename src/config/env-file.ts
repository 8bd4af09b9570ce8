import { isUtf8 } from 'node:buffer';
import { lstatSync, readFileSync } from 'node:fs';
import { LedgerError } from '../errors.ts';
import { whyUnreadable } from '../unreadable.ts';

/** Variables of a `.env`, by name. */
type Variables = Readonly<Record<string, string>>;

/**
 * Reads a `.env`. What Node's own parser would cut, join or leave out without a word is an error here.
 *
 * @returns `undefined` = there is none.
 * @throws LedgerError `config_invalid` with all mistakes at once. It names lines and variables, but no values.
 */
export function readEnvFile(file: string): Variables | undefined {
  const bytes = bytesOf(file);
  if (bytes === undefined) return undefined;
  const { variables, problems } = parseEnvFile(bytes);
  if (problems.length > 0)
    throw new LedgerError(
      'config_invalid',
      `${file} cannot be understood:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`,
      { fields: { problems: problems.length }, hint: 'Correct these lines; .env.example shows the form.' },
    );
  return variables;
}

/** A link that leads nowhere is a file that is there. */
function bytesOf(file: string): Buffer | undefined {
  try {
    return readFileSync(file);
  } catch (cause) {
    const isMissing = (cause as NodeJS.ErrnoException).code === 'ENOENT';
    if (isMissing && lstatSync(file, { throwIfNoEntry: false }) === undefined) return undefined;
    const why = isMissing ? 'it is a link to a file that is not there' : whyUnreadable(cause);
    throw new LedgerError('config_invalid', `${file} cannot be read: ${why}.`, {
      hint: 'Make it a file that this user may read, or give the variables in the environment and take it away.',
      cause,
    });
  }
}

type Parsed = { readonly variables: Variables; readonly problems: readonly string[] };

/** Names as in other tools' `.env`, too. Quoted values may go over several lines. */
const assignment = /[^\S\n]*(?:export[^\S\n]+)?([\w.-]+)[^\S\n]*=/y;
const nothing = /[^\S\n]*(?:#[^\n]*)?(?:\n|$)/y;
const restOfLine = /[^\n]*(?:\n|$)/y;
const opening = /[^\S\n]*(?=["'`])/y;
const quoted = /(["'`])([^]*?)\1/y;

/** The form of `.env` files that Node and Docker Compose agree on. A test holds it against Node's own parser. */
export function parseEnvFile(bytes: Buffer): Parsed {
  const unreadable = problemOfBytes(bytes);
  if (unreadable !== undefined) return { variables: {}, problems: [unreadable] };
  const text = bytes
    .toString('utf8')
    .replace(/^\uFEFF/, '')
    .replaceAll('\r\n', '\n');
  const variables: Record<string, string> = {};
  const problems: string[] = [];
  let at = 0;
  const take = (pattern: RegExp): RegExpExecArray | undefined => {
    pattern.lastIndex = at;
    const match = pattern.exec(text) ?? undefined;
    at += match?.[0].length ?? 0;
    return match;
  };
  while (at < text.length) {
    if (take(nothing)) continue;
    const line = lineOf(text, at);
    const [, name = ''] = take(assignment) ?? [];
    if (name === '') problems.push(`line ${line}: is neither NAME=value nor a comment`);
    else {
      const value = take(opening) ? quotedValue(take) : plainValue(take);
      if (typeof value === 'string') variables[name] = value;
      else problems.push(`line ${line}: ${name} ${value.problem}`);
      continue;
    }
    take(restOfLine);
  }
  return { variables, problems };
}

type Take = (pattern: RegExp) => RegExpExecArray | undefined;

function quotedValue(take: Take): string | { problem: string } {
  const [, quote, value = ''] = take(quoted) ?? [];
  if (quote === undefined) {
    take(restOfLine);
    return { problem: 'has a quote that is not closed: close it, or write the value in quotes of another kind' };
  }
  if (!take(nothing)) {
    take(restOfLine);
    return { problem: 'goes on behind its closing quote: write a value with quotes in it in quotes of another kind' };
  }
  return quote === '"' ? value.replaceAll('\\n', '\n') : value;
}

/** A comment begins with a space and #. Of a # without a space, Node makes a comment and Docker Compose does not. */
function plainValue(take: Take): string | { problem: string } {
  const [line = ''] = take(restOfLine) ?? [];
  const value = line.replace(/\s#.*/, '').trim();
  if (value.includes('#'))
    return { problem: "has a # that could begin a comment: write the value in quotes, such as '…#…'" };
  return value;
}

/** What the file's bytes say, before its lines do. */
function problemOfBytes(bytes: Buffer): string | undefined {
  const saveAs = 'save the file as UTF-8';
  if (/^(fffe|feff)/.test(bytes.subarray(0, 2).toString('hex'))) return `line 1: is in UTF-16: ${saveAs}`;
  const text = bytes.toString('latin1');
  const nul = text.indexOf('\0');
  if (nul !== -1) return `line ${lineOf(text, nul)}: has a NUL byte: ${saveAs}`;
  const bad = text.split('\n').findIndex((_, index, lines) => !isUtf8(Buffer.from(lines[index] ?? '', 'latin1')));
  if (bad !== -1) return `line ${bad + 1}: is not in UTF-8: ${saveAs}`;
  const control = /\r(?!\n)/.exec(text);
  return control ? `line ${lineOf(text, control.index)}: has a line end of another kind: use LF or CR LF` : undefined;
}

const lineOf = (text: string, at: number): number => text.slice(0, at).split('\n').length;
