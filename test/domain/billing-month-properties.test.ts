import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  isPeriod,
  localDateOf,
  monthBounds,
  nextPeriod,
  periodOf,
  previousPeriod,
  startOfDay,
} from '../../src/domain/billing-month.ts';

// From 2012: until November 2011 two Canadian zones put the clock back over midnight, which has a test of its own.
const instant = fc.date({
  min: new Date('2012-01-01T00:00:00Z'),
  max: new Date('2059-12-31T00:00:00Z'),
  noInvalidDate: true,
});
const zone = fc.oneof(
  fc.constantFrom('UTC', 'Europe/Amsterdam', 'America/New_York', 'Asia/Kolkata', 'Asia/Beirut', 'America/Asuncion'),
  fc.constantFrom(...Intl.supportedValuesOf('timeZone')),
);
const contains = ({ start, end }: { start: Date; end: Date }, at: Date) => start <= at && at < end;

test('every instant lies in exactly one month of every zone, the one that periodOf names', () => {
  fc.assert(
    fc.property(instant, zone, (at, timeZone) => {
      const period = periodOf(at, timeZone);
      expect(isPeriod(period)).toBe(true);
      const candidates = [previousPeriod(period), period, nextPeriod(period)];
      expect(candidates.filter((one) => contains(monthBounds(one, timeZone), at))).toEqual([period]);
    }),
    { numRuns: 1_500 },
  );
});

test('the millisecond before a bound and the bound itself lie in neighbouring months of every zone', () => {
  fc.assert(
    fc.property(instant, zone, (at, timeZone) => {
      const period = periodOf(at, timeZone);
      const { start, end } = monthBounds(period, timeZone);
      expect(periodOf(new Date(start.getTime() - 1), timeZone)).toBe(previousPeriod(period));
      expect(periodOf(start, timeZone)).toBe(period);
      expect(periodOf(new Date(end.getTime() - 1), timeZone)).toBe(period);
      expect(periodOf(end, timeZone)).toBe(nextPeriod(period));
      expect(monthBounds(nextPeriod(period), timeZone).start).toEqual(end);
    }),
    { numRuns: 1_500 },
  );
});

test('every instant lies between the start of its own day and the start of the next, in every zone', () => {
  fc.assert(
    fc.property(instant, zone, (at, timeZone) => {
      const date = localDateOf(at, timeZone);
      const next = new Date(Date.parse(`${date}T00:00:00Z`) + 86_400_000).toISOString().slice(0, 10);
      expect(startOfDay(date, timeZone) <= at).toBe(true);
      expect(at < startOfDay(next, timeZone)).toBe(true);
    }),
    { numRuns: 1_500 },
  );
});
