import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  formatAmount,
  isCurrency,
  type Micros,
  isPayable,
  minorUnitDigits,
  parsePrice,
  roundToMinorUnit,
  storedAmount,
} from '../../src/domain/money.ts';

describe('a unit price', () => {
  test.each([
    ['0', 0n],
    ['0.0', 0n],
    ['0.000000', 0n],
    ['0.3333', 333_300n],
    ['0.625', 625_000n],
    ['1', 1_000_000n],
    ['1.5', 1_500_000n],
    ['1.000001', 1_000_001n],
    ['0.000001', 1n],
    ['007.10', 7_100_000n],
    ['999999999999.999999', 999_999_999_999_999_999n],
  ])('%j is read as it is written', (text, micros) => {
    expect(parsePrice(text)).toBe(micros);
  });

  test.each([
    ['negative', ['-1', '-0', '-0.50', '−1']],
    ['with a plus sign', ['+1', '+0.5']],
    ['with an exponent', ['1e3', '1E-2', '1.5e1', '0e0']],
    ['no number', ['NaN', 'Infinity', 'free', 'null', 'undefined', '']],
    ['of seven decimals', ['0.1234567', '0.0000000', '1.0000001']],
    ['of thirteen digits', ['1000000000000', '0000000000001']],
    ['without digits before or behind its point', ['.5', '1.', '.', '1..5', '1.2.3']],
    ['with separators', ['1,5', '1,000.00', '1 000', '1_000', "1'000", '1.000,00']],
    ['with spaces around', [' 1', '1 ', '\t1', '1\n', '\u00a01']],
    ['with a currency', ['€1', '1 EUR', '$0.50']],
    ['in another notation', ['0x10', '0b1', '1n', '１', '٣', '1/2', '50%']],
  ])('%s is refused', (_, texts) => {
    for (const text of texts) expect([text, parsePrice(text)]).toEqual([text, undefined]);
  });
});

describe('rounding to the minor unit', () => {
  test.each<[minorDigits: number, amount: Micros, rounded: Micros]>([
    [2, 4_999n, 0n],
    [2, 5_000n, 10_000n],
    [2, 5_001n, 10_000n],
    [2, 14_999n, 10_000n],
    [2, 15_000n, 20_000n],
    [2, 25_000n, 30_000n],
    [2, 10_000n, 10_000n],
    [2, 0n, 0n],
    [0, 499_999n, 0n],
    [0, 500_000n, 1_000_000n],
    [0, 2_500_000n, 3_000_000n],
    [3, 499n, 0n],
    [3, 500n, 1_000n],
    [3, 1_234_500n, 1_235_000n],
    [4, 49n, 0n],
    [4, 50n, 100n],
    [4, 333_350n, 333_400n],
    [6, 1n, 1n],
    [2, 10n ** 30n + 5_000n, 10n ** 30n + 10_000n],
  ])('goes half away from zero, with %d digits: %d to %d, the same below zero', (minorDigits, amount, rounded) => {
    expect(roundToMinorUnit(amount, minorDigits)).toBe(rounded);
    expect(roundToMinorUnit(-amount, minorDigits)).toBe(-rounded);
  });

  test('1,234 at 0.3333 are 411.29', () => {
    const amount = 1_234n * parsePrice('0.3333')!;
    expect(formatAmount(amount, 2)).toBe('411.2922');
    expect(formatAmount(roundToMinorUnit(amount, 2), 2)).toBe('411.29');
  });
});

describe('an amount is written', () => {
  test.each<[amount: Micros, minorDigits: number, text: string]>([
    [0n, 2, '0.00'],
    [0n, 0, '0'],
    [0n, 3, '0.000'],
    [12_500_000n, 2, '12.50'],
    [-12_500_000n, 2, '-12.50'],
    [-3_000_000n, 2, '-3.00'],
    [333_300n, 2, '0.3333'],
    [-333_300n, 2, '-0.3333'],
    [1n, 2, '0.000001'],
    [-1n, 2, '-0.000001'],
    [10n, 2, '0.00001'],
    [100_000n, 2, '0.10'],
    [1_000_000n, 3, '1.000'],
    [1_500_000n, 0, '1.5'],
    [2_000_000n, 0, '2'],
    [1_000_000n, 4, '1.0000'],
    [1_234_567_890_123_456_789n, 2, '1234567890123.456789'],
    [10n ** 36n, 2, `1${'0'.repeat(30)}.00`],
  ])('with the minor unit’s digits and no needless zeros: %d micros, %d digits, %s', (amount, minorDigits, text) => {
    expect(formatAmount(amount, minorDigits)).toBe(text);
  });

  test.each([0, 2, 3, 4])('without a minus sign where it rounds to nothing (%d digits)', (minorDigits) => {
    const zero = formatAmount(0n, minorDigits);
    expect(formatAmount(roundToMinorUnit(-1n, minorDigits), minorDigits)).toBe(zero);
    expect(formatAmount(-0n, minorDigits)).toBe(zero);
  });

  test('so that a price reads back as itself', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 10n ** 18n - 1n }), fc.constantFrom(0, 2, 3, 4), (micros, minorDigits) => {
        expect(parsePrice(formatAmount(micros, minorDigits))).toBe(micros);
      }),
    );
  });
});

describe('an amount of ours', () => {
  test('reads back as itself, however large it is', () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: -(10n ** 40n), max: 10n ** 40n }),
        fc.constantFrom(0, 2, 3, 4),
        (micros, minorDigits) => {
          expect(storedAmount(formatAmount(micros, minorDigits))).toBe(micros);
        },
      ),
    );
    expect(storedAmount('-1250000000000.00')).toBe(-1_250_000_000_000_000_000n);
  });

  test.each(['', '-', '1.', '.5', '1e3', '+1', '--1', '1.0000001', '1 000', 'NaN'])('is never %j', (text) => {
    expect(() => storedAmount(text)).toThrow(RangeError);
  });
});

test.each([
  ['EUR', 2],
  ['USD', 2],
  ['HUF', 2],
  ['JPY', 0],
  ['ISK', 0],
  ['KRW', 0],
  ['KWD', 3],
  ['TND', 3],
  ['CLF', 4],
  ['UYW', 4],
  ['UYI', 0],
  ['IDR', 2],
  ['CHE', 2],
  ['COU', 2],
  ['MXV', 2],
  ['USN', 2],
])('%s is a currency, and its minor unit has %d digits (ISO 4217)', (currency, digits) => {
  expect(isCurrency(currency)).toBe(true);
  expect(minorUnitDigits(currency)).toBe(digits);
});

test('a currency that went out of use still is one: closed months may be in it', () => {
  for (const code of ['HRK', 'BGN', 'ANG', 'SLL', 'ZWL', 'CUC']) expect([code, isCurrency(code)]).toEqual([code, true]);
});

test('metals, tests and what is written otherwise are none', () => {
  for (const code of ['XXX', 'XTS', 'XAU', 'XAG', 'ZZZ', 'eur', 'EU', 'EURO', ''])
    expect([code, isCurrency(code)]).toEqual([code, false]);
});

test('every currency that the runtime knows is one here', () => {
  expect(Intl.supportedValuesOf('currency').filter((code) => !isCurrency(code))).toEqual([]);
});

test('an amount of ours without decimals is read, too', () => {
  expect(storedAmount('12')).toBe(12_000_000n);
  expect(storedAmount('-3')).toBe(-3_000_000n);
});

test('an amount can be paid that does not end between two minor units', () => {
  expect([6_880_000n, 6_875_000n, -10_000n, 0n].map((amount) => isPayable(amount, 'EUR'))).toEqual([
    true,
    false,
    true,
    true,
  ]);
  expect(isPayable(6_875_000n, 'KWD')).toBe(true);
  expect(isPayable(6_880_000n, 'JPY')).toBe(false);
});
