/** Why text is not valid JSON: `cut` if it ends inside an open object, list or string, otherwise `invalid`. */
export type JsonProblem = { readonly kind: 'cut' | 'invalid'; readonly reason: string };

const quote = 0x22;
const backslash = 0x5c;
/** Up to this many keys, comparing a new key with each other key of its object is faster than a set. */
const fewKeys = 16;

/**
 * Reads JSON strictly: valid UTF-8 (a byte order mark is skipped), and no key twice in one object. `JSON.parse` would
 * silently take the last of two `attemptsInvoiced`. Never throws, and never repeats the text it read.
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
    // The parser's own message quotes the text, which may be personal data. It is dropped, also as a cause.
    return { problem: { kind: isCut(text) ? 'cut' : 'invalid', reason: 'not JSON' } };
  }
  if (hasDuplicateKey(text)) return { problem: { kind: 'invalid', reason: 'the same key twice in one object' } };
  return { value };
}

const textOrNumber = /"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*/g;

/**
 * Whether a number stands for another one than is written: `86400.00000000000001` is 86400 to `JSON.parse`, and
 * `1e400` is Infinity. Only for text that `JSON.parse` accepts.
 */
export function hasInexactNumber(text: string): boolean {
  for (const [token] of text.matchAll(textOrNumber))
    if (!token.startsWith('"') && plain(token) !== plain(String(Number(token)))) return true;
  return false;
}

/** A number in the one form it has without needless zeros: its digits, and a power of ten. */
function plain(text: string): string {
  const [, sign = '', whole = '', fraction = '', power = '0'] =
    /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(text) ?? [];
  const digits = `${whole}${fraction}`.replace(/^0+/, '');
  const significant = digits.replace(/0+$/, '');
  if (significant === '') return whole === '' ? text : '0';
  return `${sign}${significant}e${BigInt(power) - BigInt(fraction.length) + BigInt(digits.length - significant.length)}`;
}

/**
 * Whether an object names a key twice, with escapes resolved: `"id"` and `"\u0069d"` are the same key.
 *
 * Only for text that `JSON.parse` accepts. In such text a string is a key exactly if a colon follows it, and braces
 * outside of strings match. One pass without recursion: the keys of all open objects are on one stack.
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

/** Whether `key` is among `keys` from `start` on. An object with many keys gets a set, stored by its depth. */
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

/** The index of the quote that closes the string opened at `start`; the length of the text if none does. */
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

/** Whether invalid text merely ends too early: more is opened than closed, or a string has no end. */
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
