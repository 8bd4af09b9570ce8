import { expect, test } from 'vitest';
import { instantOfClock, nextDay, periodsBetween, spanText } from '../../src/domain/billing-month.ts';

const shown = (clock: string, zone: string) => instantOfClock(Date.parse(`${clock}Z`), zone)?.toISOString();

test.each([
  ['2026-10-15T12:00:00', 'UTC', '2026-10-15T12:00:00.000Z'],
  ['2026-07-01T00:30:00.250', 'Europe/Amsterdam', '2026-06-30T22:30:00.250Z'],
  ['2026-01-01T00:00:00', 'Europe/Amsterdam', '2025-12-31T23:00:00.000Z'],
  ['2026-03-29T01:59:59', 'Europe/Amsterdam', '2026-03-29T00:59:59.000Z'],
  ['2026-03-29T03:00:00', 'Europe/Amsterdam', '2026-03-29T01:00:00.000Z'],
  ['2026-10-25T01:59:59', 'Europe/Amsterdam', '2026-10-24T23:59:59.000Z'],
  ['2026-10-25T03:00:00', 'Europe/Amsterdam', '2026-10-25T02:00:00.000Z'],
  ['2026-10-15T05:45:00', 'Asia/Kathmandu', '2026-10-15T00:00:00.000Z'],
  ['2026-10-15T12:00:00', 'Pacific/Kiritimati', '2026-10-14T22:00:00.000Z'],
])('a clock shows %s in %s at %s', (clock, zone, instant) => {
  expect(shown(clock, zone)).toBe(instant);
});

test('of a time that a clock shows twice it is the first, and none of one that it skips', () => {
  expect(shown('2026-10-25T02:30:00', 'Europe/Amsterdam')).toBe('2026-10-25T00:30:00.000Z');
  expect(shown('2026-03-29T02:30:00', 'Europe/Amsterdam')).toBeUndefined();
});

test('days, months and spans follow one another', () => {
  expect(['2026-10-31', '2028-02-28', '2026-12-31'].map(nextDay)).toEqual(['2026-11-01', '2028-02-29', '2027-01-01']);
  expect(periodsBetween('2026-11', '2027-02')).toEqual(['2026-11', '2026-12', '2027-01', '2027-02']);
  expect([periodsBetween('2026-11', '2026-11'), periodsBetween('2026-12', '2026-11')]).toEqual([['2026-11'], []]);
  const span = { start: new Date('2026-10-01T00:00:00Z'), end: new Date('2026-11-01T00:00:00.500Z') };
  expect(spanText(span)).toBe('2026-10-01T00:00:00Z to before 2026-11-01T00:00:00.500Z');
});
