import { expect, test } from 'vitest';
import { confusion, outside, type Plan, printed, type Row } from './support-confusion.ts';
import { cutOffFault } from './support-faults.ts';

/**
 * Months with known faults, and what is said of them with the invoice alone. `CONFUSION=full` takes as many as the
 * figures of docs/decisions/0032-how-an-invoice-is-explained.md are from, for an hour or two.
 */
const isFull = process.env['CONFUSION'] === 'full';
const sizes = isFull ? [300, 3_000, 30_000] : [300, 3_000];

/** How many months of a size. */
const months = ({ size, faults }: Pick<Plan, 'size' | 'faults'>): number => {
  if (isFull) return [100, 1_000, 1_000, 300][faults] ?? 0;
  return size === 300 ? 10 : [2, 5, 3, 2][faults]!;
};

const share = (rows: readonly Row[], count: 'listed' | 'whole'): number => {
  const all = rows.reduce((sum, row) => sum + row.months, 0);
  return all === 0 ? 1 : rows.reduce((sum, row) => sum + row[count], 0) / all;
};

for (const size of sizes)
  test(
    `of ${size} attempts: nothing wrong is said to fit, and what is right is listed`,
    { timeout: 14_400_000 },
    () => {
      const [none = [], singles = [], pairs = [], triples = []] = [0, 1, 2, 3].map((faults) =>
        confusion({ size, faults, months: months({ size, faults }), seed: 1_000_000 * (faults + 1) + size }),
      );
      const all = [...none, ...singles, ...pairs, ...triples];
      process.stdout.write(`${printed(all)}\n`);
      expect(all.flatMap(({ wrong, examples }) => (wrong > 0 ? examples : []))).toEqual([]);
      expect(share(none, 'whole')).toBe(1);
      expect(share(singles, 'listed')).toBe(1);
      expect(share(pairs, 'listed')).toBeGreaterThanOrEqual(isFull ? 0.995 : 0.9);
      expect(share(triples, 'listed')).toBeGreaterThanOrEqual(isFull ? 0.99 : 0.9);
      if (size < 30_000) return;
      const [others, ...cutOffs] = singles;
      expect(share(others ? [others] : [], 'whole')).toBeGreaterThanOrEqual(0.95);
      expect(share(cutOffs, 'whole')).toBeGreaterThanOrEqual(0.4);
      expect(share(pairs, 'whole')).toBeGreaterThanOrEqual(0.6);
    },
  );

test('of faults that the library does not have, nothing is said to fit', { timeout: 14_400_000 }, () => {
  const rows = (isFull ? [300, 3_000, 30_000] : [300]).flatMap((size) =>
    outside({ size, months: isFull ? (size === 30_000 ? 2_000 : 4_500) : 15, seed: 9_000_000 + size }),
  );
  process.stdout.write(`${printed(rows)}\n`);
  expect(rows.reduce((sum, { wrong }) => sum + wrong, 0)).toBeLessThanOrEqual(isFull ? 1 : 0);
});

if (isFull)
  test('of 300,000 attempts: almost all single faults fit', { timeout: 14_400_000 }, () => {
    const plan = { size: 300_000, seed: 300_001 };
    const singles = confusion({ ...plan, faults: 1, months: 100 });
    const pairs = confusion({ ...plan, faults: 2, months: 50 });
    process.stdout.write(`${printed([...singles, ...pairs])}\n`);
    expect([...singles, ...pairs].reduce((sum, { wrong }) => sum + wrong, 0)).toBe(0);
    const [others, zones] = singles;
    expect(share([others!], 'whole')).toBeGreaterThanOrEqual(0.97);
    expect(share([zones!], 'whole')).toBeGreaterThanOrEqual(0.95);
  });

if (isFull)
  test('of 300,000 attempts: almost all ways to cut off fit', { timeout: 14_400_000 }, () => {
    const [, ...cutOffs] = confusion({ size: 300_000, faults: 1, months: 200, seed: 300_002, draw: cutOffFault });
    process.stdout.write(`${printed(cutOffs)}\n`);
    expect(cutOffs.reduce((sum, { wrong }) => sum + wrong, 0)).toBe(0);
    expect(share(cutOffs, 'whole')).toBeGreaterThanOrEqual(0.95);
    expect(share(cutOffs, 'listed')).toBe(1);
  });
