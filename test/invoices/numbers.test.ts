import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { markEvidence, microsOf, numberIn, quantityOf, readDecimal } from '../../src/invoices/numbers.ts';
import { decimalOfDouble } from '../../src/invoices/xlsx/doubles.ts';
import { serialDate } from '../../src/invoices/xlsx/serial-dates.ts';
import { numberText } from './writers.ts';

const marks = fc.constantFrom(
  { decimal: '.', thousands: ',' },
  { decimal: '.', thousands: '' },
  { decimal: '.', thousands: ' ' },
  { decimal: ',', thousands: '.' },
  { decimal: ',', thousands: '\u00a0' },
  { decimal: ',', thousands: "'" },
);
const micros = fc.bigInt({ min: -(10n ** 18n) + 1n, max: 10n ** 18n - 1n });

describe('numbers', () => {
  test('any amount is read as it was, however it is written', () => {
    fc.assert(
      fc.property(micros, marks, fc.nat(6), (value, form, decimals) => {
        const text = numberText(value, 6, decimals, form);
        expect(numberIn(text, form.decimal, microsOf)).toBe(value);
      }),
    );
  });

  test('a mark is settled only where all values have one reading, and then it is the right one', () => {
    fc.assert(
      fc.property(fc.array(micros, { minLength: 1, maxLength: 5 }), marks, (values, form) => {
        const evidence = markEvidence();
        for (const value of values) evidence.see(numberText(value, 6, 0, form), 1, 'amount');
        const settled = evidence.settle('format');
        if ('mistake' in settled) return;
        for (const value of values)
          expect(numberIn(numberText(value, 6, 0, form), settled.mark ?? '.', microsOf)).toBe(value);
      }),
    );
  });

  test.each([
    ['1.234,50', ',', 12345n, 1],
    ['€ 1.234,50', ',', 12345n, 1],
    ['1.234,50 EUR', ',', 12345n, 1],
    ['-€ 12,50', ',', -125n, 1],
    ['€ -12,50', ',', -125n, 1],
    ['12,50-', ',', -125n, 1],
    ['(12.50)', '.', -125n, 1],
    ['\u221212.50', '.', -125n, 1],
    ['+0.10', '.', 1n, 1],
    ['.5', '.', 5n, 1],
    ['12,000', '.', 12_000n, 0],
    ['12,000', ',', 12n, 0],
    ['1 234 567', ',', 1_234_567n, 0],
  ] as const)('%s with %s', (text, mark, unscaled, scale) => {
    expect(readDecimal(text, mark)).toEqual({ unscaled, scale });
  });

  test.each([
    '',
    '-',
    '1e3',
    '0x10',
    'NaN',
    '1,2,3',
    '1.23.456',
    '12,34,567',
    '0,123.5',
    '1 23',
    '--1',
    '(-1)',
    '1 €2',
    '½',
    '١',
    '1_000',
    '9'.repeat(70),
  ])('is no number: %s', (text) => {
    expect(readDecimal(text, '.')).toBeUndefined();
  });

  test('what cannot be kept exactly, or at all, is refused', () => {
    expect(numberIn('0.1234567', '.', microsOf)).toMatch(/7 decimals/);
    expect(numberIn('0.1234560000', '.', microsOf)).toBe(123_456n);
    expect(numberIn('1000000000000', '.', microsOf)).toMatch(/out of range/);
    expect(numberIn('12.5', '.', quantityOf)).toMatch(/no whole number/);
    expect(numberIn('12.000', '.', quantityOf)).toBe(12n);
  });
});

describe("a spreadsheet's numbers", () => {
  test('any amount of up to 15 digits comes back from the double that holds it', () => {
    const amounts = fc.bigInt({ min: -(10n ** 15n) + 1n, max: 10n ** 15n - 1n });
    fc.assert(
      fc.property(amounts, fc.nat(6), (value, scale) => {
        const text = numberText(value, scale, 0, { decimal: '.', thousands: '' });
        for (const written of [text, String(Number(text)), Number(text).toPrecision(17), Number(text).toExponential()])
          expect(readDecimal(decimalOfDouble(written)!, '.')).toEqual(readDecimal(text, '.'));
      }),
    );
  });

  test('the noise of one sum or product of doubles is left out', () => {
    const cents = fc.integer({ min: 1, max: 10_000_000 });
    fc.assert(
      fc.property(cents, cents, (a, b) => {
        const sum = String(a / 100 + b / 100);
        expect(readDecimal(decimalOfDouble(sum)!, '.')).toEqual(
          readDecimal(numberText(BigInt(a + b), 2, 0, { decimal: '.', thousands: '' }), '.'),
        );
      }),
    );
  });

  test.each([
    ['0.30000000000000004', '0.3'],
    ['4.4999999999999998E-2', '0.045'],
    ['1E3', '1000'],
    ['-12.50', '-12.5'],
    ['0', '0'],
    ['123456789012345', '123456789012345'],
    ['46357.424999999996', '46357.425'],
  ])('%s is %s', (text, expected) => {
    expect(decimalOfDouble(text)).toBe(expected);
  });

  test.each(['1234567890123456.7', '0.1234567890123456', '12345678901234567', 'INF', '1E999', ''])(
    'refused: %s',
    (text) => {
      expect(decimalOfDouble(text)).toBeUndefined();
    },
  );

  test.each([
    ['46357', 1900, '2026-12-01'],
    ['44895', 1904, '2026-12-01'],
    ['1', 1900, '1900-01-01'],
    ['59', 1900, '1900-02-28'],
    ['61', 1900, '1900-03-01'],
    ['46357.5', 1900, '2026-12-01T12:00:00.000'],
    ['46357.424317129632', 1900, '2026-12-01T10:11:01.000'],
    ['46357.999999999999', 1900, '2026-12-02T00:00:00.000'],
    ['60', 1900, undefined],
    ['0', 1900, undefined],
    ['-1', 1904, undefined],
    ['9999999', 1900, undefined],
  ] as const)('day %s since %i is %s', (serial, epoch, day) => {
    expect(serialDate(serial, epoch)).toBe(day);
  });
});
