import { createScanner, getNodeValue, type Node, type ParseError, parseTree, printParseErrorCode } from 'jsonc-parser';

/** Keys and indexes from the whole file to a value. */
export type JsonPath = readonly (string | number)[];
/** A mistake and where it stands; lines count from 1. */
export type Located = { readonly line: number; readonly message: string };

/** A JSON text with the places of its values. */
export type JsonTree = {
  readonly value: unknown;
  /** Mistakes in the writing, in order of lines. While there is one, `value` is what could be made out. */
  readonly syntaxProblems: readonly Located[];
  /** Whether all of `value` is certain: what is wrong with the writing, such as a comment, leaves the rest as it is. */
  readonly isLegible: boolean;
  /** Whether a mistake on this line may have changed what was made out of it. */
  readonly isBroken: (line: number) => boolean;
  /** Whether a key is there whose value cannot be read, such as `NaN`. */
  readonly isUnreadable: (path: JsonPath) => boolean;
  readonly has: (path: JsonPath) => boolean;
  /** The line of a value, of a member's key; of what encloses it where there is no such value. */
  readonly lineOf: (path: JsonPath) => number;
  /** A text, number, `true`, `false` or `null` as it is written. */
  readonly written: (path: JsonPath) => string | undefined;
};

const maxDepth = 32;

/** Reads a text as JSON, with all its mistakes at once. Never throws. */
export function parseJsonTree(text: string): JsonTree {
  const lineAt = lineCounter(text);
  const deep = tooDeep(text);
  const errors: ParseError[] = [];
  const root = deep === undefined ? parseTree(text, errors, { disallowComments: true }) : undefined;
  const found =
    deep === undefined
      ? [...syntaxProblems(text, errors, lineAt), ...duplicateKeys(root, lineAt)]
      : [{ line: lineAt(deep), message: `is nested more than ${maxDepth} deep`, isLocal: false }];
  // A second opinion: what only one of two parsers takes for JSON is refused.
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
      for (let length = path.length; length > 0; length -= 1) {
        const node = nodeAt(root, path.slice(0, length));
        if (node) return lineAt(node.parent?.type === 'property' ? node.parent.offset : node.offset);
      }
      return root ? lineAt(root.offset) : 1;
    },
    written: (path) => {
      const node = nodeAt(root, path);
      return node && !node.children ? text.slice(node.offset, node.offset + node.length) : undefined;
    },
  };
}

/** `isLocal`: everything but the value or sign itself is understood all the same. */
type SyntaxProblem = Located & { readonly isLocal: boolean };

/** What follows a mistake on the same line is mostly its consequence, unless the mistake stands for itself. */
function onePerLine(found: SyntaxProblem[]): Located[] {
  const broken = new Set<number>();
  return found
    .sort((a, b) => a.line - b.line)
    .filter(({ line, isLocal }) => isLocal || (!broken.has(line) && broken.add(line)))
    .map(({ line, message }) => ({ line, message }));
}

/**
 * Says mistakes in words. What stands there is not repeated, apart from the few words that are easily taken for JSON:
 * the file may be any file, and hold a secret.
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
      problems.push({ line: lineAt(comma), message: 'is not JSON: a comma with nothing behind it', isLocal: true });
      // In an object the parser misses a key and then a value behind the same comma.
      if (errors[index + 1]?.offset === offset) index += 1;
    } else {
      const isLocal = code === 'InvalidSymbol' && isLostValue(text, { error, offset, length }, errors[index + 1]);
      const word = /^(NaN|[-+]?Infinity|undefined|None|True|False|NULL)$/.exec(text.slice(offset, offset + length));
      const words = word ? `${word[0]} is no JSON value` : (syntaxWords[code] ?? 'it cannot be read');
      problems.push({ line, message: `is not JSON: ${words}`, isLocal });
      if (isLocal) index += 1;
    }
  }
  return problems;
}

/** One error for the two signs of `-Infinity`, and none for the comma that an open text has swallowed. */
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
  /^(ValueExpected|PropertyNameExpected)$/.test(code) &&
  /[\]}]/.test(text[offset] ?? '') &&
  text
    .slice(Math.max(0, offset - 200), offset)
    .trimEnd()
    .endsWith(',');

/** Whether a member's value alone is no JSON, as in `"unit_price": NaN,`; the parser then also misses a value. */
function isLostValue(text: string, { offset, length }: ParseError, next: ParseError | undefined): boolean {
  const end = offset + length;
  return (
    next !== undefined &&
    printParseErrorCode(next.error) === 'ValueExpected' &&
    /[,}]/.test(text[next.offset] ?? '') &&
    isBlank(text, end, next.offset) &&
    text
      .slice(Math.max(0, offset - 200), offset)
      .trimEnd()
      .endsWith(':')
  );
}

const syntaxWords: Readonly<Record<string, string>> = {
  InvalidSymbol: 'a word or sign that is no JSON; texts and keys stand in double quotes',
  InvalidNumberFormat: 'a malformed number',
  PropertyNameExpected: 'a key in double quotes is expected here',
  ValueExpected: 'a value is expected here',
  ColonExpected: 'a colon is missing between key and value',
  CommaExpected: 'a comma is missing before this',
  CloseBraceExpected: 'the file ends within an object, a } is missing',
  CloseBracketExpected: 'the file ends within a list, a ] is missing',
  EndOfFileExpected: 'there is more behind the end',
  UnexpectedEndOfComment: 'comments are not allowed, and this one has no end',
  UnexpectedEndOfString: 'a text without its closing quote',
  UnexpectedEndOfNumber: 'a number that breaks off',
  InvalidUnicode: 'a malformed \\u escape',
  InvalidEscapeCharacter: 'an unknown \\ escape',
  InvalidCharacter: 'a control character in a text',
};

/** Keys that stand twice in one object, escapes resolved: only one of them can be meant. */
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
            message: `${at.join('.')}: the key stands twice in one object, first on line ${first}; leave one of them`,
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

/** The member, key and value, that a path leads to. */
function propertyAt(root: Node | undefined, path: JsonPath): Node | undefined {
  const key = path.at(-1);
  return typeof key === 'string' ? memberOf(nodeAt(root, path.slice(0, -1)), key) : undefined;
}

const itemOf = (node: Node | undefined, index: number): Node | undefined =>
  node?.type === 'array' ? node.children?.[index] : undefined;

const memberOf = (node: Node | undefined, key: string): Node | undefined =>
  node?.type === 'object' ? node.children?.findLast((property) => property.children?.[0]?.value === key) : undefined;

/** Where the text is nested too deep for parsers that call themselves; `undefined` = nowhere. */
function tooDeep(text: string): number | undefined {
  const scanner = createScanner(text, true);
  // The package's names for these are const enums, which type stripping cannot take over.
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

/** Lines end with LF, CRLF or CR, as in any editor. */
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
