import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  dayOrders,
  instantReader,
  needsZone,
  orderEvidence,
  readDay,
  readMonths,
} from '../../src/invoices/values/dates.ts';
import { dateText } from './writers.ts';

const days = fc
  .date({ min: new Date('2000-01-01'), max: new Date('2099-12-31'), noInvalidDate: true })
  .map((date) => date.toISOString().slice(0, 10));

describe('days', () => {
  test('are read as they were in the order that they are in; an order is settled only if it is the right one', () => {
    const form = fc.tuple(fc.constantFrom(...dayOrders), fc.constantFrom('-', '/', '.'));
    fc.assert(
      fc.property(fc.array(days, { minLength: 1, maxLength: 4 }), form, (values, [order, sign]) => {
        const evidence = orderEvidence();
        const texts = values.map((day) => dateText(day, order.replaceAll('-', sign)));
        for (const text of texts) evidence.see(text, 1, 'issue_date');
        expect(texts.map((text) => readDay(text, order))).toEqual(values);
        const settled = evidence.settle('format');
        if ('order' in settled)
          expect(texts.map((text) => readDay(text, settled.order ?? 'MM-DD-YYYY'))).toEqual(values);
      }),
    );
  });

  test.each([
    ['1-2-2026', 'DD-MM-YYYY', '2026-02-01'],
    ['1 dec 2026', 'MM-DD-YYYY', '2026-12-01'],
    ['1 maart 2026', 'DD-MM-YYYY', '2026-03-01'],
    ['31-02-2026', 'DD-MM-YYYY', undefined],
    ['29-02-2026', 'DD-MM-YYYY', undefined],
    ['01-02-26', 'DD-MM-YYYY', undefined],
    ['2026-01-02', 'DD-MM-YYYY', undefined],
    ['01-02/2026', 'DD-MM-YYYY', undefined],
    ['1 foo 2026', 'DD-MM-YYYY', undefined],
  ] as const)('%s as %s is %s', (text, order, day) => {
    expect(readDay(text, order)).toBe(day);
  });

  test.each([
    ['2026-11', '2026-11'],
    ['11-2026', '2026-11'],
    ['november 2026', '2026-11'],
    ['30-11-2026', '2026-11'],
    ['13-2026', undefined],
    ['nov', undefined],
    ['01-11-2026 - 30-11-2026', '2026-11'],
    ['1 november 2026 tot en met 31 december 2026', '2026-11 2026-12'],
    ['01-11-2026–31-01-2027', '2026-11 2027-01'],
    ['2026-12 – 2026-11', undefined],
    ['2026-11 - nu', undefined],
  ])('the period %s is %s', (text, months) => {
    const found = readMonths(text, 'DD-MM-YYYY');
    expect(found && [...new Set([found.from, found.to])].join(' ')).toBe(months);
  });
});

describe('instants', () => {
  const at = (text: string, zone?: string) => {
    const instant = instantReader('DD-MM-YYYY', zone)(text);
    return typeof instant === 'string' ? instant : instant.toISOString();
  };
  const iso = (text: string) => instantReader('YYYY-MM-DD', undefined)(text);

  test('an offset is believed; without one a time zone is needed', () => {
    expect(iso('2026-11-03T10:11:12Z')).toEqual(new Date('2026-11-03T10:11:12Z'));
    expect(iso('2026-11-03 10:11:12.5+01:00')).toEqual(new Date('2026-11-03T09:11:12.500Z'));
    expect(iso('2026-11-03T10:11-0330')).toEqual(new Date('2026-11-03T13:41:00Z'));
    expect(iso('2026-11-03T10:11:12')).toBe(needsZone);
    expect(at('03-11-2026 10:11', 'Europe/Amsterdam')).toBe('2026-11-03T09:11:00.000Z');
    expect(at('03-07-2026 10:11', 'Europe/Amsterdam')).toBe('2026-07-03T08:11:00.000Z');
  });

  test('of an hour that comes twice the first is meant; one that is skipped is refused', () => {
    expect(at('25-10-2026 02:30', 'Europe/Amsterdam')).toBe('2026-10-25T00:30:00.000Z');
    expect(at('25-10-2026 03:00', 'Europe/Amsterdam')).toBe('2026-10-25T02:00:00.000Z');
    expect(at('29-03-2026 02:30', 'Europe/Amsterdam')).toMatch(/skip/);
    expect(at('29-03-2026 03:00', 'Europe/Amsterdam')).toBe('2026-03-29T01:00:00.000Z');
  });

  test.each([
    '',
    '2026-11-03',
    '2026-11-03T24:00:00Z',
    '2026-11-31T10:00:00Z',
    '2026-11-03T10:60Z',
    '2026-11-03T10:60:00Z',
    '2026-11-03T10:11:60Z',
    '2026-13-03T10:11:12Z',
    '03/11/2026 10:11 PM',
    'yesterday',
  ])('is none: %s', (text) => {
    expect(iso(text)).toMatch(/is no instant/);
  });
});
