import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parsePrice } from '../../src/domain/money.ts';
import { type Price, priceBands, type PriceModel } from '../../src/domain/prices.ts';
import { bandsTotal, type Contract, isSame, plus, pricesOneByOne, rational } from './price-oracle.ts';

const price = fc
  .tuple(fc.nat({ max: 99 }), fc.nat({ max: 6 }), fc.nat({ max: 999_999 }))
  .map(([whole, digits, rest]) =>
    digits === 0 ? `${whole}` : `${whole}.${String(rest).padStart(6, '0').slice(0, digits)}`,
  );
const contract: fc.Arbitrary<Contract> = fc.record({
  model: fc.constantFrom('flat', 'graduated', 'volume'),
  free: fc.oneof(fc.constant(0), fc.nat({ max: 60 })),
  steps: fc.array(fc.record({ size: fc.integer({ min: 1, max: 25 }), price }), { minLength: 1, maxLength: 5 }),
});

/** The contract as the price list has it: with running totals for ends. */
function priceOf({ model, free, steps }: Contract): Price {
  let end = 0;
  const tiers = steps.map(({ size, price: text }, index) => {
    end += size;
    return { upTo: index === steps.length - 1 ? null : BigInt(end), unitPrice: parsePrice(text)! };
  });
  const prices: PriceModel = model === 'flat' ? { model, unitPrice: tiers[0]!.unitPrice } : { model, tiers };
  const common = { taskType: 'document_scan', level: null, effectiveFrom: '2026-01-01', effectiveTo: null };
  return { ...common, freeAllowance: BigInt(free), ...prices };
}

const seed = Number(process.env['PRICE_SEED'] ?? 20_261_001);

test(`bands price every unit as one by one, without hole or overlap (PRICE_SEED=${seed})`, () => {
  fc.assert(
    fc.property(contract, fc.nat({ max: 160 }), (terms, units) => {
      const bands = priceBands(priceOf(terms), BigInt(units));
      expect(bands[0]?.from).toBe(1n);
      for (const [index, { from }] of bands.entries())
        if (index > 0) expect(from).toBeGreaterThan(bands[index - 1]!.from);
      expect(new Set(bands.map(({ tier }) => tier)).size).toBe(bands.length);
      const each = pricesOneByOne(terms, units);
      for (const [index, expected] of each.entries()) {
        const nth = BigInt(index + 1);
        const band = bands.findLast(({ from }) => from <= nth)!;
        if (!isSame({ numerator: band.unitPrice, denominator: 1_000_000n }, expected))
          expect.fail(`unit ${nth} of ${units} is in the band ${band.tier}`);
      }
      const total = { numerator: bandsTotal(bands, BigInt(units)), denominator: 1_000_000n };
      expect(isSame(total, each.reduce(plus, rational('0')))).toBe(true);
    }),
    { numRuns: 2_000, seed },
  );
});

test(`one more unit never changes what earlier ones cost, unless all cost alike by volume (PRICE_SEED=${seed})`, () => {
  fc.assert(
    fc.property(contract, fc.nat({ max: 160 }), (terms, units) => {
      fc.pre(terms.model !== 'volume');
      expect(priceBands(priceOf(terms), BigInt(units + 1))).toEqual(priceBands(priceOf(terms), BigInt(units)));
    }),
    { numRuns: 500, seed },
  );
});
