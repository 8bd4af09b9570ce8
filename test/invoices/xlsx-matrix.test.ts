import { describe, expect, test } from 'vitest';
import { readInvoice } from '../../src/invoices/read-invoice.ts';
import { layoutOf, november, novemberRules } from './support.ts';
import { bookOf, type BookOptions, type Marks, numberText, type SheetCell } from './writers.ts';

type Form = BookOptions & {
  readonly title: string;
  /** How numbers stand in cells: as numbers, as Excel's 17 digits of a double, as texts of a country. */
  readonly numbers?: 'plain' | 'double' | 'exponent' | Marks;
  readonly day?: (iso: string) => SheetCell;
  readonly above?: readonly (readonly SheetCell[])[];
};

const serial = (day: string): SheetCell => ({ day });
const forms: readonly Form[] = [
  { title: 'shared texts, serial dates since 1900' },
  { title: 'dates since 1904', is1904: true },
  { title: 'texts within their cells', texts: 'inline' },
  { title: 'texts in parts of several looks', texts: 'rich' },
  { title: 'numbers as doubles are written', numbers: 'double' },
  { title: 'numbers with exponents', numbers: 'exponent' },
  { title: 'numbers and dates as Dutch texts', numbers: { decimal: ',', thousands: '.' }, day: () => '13-12-2026' },
  {
    title: 'numbers as English texts, months as words',
    numbers: { decimal: '.', thousands: ',' },
    day: () => '13 dec 2026',
  },
  { title: 'the second sheet', sheets: ['Voorblad', 'Regels & meer'] },
  { title: 'a date format of its own', dateFormat: '[$-413]d mmmm yyyy;@' },
  {
    title: 'lines above the header, rows that begin further down',
    from: 7,
    above: [
      ['Factuur', null, 'CM.com'],
      ['Aan', 'ons'],
    ],
  },
  {
    title: 'dates as ISO texts (type d)',
    day: () => ({ xml: '<c t="d"><v>2026-12-13T00:00:00</v></c>' }),
  },
];

const columns = {
  ...{ invoice_number: 'Factuurnummer', issue_date: 'Factuurdatum', currency: 'Valuta', line: 'Regel' },
  ...{ description: 'Omschrijving', quantity: 'Aantal', unit_price: 'Prijs', amount: 'Bedrag' },
};

/** A decimal as spreadsheets write the double that is nearest to it: with 17 digits. */
const asDouble = (text: string): string => Number(text).toPrecision(17).replace(/0+$/, '').replace(/\.$/, '');

function cellOf(value: bigint | null, scale: number, { numbers = 'plain' }: Form): SheetCell {
  if (value === null) return null;
  if (typeof numbers === 'object') return numberText(value, scale, scale === 0 ? 0 : 2, numbers);
  const text = numberText(value, scale, 0, { decimal: '.', thousands: '' });
  return { n: numbers === 'plain' ? text : numbers === 'double' ? asDouble(text) : Number(text).toExponential() };
}

const fileOf = (form: Form): Buffer =>
  bookOf(
    [
      ...(form.above ?? []),
      Object.values(columns),
      ...november.lines.map((line): SheetCell[] => [
        ...[
          november.number,
          (form.day ?? serial)(november.issueDate),
          november.currency,
          { n: line.line },
          line.description,
        ],
        ...[cellOf(line.quantity, 0, form), cellOf(line.unitPrice, 6, form), cellOf(line.amount, 6, form)],
      ]),
    ],
    form,
  );

describe('twelve forms of XLSX say the same to the last digit', () => {
  test.each(forms)('$title', async (form) => {
    const sheet = form.sheets?.at(-1);
    const layout = layoutOf({ columns, lines: novemberRules, ...(sheet ? { format: { sheet } } : {}) });
    const { invoice, detected } = await readInvoice(fileOf(form), 'november.xlsx', layout);
    expect(invoice).toEqual(november);
    expect(detected).toMatchObject({ type: 'xlsx', sheet: sheet ?? 'Factuur', encoding: null, delimiter: null });
    expect(detected.headerLine).toBe((form.from ?? 1) + (form.above?.length ?? 0));
  });
});

test('a plain workbook needs no layout', async () => {
  const header = 'invoice_number,issue_date,currency,line,description,kind,task_type,level,quantity,unit_price,amount';
  const row: SheetCell[] = [
    'F1',
    { day: '2026-02-01' },
    'EUR',
    '1',
    'Scan',
    'usage',
    'document_scan',
    null,
    { n: '2' },
    { n: '0.1' },
    { n: '0.2' },
  ];
  const { invoice } = await readInvoice(bookOf([header.split(','), row]), 'plain.xlsx');
  expect(invoice.lines[0]).toMatchObject({ quantity: 2n, unitPrice: 100_000n, amount: 200_000n });
  expect(invoice.issueDate).toBe('2026-02-01');
});
