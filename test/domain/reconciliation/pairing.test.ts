import { describe, expect, test } from 'vitest';
import type { CellNote, Step } from '../../../src/domain/reconciliation/explanation.ts';
import type { UsageLine } from '../../../src/domain/reconciliation/lines.ts';
import { type LinePair, pairLines, vendorLines, type VendorLine } from '../../../src/domain/reconciliation/pairing.ts';
import { minimumShares, sharesOf } from '../../../src/domain/reconciliation/shares.ts';
import type { InvoiceLine } from '../../../src/domain/vendor-invoice.ts';
import { own, rule, scans, stepOf, vendor } from './support-lines.ts';

describe('lines of both sides', () => {
  const line = (no: string, more: Partial<InvoiceLine> = {}): InvoiceLine => ({
    line: no,
    description: '',
    kind: 'usage',
    ...scans,
    quantity: 2n,
    unitPrice: 5n,
    amount: 10n,
    ...more,
  });

  test('of one task type, level and price are one; what is taken back, or of no task type, is none', () => {
    const lines = [
      line('1'),
      line('2', { quantity: null }),
      line('3', { unitPrice: 6n }),
      line('4', { level: null }),
      line('5', { amount: -10n }),
      line('6', { quantity: -2n }),
      line('7', { taskType: null }),
      line('8', { kind: 'fee' }),
      line('9', { amount: 0n, quantity: 0n }),
    ];
    expect(vendorLines(lines).map((one) => [one.line, one.level, one.unitPrice, one.quantity, one.amount])).toEqual([
      ['1+2+9', 'advanced', 5n, 2n, 20n],
      ['3', 'advanced', 6n, 2n, 10n],
      ['4', null, 5n, 2n, 10n],
    ]);
  });

  test('are compared by price, and what is left with the dearest first', () => {
    const pairs = (ours: UsageLine[], theirs: VendorLine[]) =>
      pairLines(ours, theirs).map(({ own: mine, vendor: other }) => [mine?.unitPrice, other?.unitPrice]);
    expect(
      pairs([own(1n, 0n), own(1n, 7n), own(1n, 5n)], [vendor('1', 1n, 5n), vendor('2', 1n, 4n), vendor('3', 1n, 6n)]),
    ).toEqual([
      [5n, 5n],
      [7n, 6n],
      [0n, 4n],
    ]);
    expect(pairs([own(1n, null)], [vendor('1', 1n, 5n), vendor('2', 1n, null)])).toEqual([
      [null, null],
      [undefined, 5n],
    ]);
    expect(pairs([own(1n, 5n), own(1n, 5n, { level: null })], [])).toEqual([
      [5n, undefined],
      [5n, undefined],
    ]);
  });
});

describe('the shares of a line', () => {
  const state = (quantity: bigint, unitPrice: bigint, more: object = {}) => ({
    ...scans,
    unitPrice,
    quantity,
    ...more,
  });
  const step = (cause: 'rule' | 'rounding' | 'list', ...lines: Step['lines'][number][]): Step => ({
    ...stepOf('fits', { ...rule, cause } as unknown as Step['part']),
    lines,
  });
  const shares = (pair: LinePair, steps: Step[], accountedFor: CellNote['accountedFor'] = 'all') =>
    sharesOf(pair, steps, accountedFor).map((one) => [
      one.effect,
      one.step && steps.indexOf(one.step),
      one.quantity,
      one.amount,
    ]);
  const pair = { own: own(10n, 5n), vendor: vendor('1', 13n, 6n) };

  test('are what each step adds, and what is left', () => {
    const first = step('rule', state(12n, 5n), state(99n, 5n, { level: null }));
    const second = step('list', state(12n, 6n));
    expect(shares(pair, [])).toEqual([
      ['quantity', undefined, 3n, 15n],
      ['price', undefined, 0n, 13n],
    ]);
    expect(shares(pair, [first, second])).toEqual([
      ['quantity', 0, 2n, 10n],
      ['quantity', 1, 1n, 5n],
      ['price', 1, 0n, 13n],
    ]);
    expect(shares(pair, [first, second], 'units')).toEqual([
      ['quantity', 0, 2n, 10n],
      ['quantity', 1, 1n, 5n],
      ['price', 1, 0n, 13n],
    ]);
    expect(shares(pair, [first, second], 'nothing')).toEqual([
      ['quantity', 0, 2n, 10n],
      ['quantity', undefined, 1n, 5n],
      ['price', 1, 0n, 13n],
    ]);
    expect(shares(pair, [first], 'nothing')).toEqual([
      ['quantity', 0, 2n, 10n],
      ['quantity', undefined, 1n, 5n],
      ['price', undefined, 0n, 13n],
    ]);
  });

  test('have what rounding leaves, of a step that rounds if there is one', () => {
    const rounded = { own: own(10n, 5n), vendor: vendor('1', 10n, 5n, { amount: 51n }) };
    expect(shares(rounded, [])).toEqual([['rounding', undefined, 0n, 1n]]);
    expect(shares(rounded, [step('rule', state(10n, 5n)), step('rounding', state(10n, 5n))])).toEqual([
      ['rounding', 1, 0n, 1n],
    ]);
  });

  test('of a line that one side does not have are of the steps that take it, the last of which takes the rest', () => {
    const steps = [step('rule', state(6n, 5n)), step('rule', state(6n, 5n)), step('rule')];
    expect(shares({ own: own(10n, 5n, { amount: 51n }) }, steps)).toEqual([
      ['missing_line', 0, -4n, -20n],
      ['missing_line', 2, -6n, -31n],
    ]);
    expect(shares({ vendor: vendor('1', 4n, 5n) }, [step('rule', state(4n, 5n))])).toEqual([
      ['extra_line', 0, 4n, 20n],
    ]);
    expect(shares({ own: own(0n, 5n, { amount: 3n }) }, [])).toEqual([['missing_line', undefined, 0n, -3n]]);
    expect(shares({ own: own(0n, 5n) }, [])).toEqual([]);
    expect(shares({ own: own(10n, 0n) }, [])).toEqual([]);
  });

  test('of a minimum are what each step makes of it', () => {
    const steps = [
      { ...stepOf('fits'), minimum: 7n },
      { ...stepOf('fits'), minimum: 7n },
      { ...stepOf('fits'), minimum: 4n },
    ];
    const said = (isAccountedFor: boolean) =>
      minimumShares(10n, 3n, steps, isAccountedFor).map((one) => [
        one.effect,
        one.step && steps.indexOf(one.step as never),
        one.amount,
      ]);
    expect(said(true)).toEqual([
      ['minimum', 0, -3n],
      ['minimum', 2, -4n],
    ]);
    expect(said(false)).toEqual([
      ['minimum', 0, -3n],
      ['minimum', 2, -3n],
      ['minimum', undefined, -1n],
    ]);
    expect(minimumShares(3n, 3n, [], true)).toEqual([]);
  });
});
