const dayMs = 86_400_000n;
/** Day 0 of the two calendars that workbooks count by. The one of 1900 has a 29 February 1900, which never was. */
const epochs = { 1900: Date.UTC(1899, 11, 30), 1904: Date.UTC(1904, 0, 1) };
const leapBug = 60;

/**
 * The date of a serial number of days, as `YYYY-MM-DD` or, where it has a fraction, `YYYY-MM-DDTHH:MM:SS.sss`, to the
 * millisecond that is nearest.
 *
 * @param serial a decimal, as `decimalOfDouble` writes it. @returns `undefined` for what is no date.
 * @example serialDate('46357', 1900) // '2026-12-01'
 */
export function serialDate(serial: string, epoch: 1900 | 1904): string | undefined {
  const [, whole = '', fraction = ''] = /^(\d{1,7})(?:\.(\d+))?$/.exec(serial) ?? [];
  if (whole === '') return undefined;
  const days = Number(whole);
  if (epoch === 1900 && (days < 1 || days === leapBug)) return undefined;
  const shift = epoch === 1900 && days < leapBug ? 1 : 0;
  const scale = 10n ** BigInt(fraction.length);
  const ms = fraction === '' ? 0 : Number((BigInt(fraction) * dayMs + scale / 2n) / scale);
  const date = new Date(epochs[epoch] + (days + shift) * Number(dayMs) + ms);
  if (Number.isNaN(date.getTime()) || date.getUTCFullYear() > 9999) return undefined;
  return fraction === '' ? date.toISOString().slice(0, 10) : date.toISOString().slice(0, 23);
}

/** Numbers of built-in formats that show a date; those for times of day alone (18–21, 45–47) are none. */
const builtIn = new Set([14, 15, 16, 17, 22, 27, 28, 29, 30, 31, 36, 50, 51, 52, 53, 54, 57, 58]);

/** Whether a number format shows a date: one that has a day or year outside of quotes, brackets and escapes. */
export const isDateFormat = (id: number, code: string | undefined): boolean =>
  code === undefined
    ? builtIn.has(id)
    : /[dy]/i.test((code.split(';')[0] ?? '').replaceAll(/"[^"]*"|\[[^\]]*\]|\\.|_.|\*./g, ''));
