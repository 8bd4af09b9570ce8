import { describe, expect, test } from 'vitest';
import type { UsageRow } from '../../src/domain/vendor-invoice.ts';
import type { Layout } from '../../src/invoices/layout/layout.ts';
import { readUsage } from '../../src/invoices/read-usage.ts';
import { layoutOf, openable, refusalOf } from './support.ts';
import { bookOf, csvText, encoded } from './writers.ts';

const plainHeader = 'transaction_id,task_type,attempt,attempted_at,outcome_code,level,quantity,unit_price';
const read = async (file: string | Buffer, layout?: Layout) => {
  const { detected, rows } = await readUsage('usage.csv', openable(Buffer.from(file), 37), layout);
  const all: UsageRow[] = [];
  for await (const some of rows) all.push(...some);
  return { detected, rows: all };
};
const refused = (file: string | Buffer, layout?: Layout) => refusalOf(() => read(file, layout));

const expected: UsageRow[] = [
  {
    transactionId: '3f2b8c1e-0000-4000-8000-00000000000a',
    taskType: 'document_scan',
    attempt: 2,
    attemptedAt: new Date('2026-11-13T10:11:12Z'),
    outcomeCode: 'D-12',
    level: 'advanced',
    quantity: 1n,
    unitPrice: 850_000n,
  },
  {
    transactionId: 'T_1',
    taskType: 'face_match',
    attempt: null,
    attemptedAt: new Date('2026-11-30T23:59:59.999Z'),
    outcomeCode: null,
    level: null,
    quantity: -1n,
    unitPrice: null,
  },
];

test('the plain format is read as it is', async () => {
  const file = `${plainHeader}\n3F2B8C1E-0000-4000-8000-00000000000A,document_scan,2,2026-11-13T10:11:12Z,D-12,advanced,1,0.8500\nT_1,face_match,,2026-12-01T00:59:59.999+01:00,,,-1,\n`;
  const { detected, rows } = await read(file);
  expect(rows).toEqual(expected);
  expect(detected).toMatchObject({ isPlain: true, encoding: 'utf-8', delimiter: ',', decimal: '.', headerLine: 1 });
});

const dutch = layoutOf({
  usage: {
    format: { time_zone: 'Europe/Amsterdam' },
    columns: {
      transaction_id: 'Transactie',
      task_type: 'Dienst',
      attempt: 'Poging',
      attempted_at: 'Tijdstip',
      outcome_code: 'Code',
      level: 'Niveau',
      quantity: 'Aantal',
      unit_price: 'Prijs',
    },
    task_types: { 'Documentscan één': 'document_scan', Gezichtsvergelijking: 'face_match' },
    levels: { Uitgebreid: 'advanced', Geen: null },
  },
});
const dutchRows = [
  ['Transactie', 'Naam', 'Dienst', 'Poging', 'Tijdstip', 'Code', 'Niveau', 'Aantal', 'Prijs'],
  [
    '3F2B8C1E-0000-4000-8000-00000000000A',
    'Jansen',
    'Documentscan één',
    '2',
    '13-11-2026 11:11:12',
    'D-12',
    'Uitgebreid',
    '1',
    '0,85',
  ],
  ['T_1', '"Piet; Jr."', 'Gezichtsvergelijking', '', '01-12-2026 00:59:59,999', '', 'Geen', '-1', ''],
];

test.each(['utf-8', 'utf-16le', 'windows-1252'] as const)('another form needs a layout: %s', async (encoding) => {
  const { detected, rows } = await read(encoded(csvText(dutchRows, ';'), encoding), dutch);
  expect(rows).toEqual(expected);
  expect(detected).toMatchObject({ isPlain: false, encoding, delimiter: ';', decimal: ',', date: 'DD-MM-YYYY' });
});

test('a workbook is read like it', async () => {
  const { rows } = await read(bookOf(dutchRows), dutch);
  expect(rows).toEqual(expected);
  const plain = bookOf([
    plainHeader.split(','),
    ['T_1', 'face_match', null, { xml: '<c s="1"><v>46356.999999988426</v></c>' }, null, null, { n: '-1' }, null],
  ]);
  const zone = layoutOf({ usage: { format: { time_zone: 'UTC' } } });
  expect((await read(plain, zone)).rows).toEqual([expected[1]]);
});

test('a million rows would not be held: what is read is handed on', async () => {
  let opened = 0;
  let sent = 0;
  const rowCount = 3_000;
  const open = async function* () {
    opened += 1;
    sent = 0;
    yield Buffer.from(`${plainHeader}\n`);
    for (; sent < rowCount; sent += 1) {
      await Promise.resolve();
      yield Buffer.from(`T_${sent},face_match,1,2026-11-13T10:11:12Z,,,1,0.5\n`);
    }
  };
  const { rows } = await readUsage('usage.csv', open);
  let seen = 0;
  let ahead = 0;
  for await (const row of flat(rows)) {
    expect(row.transactionId).toBe(`T_${seen}`);
    seen += 1;
    ahead = Math.max(ahead, sent - seen);
  }
  expect([seen, ahead <= 1]).toEqual([rowCount, true]);
  // Head, encoding, header, rows.
  expect(opened).toBe(4);
});

describe('bad statements', () => {
  const row = 'T_1,face_match,1,2026-11-13T10:11:12Z,,,1,0.5';

  test('all mistakes are told, each with its line, and no row behind the first is handed out', async () => {
    const bad = [
      '?,face_match,1,2026-11-13T10:11:12Z,,,1,0.5',
      row,
      'T_1,,0,2026-11-31T10:11:12Z,,,1.5,x',
      'T_1,face_match,1',
    ];
    const { code, mistakes } = await refused([plainHeader, row, ...bad].join('\n'));
    expect(code).toBe('usage_unreadable');
    expect(mistakes).toEqual([
      '3: transaction_id: "?" is no ID',
      '5: task_type: is empty',
      '5: attempted_at: "2026-11-31T10:11:12Z" is no instant, such as 2026-11-03T10:11:12Z',
      '5: attempt: must be a whole number from 1',
      '5: quantity: "1.5" is no whole number; a quantity counts attempts',
      '5: unit_price: "x" is no number with a decimal point',
      '6: has 3 cells, the header has 8',
    ]);
  });

  test('twenty mistakes are enough', async () => {
    const { rows } = await readUsage(
      'usage.csv',
      openable(Buffer.from(`${plainHeader}\n${'x\n'.repeat(100_000)}`), 1_000),
    );
    const { mistakes } = await refusalOf(async () => {
      for await (const some of rows) expect(some).toEqual([]);
    });
    expect(mistakes).toHaveLength(20);
  });

  test.each([
    ['empty', '', 'is empty'],
    ['XML', '<Invoice/>', 'is XML'],
    ['a PDF', '%PDF-1.4', 'is a PDF'],
    ['no columns of the plain format', 'a,b\n1,2\n', 'there is no column "transaction_id"'],
    ['a quote that is never closed', `${plainHeader}\n${row}\n"${row}\n`, '3: has a quote that is never closed'],
    ['a NUL', `${plainHeader}\n${row}\n\0\n`, '3: has a NUL'],
  ])('%s', async (_, file, message) => {
    const { code, mistakes } = await refused(file);
    expect(code).toBe('usage_unreadable');
    expect(mistakes.join('\n')).toContain(message);
  });

  test('what can mean two things is asked', async () => {
    const other = (cells: Record<number, string>) =>
      csvText([dutchRows[0]!, dutchRows[1]!.map((cell, at) => cells[at] ?? cell)], ';');
    const day = await refused(other({ 4: '01-11-2026 10:00' }), dutch);
    expect(day.code).toBe('usage_ambiguous');
    expect(day.mistakes[0]).toContain('2: attempted_at: "01-11-2026" can be two days');
    expect(day.mistakes[0]).toContain('usage.format.date');
    const price = await refused(other({ 8: '1,234' }), dutch);
    expect(price.mistakes[0]).toContain('2: unit_price: "1,234" can be thousands or decimals');
    const zoneless = { ...dutch, usage: { ...dutch.usage, format: {} } };
    const time = await refused(other({}), zoneless);
    expect(time.mistakes).toEqual([
      '2: attempted_at: "13-11-2026 11:11:12" is a time without offset; set usage.format.time_zone',
    ]);
    expect((await refused(`${plainHeader}\nT_1,face_match,1,2026-11-13 10:11:12,,,1,0.5\n`)).code).toBe(
      'usage_ambiguous',
    );
  });

  test('a word for a task type that the layout does not know is named', async () => {
    const file = csvText([dutchRows[0]!, dutchRows[1]!.map((cell, at) => (at === 2 ? 'Anders' : cell))], ';');
    expect((await refused(file, dutch)).mistakes).toEqual([
      '2: task_type: "Anders" is not in usage.task_types of the layout',
    ]);
  });
});

async function* flat<T>(batches: AsyncIterable<readonly T[]>): AsyncGenerator<T> {
  for await (const some of batches) yield* some;
}
