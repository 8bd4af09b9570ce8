import { describe, expect, test } from 'vitest';
import { readInvoice } from '../../src/invoices/read-invoice.ts';
import { layoutOf, novemberRules, refusalOf } from './support.ts';
import { csvText, encoded } from './writers.ts';

const layout = layoutOf({
  invoice: { number: 'F1', issue_date: '2026-12-13', currency: 'EUR' },
  columns: { description: 'Omschrijving', quantity: 'Aantal', unit_price: 'Prijs', amount: 'Bedrag' },
  lines: novemberRules,
});
const withFormat = (format: object) => ({ ...layout, format: layoutOf({ format }).format });
const header = 'Omschrijving;Aantal;Prijs;Bedrag';
const read = (file: string | Buffer, used = layout) => readInvoice(Buffer.from(file), 'november.csv', used);
const refused = (file: string | Buffer, used = layout) => refusalOf(() => read(file, used));
const lines = (...rows: string[]) => `${[header, ...rows].join('\r\n')}\r\n`;
const plainHeader =
  'invoice_number,issue_date,currency,line,description,kind,task_type,level,quantity,unit_price,amount';
const refusedPlain = (...rows: string[]) =>
  refusalOf(() => readInvoice(Buffer.from([plainHeader, ...rows].join('\n')), 'plain.csv'));

describe('columns', () => {
  test('that are missing or stand twice are named, with what there is', async () => {
    const { code, mistakes } = await refused('Omschrijving;Aantal;Bedrag;Bedrag\nKorting;1;1,50;2,50\n');
    expect(code).toBe('layout_mismatch');
    expect(mistakes).toEqual([
      '1: there is no column "Prijs" for unit_price',
      '1: the column "Bedrag" for amount is there 2 times; a layout can name it by its place',
      '1: the header has "Omschrijving", "Aantal", "Bedrag", "Bedrag"',
    ]);
    const byPlace = { ...layout, columns: { description: 'Omschrijving', amount: 4 } };
    const { invoice } = await read('Omschrijving;Aantal;Bedrag;Bedrag\nKorting;1;1,50;2,50\n', byPlace);
    expect(invoice.lines[0]?.amount).toBe(2_500_000n);
  });

  test('of the plain format are wanted by their exact names', async () => {
    const { code, mistakes } = await refusalOf(() =>
      readInvoice(Buffer.from(`${plainHeader.replace('amount', 'total')}\n`), 'plain.csv'),
    );
    expect(code).toBe('invoice_unreadable');
    expect(mistakes[0]).toBe('1: there is no column "amount" for amount');
  });
});

describe('values', () => {
  test('all mistakes of a file are told at once, each with its line', async () => {
    const { code, mistakes } = await refused(
      lines(
        'Korting;1;0,85;x',
        'Korting;12,5;1,00;12,50',
        'Korting;1;0,1234567;0,12',
        'Korting;1;1,00;',
        'Korting;1;1,00;1234567890123,00',
        'Korting;1;1,00;USD 1,00',
      ),
    );
    expect(code).toBe('invoice_unreadable');
    expect(mistakes).toEqual([
      '2: amount: "x" is no number with a decimal comma',
      '3: quantity: "12,5" is no whole number; a quantity counts attempts',
      '4: unit_price: "0,1234567" has 7 decimals; at most 6 are kept, and nothing is rounded',
      '5: amount: is empty',
      '6: amount: "1234567890123,00" is out of range: more than 12 digits',
      `7: amount: "USD 1,00" is not in EUR, the invoice's currency`,
    ]);
  });

  test('twenty mistakes are told, and that there are more', async () => {
    const { mistakes } = await refused(lines(...Array.from({ length: 1000 }, () => 'Korting;1;1,50;x')));
    expect(mistakes).toHaveLength(21);
    expect(mistakes[20]).toMatch(/^and \d+ more$/);
  });

  test('the one value at fault is shortened, and cannot move a terminal', async () => {
    const { mistakes } = await refused(lines(`Korting;1;1,50;[2J\u202e${'x'.repeat(100)}`));
    expect(mistakes[0]).toBe(`2: amount: "[2J${'x'.repeat(37)}…" is no number with a decimal comma`);
  });

  test('control characters are refused, and line breaks within a text are spaces', async () => {
    for (const sign of ['\u001b', '\u007f', '\u0085'])
      expect(await refused(lines('Korting;1;1,50;1,50', `Korting${sign};1;1,50;1,50`)), sign).toEqual({
        code: 'invoice_unreadable',
        mistakes: [expect.stringMatching(/^3: has a control character, U\+00/)],
      });
    const broken = await read(lines('"Face match\r\n\tper stuk ";1;1,50;1,50'));
    expect(broken.invoice.lines[0]?.description).toBe('Face match per stuk');
  });

  test('a text that is cut is cut between two signs', async () => {
    const { invoice } = await read(lines(`Face match${'x'.repeat(489)}😀;1;1,50;1,50`));
    expect(invoice.lines[0]?.description).toBe(`Face match${'x'.repeat(489)}`);
  });

  test('usage has a quantity, unless it is credited, and amounts and prices are in the currency', async () => {
    const { mistakes } = await refused(
      lines('Face match;;;1,50', 'Face match;1;$1,50;1,50', 'Face match;1;1,50;$1,50', 'Face match;1;1,50;£ 1,50'),
    );
    expect(mistakes).toEqual([
      '2: quantity: is empty, and usage is counted',
      `3: unit_price: "$1,50" is not in EUR, the invoice's currency`,
      `4: amount: "$1,50" is not in EUR, the invoice's currency`,
      `5: amount: "£ 1,50" is not in EUR, the invoice's currency`,
    ]);
    expect((await read(lines('Face match;;;-1,50'))).invoice.lines).toHaveLength(1);
    const dollars = {
      ...layout,
      invoice: layoutOf({ invoice: { number: 'F1', issue_date: '2026-12-13', currency: 'USD' } }).invoice,
    };
    expect((await read(lines('Face match;1;$1,50;$1,50'), dollars)).invoice.lines).toHaveLength(1);
  });

  test('what a layout does not say and the file neither is asked for', async () => {
    const { mistakes } = await refused(lines('Korting;1;1,50;1,50'), { ...layout, invoice: { isCreditNote: false } });
    expect(mistakes.map((mistake) => mistake.split(':')[0])).toEqual([
      'says no invoice_number',
      'says no issue_date',
      'says no currency',
    ]);
  });
});

describe('what can mean two things is asked, never guessed', () => {
  test.each([
    ['Korting;12,000;;', 'quantity: "12,000"'],
    ['Korting;;;1.234', 'amount: "1.234"'],
  ])('%s', async (row, value) => {
    const { code, mistakes } = await refused(lines(row.replace(/;$/, ';1').replace('1.2341', '1.234')));
    expect(code).toBe('invoice_ambiguous');
    expect(mistakes[0]).toContain(`2: ${value} can be thousands or decimals`);
    expect(mistakes[0]).toContain('format.decimal');
  });

  test('and settled by the layout', async () => {
    const amount = async (decimal: string) =>
      (await read(lines('Korting;;;1.234'), withFormat({ decimal }))).invoice.lines[0]?.amount;
    expect(await amount('.')).toBe(1_234_000n);
    expect(await amount(',')).toBe(1_234_000_000n);
  });

  test('numbers of two countries in one file', async () => {
    const { code, mistakes } = await refused(lines('Korting;;;1,50', 'Korting;;;2.50'));
    expect(code).toBe('invoice_ambiguous');
    expect(mistakes[0]).toContain('2: amount: "1,50" has a decimal comma, and "2.50" on line 3 a decimal point');
  });

  const dated = layoutOf({
    invoice: { number: 'F1', currency: 'EUR' },
    columns: { issue_date: 'Datum', description: 'Omschrijving', amount: 'Bedrag' },
    lines: novemberRules,
  });
  test('a day', async () => {
    const { code, mistakes } = await refused('Datum;Omschrijving;Bedrag\n01-02-2026;Korting;1,50\n', dated);
    expect(code).toBe('invoice_ambiguous');
    expect(mistakes[0]).toContain('2: issue_date: "01-02-2026" can be two days');
    expect(mistakes[0]).toContain('format.date');
    const settled = { ...dated, format: layoutOf({ format: { date: 'DD-MM-YYYY' } }).format };
    const { invoice } = await read('Datum;Omschrijving;Bedrag\n01-02-2026;Korting;1,50\n', settled);
    expect(invoice.issueDate).toBe('2026-02-01');
  });

  test('a day that is the same either way is not', async () => {
    const { invoice } = await read('Datum;Omschrijving;Bedrag\n05-05-2026;Korting;1,50\n', dated);
    expect(invoice.issueDate).toBe('2026-05-05');
  });

  test('two delimiters that both make a table', async () => {
    const two = { ...layout, columns: { description: 1, amount: 2 } };
    expect((await refused('a,b;c\nd,e;f\n', two)).code).toBe('invoice_ambiguous');
  });
});

describe('lines', () => {
  test('that no rule matches are named', async () => {
    const { code, mistakes } = await refused(lines('Korting;;;1,50', 'Iets nieuws;;;1,50', 'Nog iets;;;2,50'));
    expect(code).toBe('layout_mismatch');
    expect(mistakes).toEqual([
      `3: no rule of the layout's lines matches "Iets nieuws"`,
      `4: no rule of the layout's lines matches "Nog iets"`,
    ]);
  });

  test('of the plain format have one of its kinds, and usage has a task type', async () => {
    expect((await refusedPlain('F1,2026-12-01,EUR,1,x,rent,,,,,1')).mistakes).toEqual([
      '2: kind: "rent" is none of usage, minimum, fee, discount, credit, tax',
    ]);
    expect((await refusedPlain('F1,2026-12-01,EUR,1,x,usage,,,,,1')).mistakes).toEqual([
      '2: task_type: is empty, and usage is of a task type',
    ]);
  });

  test('of two invoices are not one file', async () => {
    expect((await refusedPlain('F1,2026-12-01,EUR,1,x,fee,,,,,1', 'F2,2026-12-01,EUR,1,x,fee,,,,,1')).mistakes).toEqual(
      ['3: invoice_number: "F2" here, "F1" on line 2; a file is one invoice'],
    );
  });

  test('that are there twice are kept, numbered apart, and told', async () => {
    const row = 'F1,2026-12-01,EUR,1,x,fee,,,,,1.50';
    const file = [plainHeader, row, row, row.replace('EUR,1', 'EUR,1-2')].join('\n');
    const { invoice, detected } = await readInvoice(Buffer.from(file), 'plain.csv');
    expect(invoice.lines.map(({ line }) => line)).toEqual(['1', '1-3', '1-2']);
    expect(detected.notes).toEqual([
      'line "1" is there more than once: this one is 1-3',
      'line "1-3" is the same as line "1": 1.50 is charged twice',
      'line "1-2" is the same as line "1": 1.50 is charged twice',
    ]);
  });

  test('negative ones make a credit note, or are made negative where the file leaves out the sign', async () => {
    const { invoice } = await read(lines('Korting;;;-1,50'));
    expect(invoice).toMatchObject({ isCreditNote: true, lines: [{ amount: -1_500_000n }] });
    const turned = { ...layout, invoice: { ...layout.invoice, isCreditNote: true } };
    const { invoice: note } = await read(lines('Face match;3;0,50;1,50'), turned);
    expect(note).toMatchObject({
      isCreditNote: true,
      lines: [{ quantity: -3n, unitPrice: 500_000n, amount: -1_500_000n }],
    });
  });

  test('ten thousand of them are read', async () => {
    const rows = Array.from({ length: 10_000 }, (_, index) => ['Face match', '3', '0,3333', `${index},50`]);
    const { invoice } = await read(csvText([header.split(';'), ...rows], ';'));
    expect(invoice.lines).toHaveLength(10_000);
    expect(invoice.lines.at(-1)).toMatchObject({ line: '10000', amount: 9_999_500_000n });
  });

  test('totals and rows of no interest are no lines; labels say what no column does', async () => {
    const rules = [
      { description: 'Tot. excl*', kind: 'net' },
      { description: 'Tot. incl*', kind: 'total' },
      { description: 'Tot. BTW', kind: 'tax_total' },
    ];
    const other = layoutOf({
      format: { header_row: 4, delimiter: ';' },
      invoice: {
        number: { label: 'Factuurnummer' },
        issue_date: { label: 'Datum' },
        currency: 'EUR',
        period: { label: 'Periode' },
      },
      columns: { description: 'Omschrijving', amount: 'Bedrag' },
      lines: [
        ...novemberRules.slice(0, 5),
        ...rules,
        { description: 'Tussenkop*', kind: 'ignore' },
        { description: 'BTW*', kind: 'tax' },
      ],
    });
    const text =
      'Factuurnummer:;;F-7\nDatum;1 december 2026\nPeriode;november 2026\nOmschrijving;Bedrag\nTussenkop;\nServicekosten;100,00\nTot. excl. btw;100,00\nBTW 21%;21,00\nTot. BTW;21,00\nTot. incl. btw;121,00\n';
    const { invoice } = await read(text, other);
    expect(invoice).toMatchObject({ number: 'F-7', issueDate: '2026-12-01', period: '2026-11' });
    expect(invoice.lines.map(({ kind }) => kind)).toEqual(['fee', 'tax']);
    expect(invoice.stated).toEqual({ net: 100_000_000n, tax: 21_000_000n, total: 121_000_000n });
    expect(
      (
        await refused(text.replace('Periode;', 'Datum;3-3-2026\nPeriode;'), {
          ...other,
          format: { ...other.format, headerRow: 5 },
        })
      ).mistakes,
    ).toEqual(['3: invoice.issue_date: the label "Datum" stands 2 times beside a value']);
  });
});

describe('charsets', () => {
  test('a layout does not overrule a byte order mark, but does a detection', async () => {
    const bytes = encoded(lines('Korting;;;1,50'), 'utf-8-bom');
    expect((await refused(bytes, withFormat({ encoding: 'windows-1252' }))).code).toBe('invoice_unreadable');
    const { detected } = await read(lines('Korting;;;1,50'), withFormat({ encoding: 'windows-1252' }));
    expect(detected.encoding).toBe('windows-1252');
  });
});
