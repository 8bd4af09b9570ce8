import { truncateSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parsePriceList, readPriceList } from '../../src/reference-data/price-list.ts';
import { dataFile, problemsOf } from './support.ts';

test('a file beyond 10 MB is not read; up to it, it is', () => {
  const file = dataFile('{}');
  truncateSync(file, 10_000_001);
  expect(problemsOf(readPriceList, file)).toEqual([
    expect.stringContaining('is too large: 10,000,001 bytes, and at most 10 MB'),
  ]);
  // A text fills a file faster than blanks do: they are read one by one.
  const full = Buffer.from(`"${'x'.repeat(9_999_998)}"`);
  expect(() => parsePriceList(full, 'full')).toThrow('full:1: the file: must be an object in braces');
  expect(() => parsePriceList(Buffer.concat([full, Buffer.from(' ')]), 'more')).toThrow(/too large/);
});
