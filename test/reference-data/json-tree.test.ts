import { describe, expect, test } from 'vitest';
import { parseJsonTree } from '../../src/reference-data/json-tree.ts';

const comment = 'comments are not allowed';
const comma = 'a comma with nothing after it';
const word = 'a word or character that is not JSON';
const value = 'a value is expected here';

/** The text's mistakes, sorted, as `line: what is wrong`. */
const mistakes = (text: string) =>
  parseJsonTree(text)
    .syntaxProblems.map(({ line, message }) => `${line}: ${message.replace('is not JSON: ', '').split(';')[0]!}`)
    .sort();

/** So long that what comes after it is far from its end. */
const rest = `"rest": "${'x'.repeat(300)}" }`;

describe('a mistake that leaves the rest legible', () => {
  test.each<[string, text: string, expected: string[]]>([
    ['a value that is no word of JSON', '{ "a": NaN, "b": 1 }', ['1: NaN is not a JSON value']],
    ['the last value', '{ "b": 1, "a": Infinity }', ['1: Infinity is not a JSON value']],
    ['a sign before it', '{ "a": +Infinity, "b": 1 }', ['1: +Infinity is not a JSON value']],
    ['a word that only ends in one', '{ "a": xNaN, "b": 1 }', [`1: ${word}`]],
    ['a word that only begins with one', '{ "a": NaNs, "b": 1 }', [`1: ${word}`]],
    ['a value far from the end', `{ "a": NaN, "b": 1, ${rest}`, ['1: NaN is not a JSON value']],
    ['a value on a line of its own', '{ "a":\nNone\n, "b": 1 }', ['2: None is not a JSON value']],
    [
      'several on a line',
      '{ "a": NaN, "c": True, "b": 1 }',
      ['1: NaN is not a JSON value', '1: True is not a JSON value'],
    ],
    ['a comma far from the end', `{ "c": [1, ], "b": 1, ${rest}`, [`1: ${comma}`]],
    ['two commas on a line', '{ "c": { "d": 1, }, "b": 1, }', [`1: ${comma}`, `1: ${comma}`]],
    ['two comments beside each other', '{ /* one *//* two */ "b": 1 }', [`1: ${comment}`, `1: ${comment}`]],
  ])('%s', (_, text, expected) => {
    expect(mistakes(text)).toEqual(expected);
    const { isLegible, isBroken, value } = parseJsonTree(text);
    expect(value).toMatchObject({ b: 1 });
    expect([isLegible, isBroken(1), isBroken(2)]).toEqual([true, false, false]);
  });
});

describe('a mistake that may have affected more', () => {
  test.each<[string, text: string, expected: string[]]>([
    ['a word in a list', '[\nNaN\n]', ['2: NaN is not a JSON value']],
    ['a word in a list, and what it leaves', '[\nNaN\n, 1]', ['2: NaN is not a JSON value', `3: ${value}`]],
    ['a word behind a value', '{ "a": 1 x }', [`1: ${word}`]],
    ['a word behind a comment', '{ "a": /* one */NaN }', ['1: NaN is not a JSON value', `1: ${comment}`]],
    ['words below each other', 'KEY\nsecret', [`1: ${word}`, `2: ${word}`]],
    [
      'what looks like a member behind the end',
      '1 //:\ny\n,',
      [`1: ${comment}`, `2: ${word}`, '3: there is more after the end'],
    ],
    ['a comma in a list and more in the next', '[[1,],\n[1 2]]', [`1: ${comma}`, '2: a comma is missing before this']],
    ['two commas in a row', '{ "a": 1,, "b": 2 }', ['1: a key in double quotes is expected here']],
    ['a text without end', '{ "a": "x\n"b": 1 }', ['1: a text without its closing quote']],
    [
      'the same, and nothing more',
      '{ "a": "x\n',
      ['1: a text without its closing quote', '2: the file ends within an object, a } is missing'],
    ],
    [
      'the same, and a missing comma further on',
      '{ "a": "x\n, "b": 1\n"c": 2 }',
      ['1: a text without its closing quote', '3: a comma is missing before this'],
    ],
    [
      'the same, with a comma in it',
      '"x,\n}',
      ['1: a text without its closing quote', '2: there is more after the end'],
    ],
    [
      'half a number, and a missing comma',
      '{ "a": 1.\n"b": 2 }',
      ['1: a number that breaks off', '2: a comma is missing before this'],
    ],
  ])('%s', (_, text, expected) => {
    expect(mistakes(text)).toEqual(expected);
    const { isLegible, isBroken } = parseJsonTree(text);
    expect(isLegible).toBe(false);
    const lines = new Set(
      expected.filter((one) => !/comments|nothing after/.test(one)).map((one) => Number.parseInt(one, 10)),
    );
    expect([0, 1, 2, 3, 4].filter(isBroken)).toEqual([...lines]);
  });
});

describe('places', () => {
  const text = `

{
  "a":
    1,
  "list": [
    ["b", 2],
    { "c": "x" }
  ],
  "lost": NaN
}`;
  const tree = parseJsonTree(text);

  test.each<[path: (string | number)[], line: number, written?: string]>([
    [['a'], 4, '1'],
    [['list'], 6],
    [['list', 0], 7],
    [['list', 0, 1], 7, '2'],
    [['list', 1, 'c'], 8, '"x"'],
    [[], 3],
  ])('%j is on line %d', (path, line, written) => {
    expect([tree.has(path), tree.lineOf(path), tree.written(path)]).toEqual([true, line, written]);
    expect(tree.isUnreadable(path)).toBe(false);
  });

  test.each<[path: (string | number)[], line: number]>([
    [['b'], 3],
    [['b', 'c', 0], 3],
    [[0], 3],
    [['a', 0], 4],
    [['list', 2], 6],
    [['list', 0, 'b'], 7],
    [['list', 'c'], 6],
    [['list', 1, 0], 8],
    [['lost'], 3],
  ])('%j is not there: what encloses it is on line %d', (path, line) => {
    expect([tree.has(path), tree.lineOf(path), tree.written(path)]).toEqual([false, line, undefined]);
    expect(tree.isUnreadable(path)).toBe(path[0] === 'lost');
  });

  test('of a file without any value: its first line', () => {
    const empty = parseJsonTree('\n');
    expect([empty.has([]), empty.lineOf([]), empty.lineOf(['a', 0])]).toEqual([false, 1, 1]);
    expect(empty.isUnreadable(['a'])).toBe(false);
  });
});

describe('depth', () => {
  test.each([
    ['lists', '[\n', ']'],
    ['objects', '{"a":\n', '}'],
  ])('of %s: 32 is not too much, 33 is', (_, open, close) => {
    const nested = (depth: number) => `${open.repeat(depth)}1${close.repeat(depth)}`;
    expect(mistakes(nested(32))).toEqual([]);
    expect(mistakes(nested(33))).toEqual(['33: is nested more than 32 deep']);
  });

  test('does not count what is beside it', () => {
    expect(mistakes(`[${'[], {},'.repeat(40)} []]`)).toEqual([]);
  });
});
