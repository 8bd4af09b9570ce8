import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatAmount, parsePrice, roundToMinorUnit } from '../../src/domain/money.ts';

/** An exact amount as a fraction, and its rounding: written down without anything from the code under test. */
function oracle(quantity: bigint, price: string, minorDigits: number): string {
  const [whole = '', decimals = ''] = price.split('.');
  const numerator = quantity * BigInt(whole + decimals);
  const denominator = 10n ** BigInt(decimals.length);
  const isNegative = numerator < 0n;
  const scaled = (isNegative ? -numerator : numerator) * 10n ** BigInt(minorDigits);
  const remainder = scaled % denominator;
  const units = scaled / denominator + (remainder * 2n >= denominator ? 1n : 0n);
  const digits = units.toString().padStart(minorDigits + 1, '0');
  const text = minorDigits === 0 ? digits : `${digits.slice(0, -minorDigits)}.${digits.slice(-minorDigits)}`;
  return isNegative && units > 0n ? `-${text}` : text;
}

test('100,000 lines of quantity and price agree with exact fractions', () => {
  // Mostly small figures and halves, where rounding decides; some as large as prices may be.
  const whole = fc.oneof(fc.nat({ max: 9 }), fc.nat({ max: 999_999_999 })).map(String);
  const decimals = fc.oneof(
    fc.constantFrom('5', '05', '005', '0005', '25', '125', '3333', '999999', '000001', '500000'),
    fc.nat({ max: 999_999 }).map((value) => value.toString().padStart(6, '0')),
  );
  const price = fc.oneof(
    whole,
    fc.tuple(whole, decimals).map((parts) => parts.join('.')),
  );
  const quantity = fc.oneof(fc.integer({ min: -50, max: 50 }), fc.integer({ min: -1e9, max: 1e9 })).map(BigInt);
  const line = fc.tuple(quantity, price, fc.constantFrom(0, 2, 3, 4));
  let lines = 0;
  fc.assert(
    fc.property(fc.array(line, { minLength: 1_000, maxLength: 1_000 }), (all) => {
      lines += all.length;
      for (const [count, text, minorDigits] of all) {
        const amount = roundToMinorUnit(count * parsePrice(text)!, minorDigits);
        const found = formatAmount(amount, minorDigits);
        const expected = oracle(count, text, minorDigits);
        if (found !== expected) expect.fail(`${count} × ${text} (${minorDigits} digits): ${found}, not ${expected}`);
      }
    }),
    { numRuns: 100 },
  );
  expect(lines).toBe(100_000);
});
