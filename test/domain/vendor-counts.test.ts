import { expect, test } from 'vitest';
import { addedCounts, hidesDifferences, isPartial } from '../../src/domain/vendor-counts.ts';

const counts = { vendorCounter: 5n, counted: 6n, countedInvoiced: 5n, differing: 2n };

test('a counter is partial where it covers only some of the attempts', () => {
  expect(isPartial({ ...counts, attempts: 7n })).toBe(true);
  expect(isPartial({ ...counts, attempts: 6n })).toBe(false);
  expect(isPartial({ ...counts, vendorCounter: null, attempts: 7n })).toBe(false);
});

test('counters that agree in total may hide that those of tasks differ', () => {
  expect(hidesDifferences(counts)).toBe(true);
  expect(hidesDifferences({ ...counts, differing: 0n })).toBe(false);
  expect(hidesDifferences({ ...counts, vendorCounter: 4n })).toBe(false);
});

test('counters are added up, without those that are not known', () => {
  const unknown = { vendorCounter: null, counted: 0n, countedInvoiced: 1n, differing: 0n };
  expect(addedCounts([counts, unknown, { ...counts, vendorCounter: -1n }])).toEqual({
    vendorCounter: 4n,
    counted: 12n,
    countedInvoiced: 11n,
    differing: 4n,
  });
  expect(addedCounts([unknown]).vendorCounter).toBeNull();
  expect(addedCounts([])).toEqual({ vendorCounter: null, counted: 0n, countedInvoiced: 0n, differing: 0n });
});
