const significantDigits = 15;
const pattern = /^([+-]?)(\d+)(?:\.(\d*))?(?:[eE]([+-]?\d{1,3}))?$/;

/**
 * The decimal number that a cell means. A workbook stores doubles, which hold 15 decimal digits for certain, and writes
 * them with up to 17: 0.1 + 0.2 is `0.30000000000000004`. The rule:
 * - up to 15 digits are taken as they are written;
 * - more are rounded to 15 if that moves the number by less than a double can tell (2^−50 of it, four steps between
 *   doubles): the digits behind are noise;
 * - else the number had more digits than a double holds, and some are lost: it is refused, not rounded.
 *
 * It reckons in whole numbers, never in doubles.
 *
 * @returns a decimal without exponent, or `undefined` for what is refused.
 * @example decimalOfDouble('4.4999999999999998E-2') // '0.045'
 */
export function decimalOfDouble(text: string): string | undefined {
  const [, sign = '', whole = '', fraction = '', power = '0'] = pattern.exec(text) ?? [];
  if (whole === '') return undefined;
  const digits = `${whole}${fraction}`.replace(/^0+/, '').replace(/0+$/, '');
  if (digits === '') return '0';
  // value = digits × 10^exponent
  const trailing = `${whole}${fraction}`.length - `${whole}${fraction}`.replace(/0+$/, '').length;
  const exponent = Number(power) - fraction.length + trailing;
  const extra = digits.length - significantDigits;
  const kept = extra <= 0 ? digits : withoutNoise(BigInt(digits), extra);
  return kept === undefined ? undefined : written(sign === '-' ? '-' : '', kept, exponent);
}

/** Digits rounded to 15, the rest as zeros; `undefined` where more than noise would be lost. */
function withoutNoise(digits: bigint, extra: number): string | undefined {
  const step = 10n ** BigInt(extra);
  const rounded = ((digits + step / 2n) / step) * step;
  const moved = rounded > digits ? rounded - digits : digits - rounded;
  return moved << 50n < digits ? String(rounded) : undefined;
}

function written(sign: string, digits: string, exponent: number): string | undefined {
  // Far outside of what any amount can be: no need for strings of that length.
  if (exponent > 40 || exponent < -400) return undefined;
  if (exponent >= 0) return `${sign}${digits}${'0'.repeat(exponent)}`;
  const padded = digits.padStart(-exponent + 1, '0');
  const fraction = padded.slice(exponent).replace(/0+$/, '');
  return `${sign}${padded.slice(0, exponent)}${fraction === '' ? '' : `.${fraction}`}`;
}
