import { describe, expect, test } from 'vitest';
import { readInvoice } from '../../src/invoices/read-invoice.ts';
import { layoutOf, november, novemberRules } from './support.ts';
import { csvText, dateText, encoded, type Marks, numberText } from './writers.ts';

type Form = {
  readonly delimiter: ';' | ',' | '\t' | '|';
  readonly marks: Marks;
  readonly encoding: Parameters<typeof encoded>[1];
  readonly date: string;
  readonly newline: string;
};

const dutch = { decimal: ',', thousands: '.' };
const english = { decimal: '.', thousands: ',' };
/** The four delimiters, both decimal marks with and without thousands, five encodings, six forms of dates, three line ends. */
const forms: readonly Form[] = [
  { delimiter: ';', marks: dutch, encoding: 'windows-1252', date: 'DD-MM-YYYY', newline: '\r\n' },
  { delimiter: ';', marks: { decimal: ',', thousands: '' }, encoding: 'utf-8', date: 'YYYY-MM-DD', newline: '\n' },
  { delimiter: ';', marks: english, encoding: 'utf-8-bom', date: 'MM/DD/YYYY', newline: '\r\n' },
  {
    delimiter: ';',
    marks: { decimal: ',', thousands: ' ' },
    encoding: 'utf-16le',
    date: 'DD.MM.YYYY',
    newline: '\r\n',
  },
  { delimiter: ',', marks: { decimal: '.', thousands: '' }, encoding: 'utf-8', date: 'YYYY-MM-DD', newline: '\n' },
  { delimiter: ',', marks: dutch, encoding: 'windows-1252', date: 'DD/MM/YYYY', newline: '\r\n' },
  { delimiter: ',', marks: english, encoding: 'utf-16be', date: 'MM-DD-YYYY', newline: '\r' },
  { delimiter: '\t', marks: dutch, encoding: 'utf-16le', date: 'DD-MM-YYYY', newline: '\r\n' },
  {
    delimiter: '\t',
    marks: { decimal: '.', thousands: '\u2019' },
    encoding: 'utf-8',
    date: 'YYYY/MM/DD',
    newline: '\n',
  },
  {
    delimiter: '|',
    marks: { decimal: ',', thousands: '\u00a0' },
    encoding: 'windows-1252',
    date: 'DD-MM-YYYY',
    newline: '\n',
  },
  { delimiter: '|', marks: english, encoding: 'utf-8', date: 'DD-MM-YYYY', newline: '\r\n' },
  { delimiter: '|', marks: dutch, encoding: 'utf-8-bom', date: 'YYYYMMDD', newline: '\r' },
];

const columns = {
  ...{ invoice_number: 'Factuurnummer', issue_date: 'Factuurdatum', currency: 'Valuta', line: 'Regel' },
  ...{ description: 'Omschrijving', quantity: 'Aantal', unit_price: 'Prijs', amount: 'Bedrag (€)' },
};
const layout = layoutOf({ columns, lines: novemberRules });

function fileOf({ delimiter, marks, encoding, date, newline }: Form): Buffer {
  const number = (value: bigint | null, scale: number, decimals: number): string =>
    value === null ? '' : numberText(value, scale, decimals, marks);
  const rows = november.lines.map((line) => [
    ...[november.number, dateText(november.issueDate, date), november.currency, line.line, line.description],
    ...[number(line.quantity, 0, 0), number(line.unitPrice, 6, 4), number(line.amount, 6, 2)],
  ]);
  return encoded(csvText([Object.values(columns), ...rows], delimiter, newline), encoding);
}

describe('twelve forms of CSV say the same to the last digit', () => {
  test.each(forms)('$delimiter $marks.decimal $marks.thousands $encoding $date', async (form) => {
    const { invoice, detected } = await readInvoice(fileOf(form), 'november.csv', layout);
    expect(invoice).toEqual(november);
    const { encoding, delimiter, marks } = form;
    expect(detected).toMatchObject({ encoding: encoding.replace('-bom', ''), delimiter, decimal: marks.decimal });
    expect(detected).toMatchObject({
      type: 'csv',
      isPlain: false,
      layoutVersion: 'v1',
      headerLine: 1,
      columns,
      notes: [],
    });
  });
});

test('the same file twice is one invoice: the same hash, the same content', async () => {
  const [first, second] = await Promise.all([1, 2].map(() => readInvoice(fileOf(forms[0]!), 'november.csv', layout)));
  expect(second).toEqual(first);
  expect(first?.sha256).toMatch(/^[0-9a-f]{64}$/);
});

const plainHeader =
  'invoice_number,issue_date,currency,line,description,kind,task_type,level,quantity,unit_price,amount';

describe('the plain format', () => {
  const plainRows = (marks: Marks): string[][] =>
    november.lines.map((line) => [
      ...[november.number, november.issueDate, november.currency, line.line, line.description, line.kind],
      ...[line.taskType ?? '', line.level ?? ''],
      ...[line.quantity?.toString() ?? '', line.unitPrice === null ? '' : numberText(line.unitPrice, 6, 4, marks)],
      numberText(line.amount, 6, 2, marks),
    ]);

  test('needs no layout', async () => {
    const bytes = Buffer.from(csvText([plainHeader.split(','), ...plainRows({ decimal: '.', thousands: '' })], ','));
    const { invoice, detected } = await readInvoice(bytes, 'plain.csv');
    expect(invoice).toEqual(november);
    expect(detected).toMatchObject({ isPlain: true, layoutVersion: null, decimal: '.', delimiter: ',' });
  });

  test('is understood as a Dutch spreadsheet saves it, too', async () => {
    const bytes = Buffer.from(csvText([plainHeader.split(','), ...plainRows({ decimal: ',', thousands: '' })], ';'));
    expect((await readInvoice(bytes, 'plain.csv')).invoice).toEqual(november);
  });

  test('has points by its definition: 1.234 is one and a bit', async () => {
    const row = 'F1,2026-02-01,EUR,1,Scan,usage,document_scan,,1,1.234,1.234';
    const { invoice } = await readInvoice(Buffer.from(`${plainHeader}\n${row}\n`), 'plain.csv');
    expect(invoice.lines[0]).toMatchObject({ unitPrice: 1_234_000n, amount: 1_234_000n });
    expect(invoice.issueDate).toBe('2026-02-01');
  });

  test('is written otherwise where a layout says so', async () => {
    const row = 'F1,01-02-2026,EUR,1,Scan,usage,document_scan,,1,"1,234","1,234"';
    const file = Buffer.from(`${plainHeader}\n${row}\n`);
    const { invoice } = await readInvoice(
      file,
      'plain.csv',
      layoutOf({ format: { decimal: ',', date: 'DD-MM-YYYY' } }),
    );
    expect(invoice.lines[0]).toMatchObject({ unitPrice: 1_234_000n, amount: 1_234_000n });
    expect(invoice.issueDate).toBe('2026-02-01');
  });
});
