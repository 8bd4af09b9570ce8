import { afterEach, describe, expect, test, vi } from 'vitest';
import {
  isCalendarDate,
  isPeriod,
  isTimeZone,
  localDateOf,
  monthBounds,
  nextPeriod,
  periodOf,
  previousPeriod,
  startOfDay,
} from '../../src/domain/billing-month.ts';

const plusMs = (instant: Date, ms: number) => new Date(instant.getTime() + ms);
const dayLengthHours = (date: string, next: string, zone: string) =>
  (startOfDay(next, zone).getTime() - startOfDay(date, zone).getTime()) / 3_600_000;

/** Bounds worked out by hand from the zones' rules. */
const months: [rule: string, period: string, zone: string, start: string, end: string][] = [
  ['UTC', '2026-10', 'UTC', '2026-10-01T00:00:00Z', '2026-11-01T00:00:00Z'],
  ['December runs into January', '2026-12', 'UTC', '2026-12-01T00:00:00Z', '2027-01-01T00:00:00Z'],
  ['January follows December', '2027-01', 'UTC', '2027-01-01T00:00:00Z', '2027-02-01T00:00:00Z'],
  ['February has 29 days', '2028-02', 'UTC', '2028-02-01T00:00:00Z', '2028-03-01T00:00:00Z'],
  ['February 2100 has 28 days', '2100-02', 'UTC', '2100-02-01T00:00:00Z', '2100-03-01T00:00:00Z'],
  ['leap February', '2028-02', 'Asia/Kolkata', '2028-01-31T18:30:00Z', '2028-02-29T18:30:00Z'],
  ['an hour short', '2026-03', 'Europe/Amsterdam', '2026-02-28T23:00:00Z', '2026-03-31T22:00:00Z'],
  ['an hour long', '2026-10', 'Europe/Amsterdam', '2026-09-30T22:00:00Z', '2026-10-31T23:00:00Z'],
  ['New Year', '2026-12', 'Europe/Amsterdam', '2026-11-30T23:00:00Z', '2026-12-31T23:00:00Z'],
  ['an hour short', '2026-03', 'America/New_York', '2026-03-01T05:00:00Z', '2026-04-01T04:00:00Z'],
  ['clock put back on its 1st', '2026-11', 'America/New_York', '2026-11-01T04:00:00Z', '2026-12-01T05:00:00Z'],
  ['half an hour off', '2026-02', 'Asia/Kolkata', '2026-01-31T18:30:00Z', '2026-02-28T18:30:00Z'],
  ['three quarters off', '2026-07', 'Asia/Kathmandu', '2026-06-30T18:15:00Z', '2026-07-31T18:15:00Z'],
  ['half an hour of DST', '2026-04', 'Australia/Lord_Howe', '2026-03-31T13:00:00Z', '2026-04-30T13:30:00Z'],
  ['farthest ahead', '2026-01', 'Pacific/Kiritimati', '2025-12-31T10:00:00Z', '2026-01-31T10:00:00Z'],
  ['farthest behind', '2026-01', 'Pacific/Pago_Pago', '2026-01-01T11:00:00Z', '2026-02-01T11:00:00Z'],
  ['a day is skipped', '2011-12', 'Pacific/Apia', '2011-12-01T10:00:00Z', '2011-12-31T10:00:00Z'],
  ['DST within', '2018-11', 'America/Sao_Paulo', '2018-11-01T03:00:00Z', '2018-12-01T02:00:00Z'],
  ['DST at midnight within', '2026-03', 'Asia/Beirut', '2026-02-28T22:00:00Z', '2026-03-31T21:00:00Z'],
  ['its first midnight is skipped', '2023-10', 'America/Asuncion', '2023-10-01T04:00:00Z', '2023-11-01T03:00:00Z'],
  ['its first midnight is skipped', '2008-06', 'Asia/Karachi', '2008-05-31T19:00:00Z', '2008-06-30T18:00:00Z'],
  ['its last midnight is skipped', '2008-05', 'Asia/Karachi', '2008-04-30T19:00:00Z', '2008-05-31T19:00:00Z'],
  ['its first midnight comes twice', '2026-11', 'America/Havana', '2026-11-01T04:00:00Z', '2026-12-01T05:00:00Z'],
  ['put back at its last midnight', '2009-12', 'Asia/Dhaka', '2009-11-30T17:00:00Z', '2009-12-31T18:00:00Z'],
];

describe.each(months)('%s: %s in %s', (_, period, zone, start, end) => {
  test('has these bounds', () => {
    expect(monthBounds(period, zone)).toEqual({ start: new Date(start), end: new Date(end) });
  });

  test('holds its first instant and not the millisecond before', () => {
    expect(periodOf(new Date(start), zone)).toBe(period);
    expect(periodOf(plusMs(new Date(start), -1), zone)).toBe(previousPeriod(period));
  });

  test('holds the millisecond before its end and not the end', () => {
    expect(periodOf(plusMs(new Date(end), -1), zone)).toBe(period);
    expect(periodOf(new Date(end), zone)).toBe(nextPeriod(period));
  });

  test('touches its neighbours without gap or overlap', () => {
    expect(monthBounds(previousPeriod(period), zone).end).toEqual(new Date(start));
    expect(monthBounds(nextPeriod(period), zone).start).toEqual(new Date(end));
  });
});

test.each(['America/St_Johns', 'America/Goose_Bay'])(
  'where the clock is put back over midnight (%s, 2009-11-01 00:01) the hour after it stays in the month that has begun',
  (zone) => {
    const { start } = monthBounds('2009-11', zone);
    for (const minutes of [0, 1, 30, 60, 61]) expect(periodOf(plusMs(start, minutes * 60_000), zone)).toBe('2009-11');
    expect(localDateOf(plusMs(start, 30 * 60_000), zone)).toBe('2009-11-01');
  },
);

describe('days', () => {
  test.each([
    ['starts at midnight', '2026-06-15', 'Europe/Amsterdam', '2026-06-14T22:00:00Z'],
    ['that was skipped starts with the next one', '2011-12-30', 'Pacific/Apia', '2011-12-30T10:00:00Z'],
    ['after a skipped one starts at its midnight', '2011-12-31', 'Pacific/Apia', '2011-12-30T10:00:00Z'],
    ['without midnight starts after the gap', '2018-11-04', 'America/Sao_Paulo', '2018-11-04T03:00:00Z'],
    ['without midnight starts after the gap', '2026-03-29', 'Asia/Beirut', '2026-03-28T22:00:00Z'],
    ['with two midnights starts with the first', '2026-11-01', 'America/Havana', '2026-11-01T04:00:00Z'],
    ['before the clock is put back at midnight is whole', '2018-02-18', 'America/Sao_Paulo', '2018-02-18T03:00:00Z'],
  ])('a day %s: %s in %s', (_, date, zone, start) => {
    expect(startOfDay(date, zone)).toEqual(new Date(start));
  });

  test.each([
    [23, '2026-03-29', '2026-03-30', 'Europe/Amsterdam'],
    [25, '2026-10-25', '2026-10-26', 'Europe/Amsterdam'],
    [23, '2026-03-29', '2026-03-30', 'Asia/Beirut'],
    [25, '2018-02-17', '2018-02-18', 'America/Sao_Paulo'],
    [24.5, '2026-04-05', '2026-04-06', 'Australia/Lord_Howe'],
    [0, '2011-12-30', '2011-12-31', 'Pacific/Apia'],
    [24, '2026-06-01', '2026-06-02', 'UTC'],
  ])('a day lasts %d hours where the zone says so: %s to %s in %s', (hours, date, next, zone) => {
    expect(dayLengthHours(date, next, zone)).toBe(hours);
  });

  test.each([
    ['2026-09-30T21:59:59.999Z', 'Europe/Amsterdam', '2026-09-30'],
    ['2026-09-30T22:00:00.000Z', 'Europe/Amsterdam', '2026-10-01'],
    ['2011-12-30T09:59:59.999Z', 'Pacific/Apia', '2011-12-29'],
    ['2011-12-30T10:00:00.000Z', 'Pacific/Apia', '2011-12-31'],
    ['2027-01-01T04:59:59.999Z', 'America/New_York', '2026-12-31'],
  ])('%s in %s is %s', (instant, zone, date) => {
    expect(localDateOf(new Date(instant), zone)).toBe(date);
  });

  test.each(['2026-02-29', '2026-1-1', '', '0000-01-01'])('the start of %j, which is no date, is refused', (date) => {
    expect(() => startOfDay(date, 'UTC')).toThrow(RangeError);
  });
});

describe('the names of months and days', () => {
  test.each(['2026-01', '2026-12', '2000-01', '2999-12'])('%s is a month', (text) => {
    expect(isPeriod(text)).toBe(true);
  });

  test.each([
    '2026-13',
    '2026-00',
    '0000-01',
    '1999-12',
    '3000-01',
    '2026-1',
    '26-01',
    '2026-001',
    '2026/01',
    '202601',
    '2026-01-01',
    ' 2026-01',
    '2026-01 ',
    '2026-01\n',
    '-2026-01',
    '+2026-01',
    '2026-0१',
    '２026-01',
    '',
    'null',
    '2026-1e',
    '2026-O1',
    '../2026-01',
    '2026‐01',
  ])('%j is no month', (text) => {
    expect(isPeriod(text)).toBe(false);
    expect(() => monthBounds(text, 'UTC')).toThrow(RangeError);
  });

  test.each(['2026-01-01', '2026-12-31', '2028-02-29', '2000-02-29', '2026-04-30', '9999-12-31'])(
    '%s is a day',
    (text) => {
      expect(isCalendarDate(text)).toBe(true);
    },
  );

  test.each([
    '2026-02-29',
    '2026-02-30',
    '2100-02-29',
    '2026-04-31',
    '2026-13-01',
    '2026-00-10',
    '2026-01-00',
    '2026-01-32',
    '0000-01-01',
    '0999-12-31',
    '2026-1-1',
    '26-01-01',
    '2026-01',
    '20260101',
    '2026/01/01',
    '01-01-2026',
    '',
    '2026-01-01T00:00:00Z',
    ' 2026-01-01',
    '2026-01-01 ',
    '2026-01-01\n',
    '+002026-01-01',
    '-2026-01-01',
    'NaN',
  ])('%j is no day', (text) => {
    expect(isCalendarDate(text)).toBe(false);
  });

  test.each([
    ['2026-01', '2026-02'],
    ['2026-09', '2026-10'],
    ['2026-12', '2027-01'],
    ['2099-12', '2100-01'],
  ])('%s is followed by %s', (period, next) => {
    expect(nextPeriod(period)).toBe(next);
    expect(previousPeriod(next)).toBe(period);
  });

  test.each(['UTC', 'Europe/Amsterdam', 'America/Argentina/Buenos_Aires', 'Etc/GMT+2', 'CET'])(
    '%s is a time zone',
    (name) => {
      expect(isTimeZone(name)).toBe(true);
    },
  );

  test.each(['+02:00', '-05:00', '+02', 'UTC+1', 'Mars/Olympus', 'Europe/Amsterdam ', ' UTC', '', '0', 'Europe'])(
    '%j is no time zone: offsets know no daylight saving',
    (name) => {
      expect(isTimeZone(name)).toBe(false);
    },
  );
});

describe('on any machine', () => {
  afterEach(() => {
    vi.unstubAllEnvs();
  });

  test.each(['Pacific/Apia', 'America/New_York', 'Asia/Beirut'])('the machine’s own zone %s changes nothing', (own) => {
    vi.stubEnv('TZ', own);
    expect(Intl.DateTimeFormat().resolvedOptions().timeZone).toBe(own);
    for (const [, period, zone, start, end] of months)
      expect(monthBounds(period, zone)).toEqual({ start: new Date(start), end: new Date(end) });
    expect(isCalendarDate('2026-03-29')).toBe(true);
    expect(localDateOf(new Date('2026-09-30T22:00:00Z'), 'Europe/Amsterdam')).toBe('2026-10-01');
  });
});
