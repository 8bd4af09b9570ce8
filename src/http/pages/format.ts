import { formatAmount, type Micros } from '../../domain/money.ts';
import { type Html, html } from './html.ts';

const thinSpace = '\u202f';
const minus = '\u2212';

/** Shown in place of a missing value. */
export const nothing: Html = html`<span class="faint" aria-label="none">–</span>`;

const grouped = (text: string): string => {
  const [whole = '', fraction] = text.replace(/^-/, '').split('.');
  const groups = whole.replace(/\B(?=(\d{3})+$)/g, thinSpace);
  return `${text.startsWith('-') ? minus : ''}${groups}${fraction === undefined ? '' : `.${fraction}`}`;
};

/** The page of a finding. */
export const findingPath = (period: string, id: string): string => `/reports/${period}/invoice/findings/${id}`;

/** A whole number with thin spaces between thousands: `12 345`. */
export const count = (number: number | bigint): string => grouped(String(number));

/** A whole number and its noun. @example counted(1, 'attempt') // '1 attempt' */
export const counted = (number: number | bigint, one: string, many = `${one}s`): string =>
  `${count(number)} ${BigInt(number) === 1n ? one : many}`;

/** An amount without its currency. */
export const amount = (micros: Micros, minorDigits: number): string => grouped(formatAmount(micros, minorDigits));

/** An amount that we have written, such as `-1234.50`. */
export const amountText = (text: string): string => grouped(text);

export type Priced = { readonly currency: string; readonly minorDigits: number };

/** An amount with its currency; a dash if it is unknown. */
export function money(micros: Micros | null, prices: Priced | null): Html {
  if (micros === null || !prices) return nothing;
  return html`<span class="money">${amount(micros, prices.minorDigits)}&nbsp;<abbr>${prices.currency}</abbr></span>`;
}

/** With its sign: `+12.50`, `−3.00`. */
export const signed = (text: string): string => (/^[-−]|^0(\.0*)?$/.test(text) ? text : `+${text}`);

/** A change in tenths of a percent: `+12.3 %`. */
export const percent = (perMille: bigint): string => `${perMille > 0n ? '+' : ''}${share(perMille)}`;

/** A share in tenths of a percent: `12.3 %`. */
export function share(perMille: bigint): string {
  const digits = String(perMille < 0n ? -perMille : perMille).padStart(2, '0');
  const sign = perMille < 0n ? minus : '';
  return `${sign}${grouped(digits.slice(0, -1))}.${digits.slice(-1)}${thinSpace}%`;
}

const monthNames = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
];

/** `2026-10` in words: `October 2026`. */
export const monthName = (period: string): string =>
  `${monthNames[Number(period.slice(5)) - 1] ?? period} ${period.slice(0, 4)}`;

/** `Oct` */
export const shortMonth = (period: string): string => (monthNames[Number(period.slice(5)) - 1] ?? '').slice(0, 3);

/** An instant in a time zone's local time, with the abbreviation then in use: `5 Oct 2026, 12:00 CEST`. */
export function moment(instant: Date, timeZone: string): Html {
  const format = new Intl.DateTimeFormat('en-GB', {
    day: 'numeric',
    month: 'short',
    year: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    timeZoneName: 'short',
    timeZone,
  });
  return html`<time datetime="${instant.toISOString()}">${format.format(instant)}</time>`;
}

/** A size for people: `1.2 MB`. */
export function size(bytes: number): string {
  if (bytes < 1_000) return counted(bytes, 'byte');
  const tenths = (unitBytes: number) => grouped(String(Math.round((bytes / unitBytes) * 10) / 10));
  return bytes < 1_000_000 ? `${tenths(1_000)}${thinSpace}kB` : `${tenths(1_000_000)}${thinSpace}MB`;
}
