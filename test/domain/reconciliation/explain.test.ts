import { describe, expect, test } from 'vitest';
import { nextPeriod, periodsBetween, startOfDay } from '../../../src/domain/billing-month.ts';
import { cubeMarks } from '../../../src/domain/reconciliation/cube.ts';
import { explain } from '../../../src/domain/reconciliation/explain.ts';
import { findingsOf } from '../../../src/domain/reconciliation/findings.ts';
import { midnightsIn, zonesIn, zoneText } from '../../../src/domain/reconciliation/zones.ts';
import { caseOf, documentOf } from './support-case.ts';
import { type Billing, invoiceOf } from './support-vendor.ts';

const size = 2_000;
const one = caseOf(41, size);
const { model, own, month } = one;
const sent = (change: Partial<Billing>) =>
  documentOf(invoiceOf(model, { ...own, ...change }), { period: model.period, printsFree: true });
const turned = (code: string) =>
  sent({ bills: (attempt) => (attempt.code === code ? attempt.own === false : attempt.own === true) });
const back = turned('unknown_type_back');

describe('with the invoice alone', () => {
  test('an invoice that is the books needs no explanation', () => {
    const explanation = explain(month, sent({}));
    expect(explanation).toMatchObject({ outcome: 'same', candidates: [], steps: [] });
    expect(findingsOf(month.books, sent({}), explanation).findings).toEqual([]);
  });

  test('a code that is billed otherwise is named', () => {
    const { outcome, candidates } = explain(month, back);
    expect(outcome).toBe('reproduced');
    expect(candidates.map((parts) => parts.map(({ cause, subject }) => `${cause}(${subject})`))).toContainEqual([
      'rule(document_scan/unknown_type_back)',
    ]);
  });

  test('rules that the counters agree with are not in question', () => {
    const rows = month.cube.rows.map((row) =>
      row.code === 'unknown_type_back' ? { ...row, counter: 'agrees' as const } : row,
    );
    const { ruledOut, candidates } = explain({ ...month, cube: { ...month.cube, rows } }, back);
    expect(ruledOut).toEqual(['rule:document_scan/unknown_type_back']);
    expect(candidates.flat().flatMap(({ readings }) => readings.flat())).not.toContain(
      'rule:document_scan/unknown_type_back',
    );
  });

  test('what held last month is preferred, and said', () => {
    const key = 'rule:document_scan/unknown_type_back';
    const small = caseOf(9, 300);
    const bills: Billing['bills'] = (attempt) => (attempt.code === 'unknown_type_back' ? true : attempt.own === true);
    const document = documentOf(invoiceOf(small.model, { ...small.own, bills }), {
      period: small.model.period,
      printsFree: true,
    });
    const free = explain(small.month, document);
    const held = explain({ ...small.month, priors: { held: [key] } }, document);
    expect(free.held).toEqual([]);
    expect(held.held).toEqual([key]);
    expect(held.candidates.length).toBeLessThan(free.candidates.length);
    for (const parts of held.candidates) expect(parts.flatMap(({ readings }) => readings.flat())).toContain(key);
  });

  test('a kind of task that is left out is a missing line and no rule', () => {
    const document = sent({ bills: (attempt) => attempt.type !== 'face_match' && attempt.own === true });
    const { findings } = findingsOf(month.books, document, explain(month, document));
    expect(findings.filter(({ effect }) => effect !== 'minimum').map(({ effect, cause }) => [effect, cause])).toEqual([
      ['missing_line', 'usage_not_billed'],
    ]);
  });

  test('a line that the invoice has under another level is not said for certain to be missing', () => {
    const kinds = [...new Set(sent({}).lines.map(({ taskType, level }) => JSON.stringify([taskType, level])))];
    for (const kind of kinds) {
      const document = sent({});
      const lines = document.lines.map((line) =>
        JSON.stringify([line.taskType, line.level]) === kind ? { ...line, level: `${line.level ?? ''} (new)` } : line,
      );
      const { findings } = findingsOf(month.books, { ...document, lines }, explain(month, { ...document, lines }));
      const missing = findings.filter(({ effect }) => effect === 'missing_line');
      expect(missing.length, kind).toBeGreaterThan(0);
      for (const { certainty, alternatives } of missing) {
        expect(certainty, kind).not.toBe('fits');
        expect(alternatives, kind).toContain('something else');
      }
    }
  });

  test('a price that no list has is plain to see, and what else differs is still explained', () => {
    const lines = back.lines.map((line) =>
      line.taskType === 'face_match'
        ? { ...line, unitPrice: line.unitPrice! + 10_000n, amount: line.amount + 10_000n * line.quantity! }
        : line,
    );
    const document = { ...back, lines };
    const explanation = explain(month, document);
    expect(explanation.candidates.flat().map(({ cause }) => cause)).toContain('rule');
    const { findings } = findingsOf(month.books, document, explanation);
    expect(findings.filter(({ cause }) => cause === 'price')).toMatchObject([{ effect: 'price', certainty: 'fits' }]);
  });

  test('books that the cube does not lead to cannot be explained by it', () => {
    const lines = month.books.lines.map((line) => ({ ...line, quantity: line.quantity + 1n }));
    expect(explain({ ...month, books: { ...month.books, lines } }, back).outcome).toBe('books_differ');
  });
});

describe('zones', () => {
  test('are named by their offsets, at both ends where the clock is changed', () => {
    expect(zonesIn('2026-10').map(zoneText)).toEqual(
      expect.arrayContaining([
        'UTC',
        'UTC+05:45',
        'UTC-09:30',
        'UTC+02:00/+01:00',
        'UTC+10:00/+11:00',
        'UTC+10:30/+11:00',
      ]),
    );
    expect(zonesIn('2026-06').every(({ atStart, atEnd }) => atStart === atEnd)).toBe(true);
  });

  test('are all that there are, at the ends of every month of a year', () => {
    const offsetOn = (day: string, zone: string) =>
      (Date.parse(`${day}T00:00:00Z`) - startOfDay(day, zone).getTime()) / 60_000;
    const missing = periodsBetween('2025-01', '2025-12').flatMap((period) => {
      const known = new Set(zonesIn(period).map(({ atStart, atEnd }) => `${atStart} ${atEnd}`));
      const ends = [`${period}-01`, `${nextPeriod(period)}-01`];
      return Intl.supportedValuesOf('timeZone').filter(
        (zone) => !known.has(ends.map((day) => offsetOn(day, zone)).join(' ')),
      );
    });
    expect(missing).toEqual([]);
  });

  test('of a clock that is changed by the moon begin and end with the month', () => {
    const changed = zonesIn('2025-02').find(({ atStart, atEnd }) => atStart === 60 && atEnd === 0);
    // Morocco: on 23 February.
    expect(changed?.changesBy).toBe(23);
    const days = ['2025-02-01', '2025-02-23', '2025-02-24', '2025-03-01'];
    expect(midnightsIn(changed!, days)).toEqual(days.map((day) => startOfDay(day, 'Africa/Casablanca')));
  });

  test('lead to few marks, the ends of the month in the books among them', () => {
    const marks = cubeMarks('2026-10', { timeZone: 'Europe/Amsterdam', lists: [], otherLists: [] }).map((at) =>
      at.toISOString(),
    );
    expect(marks).toEqual(expect.arrayContaining(['2026-09-30T22:00:00.000Z', '2026-10-31T23:00:00.000Z']));
    expect(marks[0]).toBe('2026-09-30T10:00:00.000Z');
    expect(marks.at(-1)).toBe('2026-11-01T12:00:00.000Z');
    expect(marks.length).toBeLessThan(90);
  });
});
