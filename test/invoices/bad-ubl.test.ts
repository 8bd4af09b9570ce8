import { describe, expect, test } from 'vitest';
import { tieOut } from '../../src/domain/tie-out.ts';
import { readInvoice } from '../../src/invoices/read-invoice.ts';
import { layoutOf, refusalOf } from './support.ts';
import { allowance, documentOf, taxOf, totals } from './ubl-samples.ts';

const layout = layoutOf({ lines: [{ description: 'Scan*', kind: 'usage', task_type: 'document_scan' }] });
const line = { id: '7', name: 'Scan', quantity: '3', amount: '1.50', price: '0.50' };
const sound = {
  tax: taxOf([['1.50', '0.32', '21']], '0.32'),
  totals: totals({ TaxExclusiveAmount: '1.50', TaxInclusiveAmount: '1.82', PayableAmount: '1.82' }),
  lines: [line],
};
const good = documentOf(sound);
const read = (xml: string) => readInvoice(Buffer.from(xml), 'november.xml', layout);
const refused = (xml: string) => refusalOf(() => read(xml));
const lineOf = (part: object) => documentOf({ ...sound, lines: [{ ...line, ...part }] });

describe('XML that is none, or could do harm', () => {
  const bomb = '<!DOCTYPE a [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;">]>';
  const external = '<!DOCTYPE a [<!ENTITY a SYSTEM "file:///etc/passwd">]>';
  const withDoctype = (doctype: string) =>
    good.replace('<Invoice', `${doctype}\n<Invoice`).replace('<cbc:ID>F', '<cbc:ID>&a;F');
  test.each([
    ['an entity bomb', withDoctype(bomb), '2: has a DOCTYPE'],
    ['an external entity', withDoctype(external), '2: has a DOCTYPE'],
    ['an unknown entity', good.replace('<cbc:ID>F', '<cbc:ID>&a;F'), 'is not whole, or not XML'],
    ['cut', good.slice(0, 1_500), 'is not whole, or not XML; was the file cut?'],
    ['tags that cross', good.replace('</cac:Item>', '</cac:Price>'), 'is not whole, or not XML'],
    ['two roots', `${good}<a/>`, 'is not whole, or not XML'],
    [
      'deeper than any invoice',
      good.replace('<cac:TaxTotal>', `${'<x>'.repeat(60)}${'</x>'.repeat(60)}<cac:TaxTotal>`),
      'is nested more than 50 deep',
    ],
    ['another document', '<Order xmlns="urn:x"/>', 'no UBL 2.1 Invoice or CreditNote: its root is "Order"'],
    ['an Invoice of another namespace', good.replace('xsd:Invoice-2', 'xsd:Invoice-3'), 'no UBL 2.1 Invoice'],
    ['an encoding that is not read', good.replace('UTF-8', 'EBCDIC-CP-NL'), 'is in the encoding "ebcdic-cp-nl"'],
  ])('%s', async (_, xml, message) => {
    const { code, mistakes } = await refused(xml);
    expect(code).toBe('invoice_unreadable');
    expect(mistakes.join('\n')).toContain(message);
  });
});

describe('figures name their line', () => {
  test.each([
    ['a price of seven decimals', lineOf({ price: '0.1234567' }), 'line "7": PriceAmount has more than 6 decimals'],
    [
      'a price that its base makes endless',
      lineOf({ price: '1.00', base: '3' }),
      'line "7": PriceAmount per BaseQuantity has more than 6 decimals',
    ],
    ['a base of nothing', lineOf({ base: '0' }), 'line "7": BaseQuantity is not more than 0'],
    ['a quantity that is not whole', lineOf({ quantity: '12.5' }), 'line "7": InvoicedQuantity is no whole number'],
    [
      'an amount that is none',
      lineOf({ amount: '1,50' }),
      'line "7": LineExtensionAmount: "1,50" is no decimal number',
    ],
    ['an amount out of range', lineOf({ amount: '1234567890123' }), 'line "7": LineExtensionAmount is out of range'],
    [
      'another currency',
      good.replace('currencyID="EUR">1.50</cbc:Line', 'currencyID="USD">1.50</cbc:Line'),
      'line "7": LineExtensionAmount is in "USD", the document in EUR',
    ],
    [
      'an allowance that does not say what it is',
      lineOf({ extra: allowance(true, '1.00', 'x').replace('>true<', '>yes<') }),
      'line "7.allowance-1": ChargeIndicator',
    ],
    ['no lines', documentOf({ ...sound, lines: [] }), 'has no lines'],
    ['no number', good.replace('<cbc:ID>F-2026/1101</cbc:ID>', ''), 'ID: is missing'],
    ['a day that is none', good.replace('2026-12-13', '2026-13-12'), 'IssueDate: "2026-13-12" is no day that exists'],
    ['a currency that is none', good.replaceAll('EUR', 'EUX'), 'DocumentCurrencyCode: "EUX" is no currency'],
    ['a credit note in an Invoice', documentOf({ ...sound, code: '381' }), 'InvoiceTypeCode: 381 is a credit note'],
  ])('%s', async (_, xml, message) => {
    const { code, mistakes } = await refused(xml);
    expect(code).toBe('invoice_unreadable');
    expect(mistakes.join('\n')).toContain(message);
  });

  test('a line that no rule matches', async () => {
    const { code, mistakes } = await refused(lineOf({ name: 'Iets anders' }));
    expect([code, mistakes]).toEqual(['layout_mismatch', ['line "7": no rule of the layout matches "Iets anders"']]);
  });

  test('what contradicts itself is read, and does not tie out', async () => {
    const { invoice } = await read(lineOf({ amount: '1.60' }));
    expect(tieOut(invoice).map(({ kind, line: at, difference }) => [kind, at, difference])).toEqual([
      ['line', '7', 100_000n],
      ['net', null, -100_000n],
    ]);
  });
});

test('a text is on one line, whole to its last sign, and without control characters', async () => {
  const described = async (name: string) => (await read(lineOf({ name }))).invoice.lines[0]?.description;
  expect(await described('Scan\n  of documents')).toBe('Scan of documents');
  expect(await described(`Scan${'x'.repeat(495)}😀`)).toBe(`Scan${'x'.repeat(495)}`);
  expect((await refused(lineOf({ name: 'Scan&#133;' }))).mistakes[0]).toContain('has a control character');
});

test('usage without a quantity is refused', async () => {
  const { code, mistakes } = await refused(good.replace(/<cbc:InvoicedQuantity.*?<\/cbc:InvoicedQuantity>/, ''));
  expect([code, mistakes]).toEqual([
    'invoice_unreadable',
    ['line "7": InvoicedQuantity is missing, and usage is counted'],
  ]);
});
