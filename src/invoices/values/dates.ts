import { instantOfClock, isCalendarDate, isPeriod, previousPeriod } from '../../domain/billing-month.ts';
import { type Cell, textOf } from './cells.ts';
import { remembered } from './remembered.ts';
import { type Mistake, shown } from '../refusals.ts';

export const dayOrders = ['YYYY-MM-DD', 'DD-MM-YYYY', 'MM-DD-YYYY'] as const;
/** The order of a date's parts. They may be separated by `-`, `/` or `.`. */
export type DayOrder = (typeof dayOrders)[number];

/** The months in words: English and Dutch, whole or short. */
const months = [
  /^jan(uary|uari)?$/,
  /^feb(ruary|ruari)?$/,
  /^(mar(ch)?|mrt|maart)$/,
  /^apr(il)?$/,
  /^(may|mei)$/,
  /^jun[ei]?$/,
  /^jul[yi]?$/,
  /^aug(ust|ustus)?$/,
  /^sept?(ember)?$/,
  /^o[ck]t(ober)?$/,
  /^nov(ember)?$/,
  /^dec(ember)?$/,
];

/**
 * Reads a day by the order of its parts. A month in words, English or Dutch, needs no order.
 *
 * @param order `null` = it does not matter: every order that reads the text says the same day.
 * @returns `YYYY-MM-DD`, or `undefined` for what is no day that exists.
 */
export function readDay(text: string, order: DayOrder | null): string | undefined {
  if (order === null) return dayOrders.map((one) => readDay(text, one)).find((found) => found !== undefined);
  const trimmed = text.trim();
  const [, first = '', , second = '', third = ''] = /^(\d{1,4})([-/.])(\d{1,2})\2(\d{1,4})$/.exec(trimmed) ?? [];
  if (first !== '') {
    if (order === 'YYYY-MM-DD') return first.length === 4 ? day(first, second, third) : undefined;
    if (third.length !== 4) return undefined;
    return order === 'DD-MM-YYYY' ? day(third, second, first) : day(third, first, second);
  }
  const [, date = '', name = '', year = ''] = /^(\d{1,2})\.? (\p{L}{3,9})\.? (\d{4})$/u.exec(trimmed) ?? [];
  const month = months.findIndex((pattern) => pattern.test(name.toLowerCase()));
  return month === -1 ? undefined : day(year, String(month + 1), date);
}

function day(year: string, month: string, date: string): string | undefined {
  const text = `${year}-${month.padStart(2, '0')}-${date.padStart(2, '0')}`;
  return isCalendarDate(text) ? text : undefined;
}

/** Gathers which order the dates of a file have. */
export function orderEvidence() {
  const seen = new Map<DayOrder | 'either', { text: string; line: number; field: string }>();
  return {
    see: (text: string, line: number, field: string): void => {
      const readings = dayOrders.flatMap((order) => {
        const value = readDay(text, order);
        return value === undefined ? [] : [{ order, value }];
      });
      const [first] = readings;
      if (!first || (readings.length > 1 && readings.every(({ value }) => value === first.value))) return;
      const says = readings.length === 1 ? first.order : 'either';
      if (!seen.has(says)) seen.set(says, { text, line, field });
    },
    /**
     * The order; `null` = no date depends on it. Or why that is not certain.
     *
     * @param format the place in a layout that settles it.
     */
    settle: (format: string): { readonly order: DayOrder | null } | { readonly mistake: Mistake } => {
      const either = seen.get('either');
      const [first, second] = dayOrders.flatMap((order) => {
        const one = seen.get(order);
        return one ? [{ order, ...one }] : [];
      });
      const other = second ?? (first?.order === 'YYYY-MM-DD' ? either : undefined);
      if (first && other)
        return {
          mistake: {
            at: other.line,
            message: `${other.field}: ${shown(other.text)} is written otherwise than ${shown(first.text)} on line ${first.line}; ${format}.date says which order the file has`,
          },
        };
      if (first) return { order: first.order };
      if (!either) return { order: null };
      const message = `${either.field}: ${shown(either.text)} can be two days, and no other date tells; set ${format}.date to "DD-MM-YYYY" or "MM-DD-YYYY"`;
      return { mistake: { at: either.line, message } };
    },
  };
}

/** A day of a cell as `YYYY-MM-DD`, or why it is none. */
export function dayOf(cell: Cell, order: DayOrder | null): { readonly day: string } | string {
  if (typeof cell !== 'string') {
    if ('unusable' in cell) return cell.unusable;
    if ('date' in cell) return { day: cell.date.slice(0, 10) };
  }
  const text = textOf(cell);
  const compact = /^(\d{4})(\d{2})(\d{2})$/.exec(text);
  const found = compact ? day(compact[1] ?? '', compact[2] ?? '', compact[3] ?? '') : readDay(text, order);
  return found === undefined
    ? `${shown(text)} is no day that exists${order === null ? '' : `, as ${order}`}`
    : { day: found };
}

/** A month as `YYYY-MM`, of `2026-11`, `11-2026`, `november 2026`, or a day in it. */
function readPeriod(cell: Cell, order: DayOrder | null): string | undefined {
  const text = textOf(cell);
  const [, year, month = ''] = /^(\d{4})[-/](\d{2})$/.exec(text) ?? [];
  const [, monthFirst = '', yearLast] = /^(\d{1,2}|\p{L}{3,9})[-/. ](\d{4})$/u.exec(text) ?? [];
  const named = months.findIndex((pattern) => pattern.test(monthFirst.toLowerCase()));
  const number = named === -1 ? monthFirst : String(named + 1);
  const found = dayOf(cell, order);
  const period =
    year !== undefined
      ? `${year}-${month}`
      : yearLast !== undefined
        ? `${yearLast}-${number.padStart(2, '0')}`
        : typeof found === 'string'
          ? ''
          : found.day.slice(0, 7);
  return isPeriod(period) ? period : undefined;
}

const between = /^(\S.*?)(?:\s+(?:-|to|until|through|t\/m|tot en met|tot)\s+|\s*[–—]\s*|\/(?=\d{4}-\d))(\S.*)$/i;

/** What a text names as beginning and end, `01-11-2026 t/m 30-11-2026`; `undefined` = it names no two things. */
export function endsOf(text: string): readonly [string, string] | undefined {
  const [, first, last] = between.exec(text) ?? [];
  return first === undefined || last === undefined ? undefined : [first, last];
}

/** The first and the last month of a cell: of one, or of a time from one to another. */
export function readMonths(cell: Cell, order: DayOrder | null): Months | undefined {
  const whole = readPeriod(cell, order);
  if (whole !== undefined) return { from: whole, to: whole };
  const ends = endsOf(textOf(cell)) ?? [];
  const [first, last] = ends.map((end) => dayOf(end, order));
  if (typeof first === 'object' && typeof last === 'object')
    return first.day > last.day ? undefined : monthsBetween(first.day, last.day);
  const [from, to] = ends.map((end) => readPeriod(end, order));
  return from === undefined || to === undefined || from > to ? undefined : { from, to };
}

type Months = { readonly from: string; readonly to: string };

/**
 * The months from one day to another. From the first of a month to the first of a later one is a time that ends when that
 * day begins: nobody bills months and a day.
 */
export function monthsBetween(first: string, last: string): Months {
  const [from, to] = [first.slice(0, 7), last.slice(0, 7)];
  return { from, to: from < to && first.endsWith('-01') && last.endsWith('-01') ? previousPeriod(to) : to };
}

const clockPattern = /^(\S+)[T ](\d{2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)? ?(Z|[+-]\d{2}:?\d{2})?$/;

/** How nearly all files write them. */
const plainInstant = /^(\d{4}-\d{2}-\d{2})T(?:[01]\d|2[0-3])(?::[0-5]\d){2}Z$/;

/**
 * Reads instants: a function that says the instant of a cell, or why it is none. Where a text names no offset it is a
 * clock's in `timeZone`; of an hour that comes twice the first is taken.
 */
export function instantReader(order: DayOrder | null, timeZone: string | undefined): (cell: Cell) => Date | string {
  const dayOfText = remembered((text) => readDay(text, order));
  return (cell) => {
    if (typeof cell !== 'string' && 'unusable' in cell) return cell.unusable;
    const text = textOf(cell);
    const [, plainDay] = plainInstant.exec(text) ?? [];
    if (plainDay !== undefined && dayOfText(plainDay) === plainDay) return new Date(text);
    const [, date = '', hour = '', minute = '', second = '00', fraction = '', zone] = clockPattern.exec(text) ?? [];
    const day = typeof cell === 'string' ? dayOfText(date) : readDay(date, 'YYYY-MM-DD');
    if (day === undefined || Number(hour) > 23 || Number(minute) > 59 || Number(second) > 59)
      return `${shown(text)} is no instant, such as 2026-11-03T10:11:12Z`;
    const millis = Date.parse(`${day}T${hour}:${minute}:${second}.${fraction.padEnd(3, '0').slice(0, 3)}Z`);
    if (zone !== undefined) return new Date(millis - offsetMinutes(zone) * 60_000);
    if (timeZone === undefined) return needsZone;
    return instantOfClock(millis, timeZone) ?? `${shown(text)} is in the hour that the clocks of ${timeZone} skip`;
  };
}

/** Said of a time without offset where no time zone is known: the only mistake in an instant that a layout settles. */
export const needsZone = 'is a time without offset';

function offsetMinutes(zone: string): number {
  if (zone === 'Z') return 0;
  const minutes = Number(zone.slice(1, 3)) * 60 + Number(zone.slice(-2));
  return zone.startsWith('-') ? -minutes : minutes;
}
