import { createScanner, getNodeValue, type Node, type ParseError, parseTree, printParseErrorCode } from 'jsonc-parser';

/** Keys and indexes from the root to a value. */
export type JsonPath = readonly (string | number)[];
/** A mistake and its line, counted from 1. */
export type Located = { readonly line: number; readonly message: string };

/** A parsed JSON text with the positions of its values. */
export type JsonTree = {
  readonly value: unknown;
  /** Syntax errors. If there are any, `value` is as much as could be parsed. */
  readonly syntaxProblems: readonly Located[];
  /** Whether all of `value` is certain. Some syntax errors, such as a comment, do not affect the rest. */
  readonly isLegible: boolean;
  /** Whether a syntax error on this line may have affected the value. */
  readonly isBroken: (line: number) => boolean;
  /** Whether the key is present but its value cannot be parsed, such as `NaN`. */
  readonly isUnreadable: (path: JsonPath) => boolean;
  readonly has: (path: JsonPath) => boolean;
  /** The line of a value, or of its key in an object. If there is no such value, the line of what encloses it. */
  readonly lineOf: (path: JsonPath) => number;
  /** The source text of a string, number, `true`, `false` or `null`. */
  readonly written: (path: JsonPath) => string | undefined;
};

const maxDepth = 32;

/** Parses a text as JSON and collects all its mistakes. Never throws. */
export function parseJsonTree(text: string): JsonTree {
  const lineAt = lineCounter(text);
  const deep = tooDeep(text);
  const errors: ParseError[] = [];
  const root = deep === undefined ? parseTree(text, errors, { disallowComments: true }) : undefined;
  const found =
    deep === undefined
      ? [...syntaxProblems(text, errors, lineAt), ...duplicateKeys(root, lineAt)]
      : [{ line: lineAt(deep), message: `is nested more than ${maxDepth} deep`, isLocal: false }];
  // Two parsers must accept the text. What only one of them accepts is refused.
  if (found.length === 0 && !isJson(text)) found.push({ line: 1, message: 'is not JSON', isLocal: false });
  const broken = new Set(found.filter(({ isLocal }) => !isLocal).map(({ line }) => line));
  return {
    value: root && getNodeValue(root),
    syntaxProblems: onePerLine(found),
    isLegible: broken.size === 0,
    isBroken: (line) => broken.has(line),
    isUnreadable: (path) => propertyAt(root, path)?.children?.length === 1,
    has: (path) => nodeAt(root, path) !== undefined,
    lineOf: (path) => {
      for (let length = path.length; length >= 0; length -= 1) {
        const node = nodeAt(root, path.slice(0, length));
        if (node) return lineAt(node.parent?.type === 'property' ? node.parent.offset : node.offset);
      }
      return 1;
    },
    written: (path) => {
      const node = nodeAt(root, path);
      return node && !node.children ? text.slice(node.offset, node.offset + node.length) : undefined;
    },
  };
}

/** `isLocal`: only this value or character is affected, the rest is parsed correctly. */
type SyntaxProblem = Located & { readonly isLocal: boolean };

/**
 * Keeps one problem per line, because later ones are usually consequences of the first. Local problems are all kept.
 */
function onePerLine(found: readonly SyntaxProblem[]): Located[] {
  const broken = new Set<number>();
  return found
    .filter(({ line, isLocal }) => isLocal || (!broken.has(line) && broken.add(line)))
    .map(({ line, message }) => ({ line, message }));
}

/**
 * Describes syntax errors. The file may be any file and contain secrets, so its text is not quoted, except for a few
 * words that are often mistaken for JSON.
 */
function syntaxProblems(text: string, found: readonly ParseError[], lineAt: LineAt): SyntaxProblem[] {
  const errors = withoutConsequences(text, found);
  const problems: SyntaxProblem[] = [];
  for (let index = 0; index < errors.length; index += 1) {
    const { error, offset, length } = errors[index] as ParseError;
    const code = printParseErrorCode(error);
    const line = lineAt(offset);
    const comma = isNeedlessComma(text, code, offset) ? text.lastIndexOf(',', offset) : -1;
    if (code === 'InvalidCommentToken')
      problems.push({ line, message: 'is not JSON: comments are not allowed', isLocal: true });
    else if (comma !== -1) {
      problems.push({ line: lineAt(comma), message: 'is not JSON: a comma with nothing after it', isLocal: true });
      // In an object the parser reports two errors for such a comma: a missing key and a missing value.
      if (errors[index + 1]?.offset === offset) index += 1;
    } else {
      const isLocal = code === 'InvalidSymbol' && isLostValue(text, { error, offset, length }, errors[index + 1]);
      const word = /^(NaN|[-+]?Infinity|undefined|None|True|False|NULL)$/.exec(text.slice(offset, offset + length));
      const words = word ? `${word[0]} is not a JSON value` : (syntaxWords[code] ?? 'it cannot be read');
      problems.push({ line, message: `is not JSON: ${words}`, isLocal });
      if (isLocal) index += 1;
    }
  }
  return problems;
}

/** Merges the two errors that `-Infinity` causes, and drops the missing comma that follows an unclosed string. */
function withoutConsequences(text: string, errors: readonly ParseError[]): ParseError[] {
  const kept: ParseError[] = [];
  for (const error of errors) {
    const before = kept.at(-1);
    const code = printParseErrorCode(error.error);
    const codeBefore = before && printParseErrorCode(before.error);
    const end = before ? before.offset + before.length : 0;
    if (before && code === 'InvalidSymbol' && codeBefore === code && error.offset === end)
      kept.splice(-1, 1, { ...before, length: before.length + error.length });
    else if (!(codeBefore === 'UnexpectedEndOfString' && code === 'CommaExpected' && isBlank(text, end, error.offset)))
      kept.push(error);
  }
  return kept;
}

const isBlank = (text: string, start: number, end: number): boolean => text.slice(start, end).trim() === '';

const isNeedlessComma = (text: string, code: string, offset: number): boolean =>
  /^(ValueExpected|PropertyNameExpected)$/.test(code) && /[\]}]/.test(text[offset] ?? '') && isAfter(',', text, offset);

/** Whether this character is the last one before an offset, but for blanks. */
const isAfter = (character: string, text: string, offset: number): boolean =>
  text
    .slice(Math.max(0, offset - 200), offset)
    .trimEnd()
    .endsWith(character);

/**
 * Whether only a member's value is not JSON, as in `"unit_price": NaN,`. The parser then reports a missing value as
 * well.
 */
function isLostValue(text: string, { offset, length }: ParseError, next: ParseError | undefined): boolean {
  const end = offset + length;
  return (
    next !== undefined &&
    printParseErrorCode(next.error) === 'ValueExpected' &&
    /[,}]/.test(text[next.offset] ?? '') &&
    isBlank(text, end, next.offset) &&
    isAfter(':', text, offset)
  );
}

const syntaxWords: Readonly<Record<string, string>> = {
  InvalidSymbol: 'a word or character that is not JSON; texts and keys must be in double quotes',
  InvalidNumberFormat: 'a malformed number',
  PropertyNameExpected: 'a key in double quotes is expected here',
  ValueExpected: 'a value is expected here',
  ColonExpected: 'a colon is missing between key and value',
  CommaExpected: 'a comma is missing before this',
  CloseBraceExpected: 'the file ends within an object, a } is missing',
  CloseBracketExpected: 'the file ends within a list, a ] is missing',
  EndOfFileExpected: 'there is more after the end',
  UnexpectedEndOfComment: 'comments are not allowed, and this one has no end',
  UnexpectedEndOfString: 'a text without its closing quote',
  UnexpectedEndOfNumber: 'a number that breaks off',
  InvalidUnicode: 'a malformed \\u escape',
  InvalidEscapeCharacter: 'an unknown \\ escape',
  InvalidCharacter: 'a control character in a text',
};

/** Keys that occur twice in one object, after resolving escapes. */
function duplicateKeys(root: Node | undefined, lineAt: LineAt): SyntaxProblem[] {
  const problems: SyntaxProblem[] = [];
  const visit = (node: Node, path: JsonPath): void => {
    const lines = new Map<unknown, number>();
    for (const [index, child] of (node.children ?? []).entries()) {
      const isProperty = child.type === 'property';
      const key = isProperty ? child.children?.[0] : undefined;
      const value = isProperty ? child.children?.[1] : child;
      const at = [...path, key === undefined ? index : (key.value as string)];
      if (key) {
        const first = lines.get(key.value);
        const line = lineAt(key.offset);
        if (first === undefined) lines.set(key.value, line);
        else
          problems.push({
            line,
            message: `${at.join('.')}: the key occurs twice in one object, first on line ${first}; remove one of them`,
            isLocal: true,
          });
      }
      if (value) visit(value, at);
    }
  };
  if (root) visit(root, []);
  return problems;
}

function nodeAt(root: Node | undefined, path: JsonPath): Node | undefined {
  let node = root;
  for (const step of path) node = typeof step === 'number' ? itemOf(node, step) : memberOf(node, step)?.children?.[1];
  return node;
}

/** The member, key and value, at a path. */
function propertyAt(root: Node | undefined, path: JsonPath): Node | undefined {
  const key = path.at(-1);
  return typeof key === 'string' ? memberOf(nodeAt(root, path.slice(0, -1)), key) : undefined;
}

const itemOf = (node: Node | undefined, index: number): Node | undefined =>
  node?.type === 'array' ? node.children?.[index] : undefined;

const memberOf = (node: Node | undefined, key: string): Node | undefined =>
  node?.type === 'object' ? node.children?.findLast((property) => property.children?.[0]?.value === key) : undefined;

/** The offset at which the text is nested too deeply for recursive parsers; `undefined` = nowhere. */
function tooDeep(text: string): number | undefined {
  const scanner = createScanner(text);
  // The package exports these as const enums, which type stripping does not support.
  const [openBrace, closeBrace, openBracket, closeBracket, end] = [1, 2, 3, 4, 17];
  let depth = 0;
  for (let token: number = scanner.scan(); token !== end; token = scanner.scan()) {
    if (token === openBrace || token === openBracket) depth += 1;
    if (token === closeBrace || token === closeBracket) depth -= 1;
    if (depth > maxDepth) return scanner.getTokenOffset();
  }
  return undefined;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

type LineAt = (offset: number) => number;

/** Lines end with LF, CRLF or CR, as in editors. */
function lineCounter(text: string): LineAt {
  const starts = [0, ...Array.from(text.matchAll(/\r\n|\n|\r/g), (end) => end.index + end[0].length)];
  return (offset) => {
    let [low, high] = [0, starts.length];
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if ((starts[middle] ?? 0) <= offset) low = middle;
      else high = middle;
    }
    return low + 1;
  };
}
