import { describe, expect, test } from 'vitest';
import { tieOut } from '../../src/domain/tie-out.ts';
import type { VendorInvoice } from '../../src/domain/vendor-invoice.ts';
import { readInvoice } from '../../src/invoices/read-invoice.ts';
import { layoutOf, money } from './support.ts';
import { allowance, type Document, documentOf, eur, period, taxOf, totals } from './ubl-samples.ts';
import { encoded } from './writers.ts';

const layout = layoutOf({
  lines: [
    { description: 'Documentscan*', file_level: 'adv*', kind: 'usage', task_type: 'document_scan', level: 'advanced' },
    { description: 'Documentscan*', kind: 'usage', task_type: 'document_scan' },
    { description: '*', kind: 'fee' },
  ],
});

const scan = { id: '1', name: 'Documentscan &amp; meer', quantity: '1000', amount: '850.00', price: '0.85' };
const fee = { id: '2', name: 'Service', amount: '100.00' };
const simple: Document = {
  tax: taxOf([['950.00', '199.50', '21']], '199.50'),
  totals: totals({
    LineExtensionAmount: '950.00',
    TaxExclusiveAmount: '950.00',
    TaxInclusiveAmount: '1149.50',
    PayableAmount: '1149.50',
  }),
  lines: [scan, fee],
};
/** What is expected: line, kind, quantity, unit price, amount. */
type Figures = readonly [line: string, kind: string, quantity: string | null, price: string | null, amount: string];
const simpleLines: readonly Figures[] = [
  ['1', 'usage', '1000', '0.85', '850'],
  ['2', 'fee', null, null, '100'],
  ['tax-1', 'tax', null, null, '199.5'],
];
const simpleTotals = { net: '950', tax: '199.5', total: '1149.5' };

type Sample = {
  readonly title: string;
  readonly xml: string | Buffer;
  readonly lines: readonly Figures[];
  readonly stated: Readonly<Record<'net' | 'tax' | 'total', string>>;
  readonly more?: Partial<VendorInvoice>;
};

const samples: readonly Sample[] = [
  { title: 'an invoice', xml: documentOf(simple), lines: simpleLines, stated: simpleTotals },
  {
    title: 'a credit note with CreditedQuantity: signs turned',
    xml: documentOf({ ...simple, root: 'CreditNote' }),
    lines: simpleLines.map(([line, kind, quantity, price, amount]) => [
      line,
      kind,
      quantity && `-${quantity}`,
      price,
      `-${amount}`,
    ]),
    stated: { net: '-950', tax: '-199.5', total: '-1149.5' },
    more: { isCreditNote: true },
  },
  {
    title: 'a price per BaseQuantity, with zeros that count for nothing',
    xml: documentOf({ ...simple, lines: [{ ...scan, price: '85.0000000', base: '100.0' }, fee] }),
    lines: simpleLines,
    stated: simpleTotals,
  },
  {
    title: 'a price of six decimals by its BaseQuantity',
    xml: documentOf({ ...simple, lines: [{ ...scan, quantity: '2000000', price: '0.425', base: '1000' }, fee] }),
    lines: [['1', 'usage', '2000000', '0.000425', '850'], ...simpleLines.slice(1)],
    stated: simpleTotals,
  },
  {
    title: 'allowance and charge of a line are lines of their own',
    xml: documentOf({
      ...simple,
      lines: [
        { ...scan, amount: '845.00', extra: allowance(false, '10.00', 'Staffel') + allowance(true, '5.00', 'Toeslag') },
        { ...fee, amount: '105.00' },
      ],
    }),
    lines: [
      ['1', 'usage', '1000', '0.85', '850'],
      ['1.allowance-1', 'discount', null, null, '-10'],
      ['1.charge-1', 'fee', null, null, '5'],
      ['2', 'fee', null, null, '105'],
      ['tax-1', 'tax', null, null, '199.5'],
    ],
    stated: simpleTotals,
  },
  {
    title: 'allowance and charge of the document',
    xml: documentOf({
      ...simple,
      allowances: allowance(false, '60.00', 'Korting') + allowance(true, '10.00', 'Spoed'),
      totals: totals({
        ...{ LineExtensionAmount: '1000.00', TaxExclusiveAmount: '950.00', TaxInclusiveAmount: '1149.50' },
        ...{ AllowanceTotalAmount: '60.00', ChargeTotalAmount: '10.00', PayableAmount: '1149.50' },
      }),
      lines: [scan, { ...fee, amount: '150.00' }],
    }),
    lines: [
      ['1', 'usage', '1000', '0.85', '850'],
      ['2', 'fee', null, null, '150'],
      ['allowance-1', 'discount', null, null, '-60'],
      ['charge-1', 'fee', null, null, '10'],
      ['tax-1', 'tax', null, null, '199.5'],
    ],
    stated: simpleTotals,
  },
  {
    title: 'several rates of tax',
    xml: documentOf({
      ...simple,
      tax: taxOf(
        [
          ['850.00', '178.50', '21'],
          ['60.00', '5.40', '9'],
          ['40.00', '0.00', '0'],
        ],
        '183.90',
      ),
      totals: totals({ TaxExclusiveAmount: '950.00', TaxInclusiveAmount: '1133.90', PayableAmount: '1133.90' }),
    }),
    lines: [
      ...simpleLines.slice(0, 2),
      ['tax-1', 'tax', null, null, '178.5'],
      ['tax-2', 'tax', null, null, '5.4'],
      ['tax-3', 'tax', null, null, '0'],
    ],
    stated: { net: '950', tax: '183.9', total: '1133.9' },
  },
  {
    title: 'tax in a second currency, and what is prepaid and rounded',
    xml: documentOf({
      ...simple,
      tax: `<cac:TaxTotal>${eur('TaxAmount', '2280.00', 'SEK')}</cac:TaxTotal>${simple.tax}`,
      totals: totals({
        ...{ TaxExclusiveAmount: '950.00', TaxInclusiveAmount: '1149.50', PrepaidAmount: '149.00' },
        ...{ PayableRoundingAmount: '-0.50', PayableAmount: '1000.00' },
      }),
    }),
    lines: simpleLines,
    stated: simpleTotals,
    more: { payable: { amount: money('1000'), prepaid: money('149'), rounding: money('-0.5') } },
  },
  {
    title: 'a period within a month, and a level among the properties of the item',
    xml: documentOf({
      ...simple,
      period: period('2026-11-01', '2026-11-30'),
      lines: [
        {
          ...scan,
          item: '<cac:AdditionalItemProperty><cbc:Name>Level</cbc:Name><cbc:Value>Advanced</cbc:Value></cac:AdditionalItemProperty>',
        },
        fee,
      ],
    }),
    lines: simpleLines,
    stated: simpleTotals,
    more: { period: '2026-11' },
  },
  {
    title: 'periods of lines, CDATA, comments, other prefixes',
    xml: documentOf({
      ...simple,
      lines: [scan, fee].map((line) => ({ ...line, extra: period('2026-11-01', '2026-11-30') })),
    })
      .replaceAll(/<(\/?)cbc:/g, '<$1b:')
      .replace('xmlns:cbc=', 'xmlns:b=')
      .replace('850.00<', '<![CDATA[850]]><!-- net -->.00<'),
    lines: simpleLines,
    stated: simpleTotals,
    more: { period: '2026-11' },
  },
  {
    title: 'a negative line in an invoice, UTF-16',
    xml: encoded(
      documentOf({
        ...simple,
        lines: [
          scan,
          { ...fee, amount: '184.00' },
          { ...scan, id: '3', quantity: '-100', amount: '-84.00', price: '0.84' },
        ],
      }).replace('encoding="UTF-8"', 'encoding="UTF-16"'),
      'utf-16le',
    ),
    lines: [simpleLines[0]!, ['2', 'fee', null, null, '184'], ['3', 'usage', '-100', '0.84', '-84'], simpleLines[2]!],
    stated: simpleTotals,
  },
  {
    title: 'ISO-8859-1, quantities and amounts with needless zeros',
    xml: Buffer.from(
      documentOf({
        ...simple,
        lines: [
          { ...scan, quantity: '1000.000', amount: '850.0000' },
          { ...fee, name: 'Één' },
        ],
      }).replace('UTF-8', 'ISO-8859-1'),
      'latin1',
    ),
    lines: simpleLines,
    stated: simpleTotals,
  },
];

describe('twelve forms of UBL say what they say to the last digit, and tie out', () => {
  test.each(samples)('$title', async ({ xml, lines, stated, more }) => {
    const { invoice, detected } = await readInvoice(Buffer.from(xml), 'november.xml', layout);
    const figures = invoice.lines.map(({ line, kind, quantity, unitPrice, amount }) => [
      line,
      kind,
      quantity,
      unitPrice,
      amount,
    ]);
    const expected = lines.map(([line, kind, quantity, price, amount]) => [
      ...[line, kind, quantity === null ? null : BigInt(quantity)],
      ...[price === null ? null : money(price), money(amount)],
    ]);
    expect(figures).toEqual(expected);
    const { net, tax, total } = stated;
    expect(invoice).toMatchObject({
      ...{ number: 'F-2026/1101', issueDate: '2026-12-13', currency: 'EUR', isCreditNote: false, period: null },
      stated: { net: money(net), tax: money(tax), total: money(total) },
      ...more,
    });
    expect(tieOut(invoice)).toEqual([]);
    expect(detected.type).toBe('ubl');
  });

  test('a line has its task type and level by the layout, and its text as it was meant', async () => {
    const { invoice } = await readInvoice(Buffer.from(samples[8]!.xml), 'november.xml', layout);
    expect(invoice.lines[0]).toMatchObject({
      taskType: 'document_scan',
      level: 'advanced',
      description: 'Documentscan & meer',
    });
    const [plain] = (await readInvoice(Buffer.from(samples[0]!.xml), 'november.xml', layout)).invoice.lines;
    expect(plain).toMatchObject({ taskType: 'document_scan', level: null });
  });
});
