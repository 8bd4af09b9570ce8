import { expect, test } from 'vitest';
import { formatAmount, minorUnitDigits, parsePrice, roundToMinorUnit } from '../../src/domain/money.ts';

const seed = Number(process.env['MONEY_SEED'] ?? 20_261_001);
const lines = 1_000_000;

/** mulberry32: the same figures for the same seed, on any machine. */
function randomFrom(start: number): (below: number) => number {
  let state = start >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

const powers = Array.from({ length: 7 }, (_, exponent) => 10n ** BigInt(exponent));
let halves = 0;

/**
 * quantity × price in the currency's smallest units, as a fraction of whole numbers rounded half away from zero: by
 * floor(2n + d, 2d) of the magnitude, and nothing of the code under test.
 */
function oracle(quantity: bigint, digits: string, decimals: number, minorDigits: number): string {
  const numerator = quantity * BigInt(digits) * powers[minorDigits]!;
  const denominator = powers[decimals]!;
  const magnitude = numerator < 0n ? -numerator : numerator;
  const twice = 2n * magnitude + denominator;
  const units = twice / (2n * denominator);
  if (decimals > 0 && units * 2n * denominator === twice) halves += 1;
  const text = units.toString().padStart(minorDigits + 1, '0');
  const point = text.length - minorDigits;
  const written = minorDigits === 0 ? text : `${text.slice(0, point)}.${text.slice(point)}`;
  return numerator < 0n && units > 0n ? `-${written}` : written;
}

test(`a million lines, rounded once each, agree with exact fractions (MONEY_SEED=${seed})`, () => {
  process.stdout.write(`MONEY_SEED=${seed}\n`);
  const random = randomFrom(seed);
  const currencies = ['JPY', 'EUR', 'KWD', 'CLF'].map((code) => [code, minorUnitDigits(code)] as const);
  expect(currencies.map(([, digits]) => digits)).toEqual([0, 2, 3, 4]);
  // Halves are where rounding decides: a third of the prices end in a 5 somewhere behind the point.
  const largest = [10, 1_000, 1_000_000, 2 ** 32 - 1];
  for (let line = 0; line < lines; line += 1) {
    const [currency, minorDigits] = currencies[random(4)]!;
    const decimals = random(7);
    const whole = String(random(largest[random(4)]!));
    const rest = String(random(10 ** decimals))
      .padStart(decimals, '0')
      .slice(0, decimals);
    const fraction = decimals > 0 && random(3) === 0 ? `${rest.slice(0, -1)}5` : rest;
    const price = decimals === 0 ? whole : `${whole}.${fraction}`;
    const quantity = BigInt(random(largest[random(4)]!)) * (random(10) === 0 ? -1n : 1n);
    const exact = quantity * parsePrice(price)!;
    const found = formatAmount(roundToMinorUnit(exact, minorDigits), minorDigits);
    const expected = oracle(quantity, whole + fraction, decimals, minorDigits);
    if (found !== expected) expect.fail(`line ${line}: ${quantity} × ${price} ${currency}: ${found}, not ${expected}`);
  }
  // The figures reach what they are meant for.
  expect(halves).toBeGreaterThan(lines / 100);
});

test.each([
  ['1234', '0.3333', 2, '411.29'],
  ['3', '0.005', 2, '0.02'],
  ['1', '0.004999', 2, '0.00'],
  ['1', '0.5', 0, '1'],
  ['-1', '0.5', 0, '-1'],
  ['-1', '0.499999', 0, '0'],
  ['1', '0.0005', 3, '0.001'],
  ['7', '0.00005', 4, '0.0004'],
])('%s × %s with %d digits: %s', (quantity, price, minorDigits, expected) => {
  const amount = roundToMinorUnit(BigInt(quantity) * parsePrice(price)!, minorDigits);
  expect(formatAmount(amount, minorDigits)).toBe(expected);
});
