import { describe, expect, test } from 'vitest';
import { causes, type Effect } from '../../src/domain/reconciliation/causes.ts';
import { causeWords, certaintyWords, effectWords } from '../../src/http/pages/finding-words.ts';
import type { PublishedFinding } from '../../src/reports/dispute/published-finding.ts';

const id = '0123456789abcdef';
const base: PublishedFinding = {
  ...{ id: 'f'.repeat(16), invoiceNumber: 'INV-1', invoiceLine: '4', taskType: '', level: '' },
  ...{ effect: 'extra_line', cause: 'fee', subject: 'Platform fee', certainty: 'fits', alternatives: '' },
  ...{ likelyWrong: null, ownQuantity: null, vendorQuantity: null, quantity: 0n, ownPrice: null, vendorPrice: null },
  ...{ ownAmount: null, vendorAmount: 12_000_000n, amount: 12_000_000n, settled: 0n, evidenceRows: 0, state: 'open' },
};
const place = { period: '2026-01', currency: 'EUR', differing: new Map() };
const textOf = (markup: string) =>
  markup
    .replace(/<code.*<\/code>/s, '')
    .replace(/<[^>]*>/g, '')
    .replace(/&nbsp;/g, ' ')
    .replace(/\s+/g, ' ')
    .trim();
const why = (more: Partial<PublishedFinding>) => causeWords({ ...base, ...more }, place).markup;
const said = (more: Partial<PublishedFinding>) => textOf(why(more));

describe('what a controller reads of a line that is about no attempts', () => {
  test('a fee and a discount: what it comes to, and what to do', () => {
    expect(said({})).toMatch(/^The invoice has a fee of 12\.00 EUR, “Platform fee”/);
    const discount = said({ cause: 'discount', subject: 'Korting', amount: -5_000_000n });
    expect(discount).toBe(
      'The invoice has a discount of 5.00 EUR, “Korting”. The books have no discounts. If your contract has it, accept it; if not, ask the vendor what it is for.',
    );
  });

  test('a credit: whether it settles anything, with links, and what to do', () => {
    const credit = { cause: 'credit', amount: -51_000_000n } as const;
    const settled = { ...credit, subject: `${id}+${'a'.repeat(16)} of 2025-12`, settled: -51_000_000n } as const;
    expect(said(settled)).toMatch(/^The vendor credits 51\.00 EUR for 0123456789abcdef and aaaaaaaaaaaaaaaa of Dec/);
    expect(why(settled)).toContain(`href="/reports/2026-01/invoice/findings/${id}"`);
    expect(why(settled)).toContain(`href="/reports/2025-12/invoice/findings/${'a'.repeat(16)}"`);
    const offered = said({ ...credit, subject: `${id} of 2025-12` });
    expect(offered).toMatch(/^The vendor credits 51\.00 EUR\. It may be for 0123456789abcdef of December 2025/);
    const both = `${id} of 2025-12+${'a'.repeat(16)} of 2025-12`;
    expect(said({ ...credit, subject: both })).toMatch(
      /December 2025, which are open and come to it: accept the credit/,
    );
    const named = [id, 'a'.repeat(16)].map((finding) => ({ period: '2025-12', finding }));
    const differing = new Map([[base.id, { named, open: 50_000_000n, more: 1_000_000n }]]);
    const other = causeWords({ ...base, ...credit, subject: `Credit ${both}` }, { ...place, differing }).markup;
    expect(textOf(other)).toMatch(
      /together 50\.00 EUR\. The credit is 1\.00 EUR more, so that accepting it settles none/,
    );
    expect(offered).toContain('accept');
    const alone = said({ ...credit, subject: 'Document scan' });
    expect(alone).toMatch(/^The vendor credits 51\.00 EUR, “Document scan”\. It settles nothing/);
    expect(alone).not.toContain('no such');
  });

  test('a minimum: what both sides top the month up by', () => {
    const minimum = { effect: 'minimum', cause: 'minimum', subject: 'of the month', certainty: 'ambiguous' } as const;
    expect(said({ ...minimum, ownAmount: 25_000_000n, vendorAmount: 40_000_000n })).toMatch(
      /^The invoice tops the month up to its minimum by 40\.00 EUR, the books by 25\.00 EUR/,
    );
    expect(said({ ...minimum, ownAmount: 25_000_000n, vendorAmount: null })).toContain('by 0.00 EUR, the books');
  });

  test('rounding: of every attempt, of the net, or what fractions of a line differ by', () => {
    const rounding = { effect: 'rounding', cause: 'rounding' } as const;
    expect(said({ ...rounding, subject: 'of every attempt' })).toMatch(/rounds the price of every attempt/);
    expect(said({ ...rounding, subject: 'net of the invoice' })).toMatch(/is not the sum of its lines/);
    const line = said({ ...rounding, subject: 'document_scan/advanced' });
    expect(line).toMatch(/^Each side rounds its line once/);
    expect(line).not.toContain('otherwise than line by line');
  });

  test('tax: whether the net has it in it, or it does not follow from its rate', () => {
    const tax = { effect: 'tax', cause: 'tax', amount: 0n } as const;
    const rate = { ...tax, subject: '21% × 255.00 = 53.55 ≠ 60.00' };
    expect(said(rate)).toBe(
      'The tax does not follow from its rate: 21% × 255.00 = 53.55, and the invoice has 60.00. The amount without tax is not affected.',
    );
    expect(effectWords({ ...base, ...rate })).not.toContain('net');
    const base250 = said({ ...tax, subject: 'taxable 250.00 ≠ 255.00' });
    expect(base250).toMatch(/^What the invoice taxes, 250\.00, is not its net, 255\.00\./);
    const net = { ...tax, subject: 'net of the invoice', amount: 60_000_000n } as const;
    expect(said(net)).toMatch(/^The net of the invoice has its tax in it/);
    expect(effectWords({ ...base, ...net })).toBe('Tax in the net amount');
  });

  test('what the invoice says itself was not looked for', () => {
    for (const cause of ['fee', 'discount', 'credit'] as const)
      expect(certaintyWords({ ...base, cause })).toBe('The invoice says so itself.');
    expect(certaintyWords({ ...base, cause: 'cutoff' })).toContain('of everything that was looked through');
    expect(certaintyWords({ ...base, cause: 'tax' })).toBe('The invoice’s own figures show it.');
  });
});

test('there are words for every cause and effect, either way', () => {
  const effects: Effect[] = ['quantity', 'price', 'missing_line', 'extra_line', 'minimum', 'rounding', 'tax'];
  for (const effect of effects)
    for (const cause of causes)
      for (const amount of [1_000_000n, -1_000_000n, 0n]) {
        const one = { ...base, effect, cause, amount };
        expect(`${said(one)} ${effectWords(one)} ${certaintyWords(one)}`).not.toMatch(/undefined|null|object|−0/);
        expect(said(one)).toMatch(/^[A-Z].*\.$/s);
      }
});
