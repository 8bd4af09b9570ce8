/** Why a text is no answer: `cut` where it ends inside an open object, list or string, `invalid` otherwise. */
export type JsonProblem = { readonly kind: 'cut' | 'invalid'; readonly reason: string };

const quote = 0x22;
const backslash = 0x5c;
/** Up to here a new key is compared with its object's other keys one by one; beyond, a set is faster. */
const fewKeys = 16;

/**
 * Reads a JSON answer: UTF-8 without a wrong byte (a byte order mark is skipped), no key twice in one object.
 * `JSON.parse` would take the last of two `attemptsInvoiced` without a word. Never throws, never repeats what it read.
 */
export function readJson(bytes: Uint8Array): { value: unknown } | { problem: JsonProblem } {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return { problem: { kind: 'invalid', reason: 'not UTF-8' } };
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // The parser's own message quotes the text, which may be personal data: it is dropped, also as a cause.
    return { problem: { kind: isCut(text) ? 'cut' : 'invalid', reason: 'not JSON' } };
  }
  if (hasDuplicateKey(text)) return { problem: { kind: 'invalid', reason: 'the same key twice in one object' } };
  return { value };
}

/**
 * Whether an object names a key twice, escapes resolved (`"id"` and `"\u0069d"` are the same key).
 *
 * Only for text that `JSON.parse` accepts: then a string is a key exactly where a colon follows it, and braces outside
 * of strings pair up. One pass, no recursion; the keys of all open objects lie on one stack.
 */
export function hasDuplicateKey(text: string): boolean {
  const keys: string[] = [];
  const starts: number[] = [];
  const sets = new Map<number, Set<string>>();
  for (let at = 0; at < text.length; at += 1) {
    const character = text.charCodeAt(at);
    if (character === 0x7b) starts.push(keys.length);
    else if (character === 0x7d) {
      sets.delete(starts.length);
      keys.length = starts.pop() ?? 0;
    } else if (character === quote) {
      const end = endOfString(text, at);
      if (isColonNext(text, end + 1)) {
        const key = unescaped(text, at, end);
        if (isKnown(key, keys, starts.at(-1) ?? 0, sets, starts.length)) return true;
        keys.push(key);
      }
      at = end;
    }
  }
  return false;
}

/** Whether `key` is among `keys` from `start` on; objects with many keys get a set, kept under their depth. */
function isKnown(key: string, keys: string[], start: number, sets: Map<number, Set<string>>, depth: number): boolean {
  if (keys.length - start < fewKeys) {
    for (let at = start; at < keys.length; at += 1) if (keys[at] === key) return true;
    return false;
  }
  const set = sets.get(depth) ?? new Set(keys.slice(start));
  sets.set(depth, set);
  const isThere = set.has(key);
  set.add(key);
  return isThere;
}

/** The index of the quote that closes the string opened at `start`; the text's length where none does. */
function endOfString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); end !== -1; end = text.indexOf('"', end + 1)) {
    let slashes = 0;
    while (text.charCodeAt(end - 1 - slashes) === backslash) slashes += 1;
    if (slashes % 2 === 0) return end;
  }
  return text.length;
}

function isColonNext(text: string, from: number): boolean {
  let at = from;
  while (text.charCodeAt(at) <= 0x20) at += 1;
  return text.charCodeAt(at) === 0x3a;
}

function unescaped(text: string, start: number, end: number): string {
  const raw = text.slice(start + 1, end);
  return raw.includes('\\') ? (JSON.parse(`"${raw}"`) as string) : raw;
}

/** Whether a broken text merely stops too early: more is opened than closed, or a string has no end. */
function isCut(text: string): boolean {
  let depth = 0;
  for (let at = 0; at < text.length; at += 1) {
    const character = text.charCodeAt(at);
    if (character === 0x7b || character === 0x5b) depth += 1;
    else if (character === 0x7d || character === 0x5d) depth -= 1;
    else if (character === quote) {
      at = endOfString(text, at);
      if (at === text.length) return true;
    }
    if (depth < 0) return false;
  }
  return depth > 0;
}
