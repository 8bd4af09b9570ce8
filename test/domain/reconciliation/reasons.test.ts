import { describe, expect, test } from 'vitest';
import type { CellNote, Explanation, Step } from '../../../src/domain/reconciliation/explanation.ts';
import type { LinePair } from '../../../src/domain/reconciliation/pairing.ts';
import {
  type Known,
  listedAlternatives,
  reasonFor,
  reasonOfKind,
  reasonOfTax,
} from '../../../src/domain/reconciliation/reasons.ts';
import type { Share } from '../../../src/domain/reconciliation/shares.ts';
import { own, rule, scans, stepOf, unexplained, vendor } from './support-lines.ts';

const note = (accountedFor: CellNote['accountedFor'], isCounted = false): CellNote => ({
  ...scans,
  accountedFor,
  isCounted,
});
const known = (explanation: Partial<Explanation> = {}, more: Partial<Known> = {}): Known => ({
  books: { period: '2026-10', currency: 'EUR', minorDigits: 2, lines: [], minimum: 0n },
  explanation: { ...unexplained, cells: [note('all')], ...explanation },
  printed: new Set(['["document_scan","advanced"]']),
  hasStrayUsage: false,
  ...more,
});
const share = (effect: Share['effect'], step?: Step): Share => ({ effect, step, quantity: 0n, amount: 0n });
describe('why there is a difference, where', () => {
  const pair: LinePair = { own: own(400n), vendor: vendor('1', 400n, 900_000n) };
  const nothing = { cells: [note('nothing')] };
  const none = { certainty: 'none', alternatives: '' };
  const maybe = (cause: string, subject: string) => ({
    cause,
    subject,
    certainty: 'ambiguous',
    alternatives: `${cause}(${subject})|something else`,
  });
  const sure = (cause: string, subject: string) => ({ cause, subject, certainty: 'fits', alternatives: '' });
  const price = '0.90 instead of 0.85';
  const cell = 'document_scan/advanced';

  test.each<[what: string, Share, LinePair, Known, expected: object]>([
    [
      'a part of the explanation adds it',
      share('quantity', stepOf('fits')),
      pair,
      known(),
      sure('rule', 'document_scan/x'),
    ],
    [
      'a part is one of several',
      share(
        'quantity',
        stepOf('ambiguous', rule, [[rule], [{ ...rule, cause: 'late', subject: 'all' }, rule], [rule]]),
      ),
      pair,
      known(),
      {
        ...maybe('rule', 'document_scan/x'),
        alternatives: 'rule(document_scan/x)|late(all)+rule(document_scan/x)|something else',
      },
    ],
    [
      'nothing adds it',
      share('quantity', stepOf('none', { ...rule, subject: '' })),
      pair,
      known(),
      { ...none, cause: 'unexplained', subject: cell },
    ],
    [
      'a part that nobody knows adds it',
      share('quantity', stepOf('none')),
      pair,
      known(),
      { ...none, cause: 'unexplained', subject: 'document_scan/x' },
    ],
    [
      'a rule is of a line that is gone',
      share('missing_line', stepOf('fits')),
      { own: own(4n) },
      known({}, { printed: new Set() }),
      sure('usage_not_billed', cell),
    ],
    [
      'it is, and there is usage of no line',
      share('missing_line', stepOf('fits')),
      { own: own(4n) },
      known({}, { printed: new Set(), hasStrayUsage: true }),
      { ...maybe('usage_not_billed', cell), alternatives: 'something else' },
    ],
    [
      'a stated level is of a line that is gone',
      share('missing_line', stepOf('fits', { ...rule, readings: [] })),
      { own: own(4n) },
      known({}, { printed: new Set() }),
      sure('rule', 'document_scan/x'),
    ],
    [
      'another cause is of a line that is gone',
      share('missing_line', stepOf('fits', { ...rule, cause: 'late' })),
      { own: own(4n) },
      known({}, { printed: new Set() }),
      sure('late', 'document_scan/x'),
    ],
    [
      'a rule is of no line',
      share('minimum', stepOf('fits')),
      {},
      known({}, { printed: new Set() }),
      sure('rule', 'document_scan/x'),
    ],
    ['a quantity is another one', share('quantity'), pair, known(), { ...none, cause: 'unexplained', subject: cell }],
    [
      'it is, beside usage that nobody knows',
      share('quantity'),
      pair,
      known({ steps: [stepOf('none')] }),
      { ...none, cause: 'unexplained', subject: `${cell}, not in the usage statement` },
    ],
    [
      'it is, beside what is known',
      share('quantity'),
      pair,
      known({ steps: [stepOf('fits')] }),
      { ...none, cause: 'unexplained', subject: cell },
    ],
    ['a price is another one', share('price'), pair, known(), sure('price', price)],
    ['it is, where not everything was tried', share('price'), pair, known({ isBounded: true }), maybe('price', price)],
    [
      'it is, where it depends on the quantity',
      share('price'),
      pair,
      known({ cells: [note('all', true)] }),
      maybe('price', price),
    ],
    ['it is, of a cell that nothing is known of', share('price'), pair, known({ cells: [] }), maybe('price', price)],
    ['a line is missing', share('missing_line'), { own: own(334n) }, known(nothing), sure('usage_not_billed', cell)],
    [
      'a line of few units is missing',
      share('missing_line'),
      { own: own(333n) },
      known(nothing),
      maybe('usage_not_billed', cell),
    ],
    [
      'it is, where not everything was tried',
      share('missing_line'),
      { own: own(334n) },
      known({ ...nothing, isBounded: true }),
      maybe('usage_not_billed', cell),
    ],
    [
      'it is, and there is usage of no line',
      share('missing_line'),
      { own: own(334n) },
      known(nothing, { hasStrayUsage: true }),
      maybe('usage_not_billed', cell),
    ],
    ['it is, and accounted for', share('missing_line'), { own: own(334n) }, known(), maybe('usage_not_billed', cell)],
    [
      'a line is of nothing in the books',
      share('extra_line'),
      { vendor: vendor('1', 4n) },
      known(),
      maybe('usage_unknown', cell),
    ],
    ['a minimum is another one', share('minimum'), {}, known(), maybe('minimum', 'of the month')],
    [
      'it follows from a missing line',
      share('minimum'),
      {},
      known({ ...nothing, outcome: 'reproduced' }),
      sure('usage_not_billed', cell),
    ],
    [
      'it follows from a price',
      share('minimum'),
      {},
      known({ outcome: 'reproduced', cells: [note('units')] }),
      sure('price', cell),
    ],
    [
      'it follows from nothing that is known',
      share('minimum'),
      {},
      known({ outcome: 'reproduced' }),
      sure('price', ''),
    ],
    [
      'it follows, where not everything was tried',
      share('minimum'),
      {},
      known({ outcome: 'reproduced', cells: [note('units')], isBounded: true }),
      maybe('price', cell),
    ],
    [
      'it follows, beside usage of no line',
      share('minimum'),
      {},
      known({ outcome: 'reproduced', cells: [note('units')] }, { hasStrayUsage: true }),
      maybe('price', cell),
    ],
    ['both amounts are rounded', share('rounding'), pair, known(), sure('rounding', cell)],
    [
      'they are, where not everything was tried',
      share('rounding'),
      pair,
      known({ isBounded: true }),
      maybe('rounding', cell),
    ],
    [
      'our amount is not rounded',
      share('rounding'),
      { ...pair, own: own(1n, 333_300n) },
      known(),
      { ...none, cause: 'unexplained', subject: cell },
    ],
    [
      "the vendor's is not",
      share('rounding'),
      { ...pair, vendor: vendor('1', 1n, 333_300n) },
      known(),
      { ...none, cause: 'unexplained', subject: cell },
    ],
    ['tax is in it', share('tax'), {}, known(), sure('tax', 'of the month')],
  ])('%s', (_, of, on, by, expected) => {
    expect(reasonFor(of, on, by)).toEqual(expected);
  });

  test('a line says itself what it is, unless it is usage of no task type', () => {
    expect(reasonOfKind('fee', 'Support')).toEqual(sure('fee', 'Support'));
    expect(reasonOfKind('usage', 'Other')).toEqual(maybe('usage_unknown', 'Other'));
    expect([reasonOfTax('x', true), reasonOfTax('x', false)]).toEqual([sure('tax', 'x'), maybe('tax', 'x')]);
  });
});

test('alternatives are listed one by one for people', () => {
  expect(listedAlternatives('')).toEqual([]);
  expect(listedAlternatives('cutoff(UTC+01:00)+rule(a)|late(all)|something else')).toEqual([
    'cutoff(UTC+01:00) + rule(a)',
    'late(all)',
    'something else',
  ]);
});
