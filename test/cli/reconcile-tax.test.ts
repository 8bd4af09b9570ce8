import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { verifyFolder } from '../../src/reports/verify.ts';
import { documentOf, taxOf, totals } from '../invoices/ubl-samples.ts';
import { january, line } from './january.ts';

const taxLine = (description: string, amount: string) => `INV-1,2026-02-01,EUR,2,${description},tax,,,,,${amount}`;
type Rows = readonly Record<string, string>[];
const told = (rows: Rows) =>
  rows
    .filter((one) => one['record_type'] === 'FINDING')
    .map((one) =>
      ['invoice_line', 'effect', 'cause', 'subject', 'certainty', 'amount_difference', 'likely_wrong']
        .map((column) => one[column])
        .join(' '),
    );

test('a tax that is not what its rate leads to is a finding of its own, without effect on the net', async () => {
  const { reconcile, invoice, rows, report, folder } = await january();
  const right = await reconcile(
    '--invoice',
    await invoice('right.csv', line(300, '255.00'), taxLine('BTW 21%', '53.55')),
  );
  expect({ code: right.code, err: right.stderr }).toEqual({ code: 0, err: '' });
  const wrong = await invoice('wrong.csv', line(300, '255.00'), taxLine('BTW 21%', '60.00'));
  expect((await reconcile('--invoice', wrong)).code).toBe(1);
  expect(told(await rows())).toEqual(['2 tax tax 21% × 255.00 = 53.55 ≠ 60.00 ambiguous 0.00 ']);
  expect((await rows()).at(-1)).toMatchObject({ vendor_amount: '255.00', amount_difference: '0.00' });
  const finding = (await rows()).find((one) => one['record_type'] === 'FINDING')?.['finding'] ?? '';
  // A second document for the month is no reason to name it anew.
  const fee = 'INV-2,2026-02-03,EUR,1,Set-up,fee,,,,,50.00';
  await reconcile('--invoice', await invoice('second.csv', fee));
  expect((await rows()).map((one) => one['finding'])).toContain(finding);
  expect((await report()).code).toBe(0);
  expect((await verifyFolder(folder)).problems).toEqual([]);
});

test.each([
  ['it is rounded line by line', 'BTW 21%', '53.56'],
  ['its line has two rates', 'BTW 21% en 9%', '60.00'],
  ['its line has no rate', 'BTW', '60.00'],
])('a tax is not doubted where %s', async (_, description, amount) => {
  const { reconcile, invoice } = await january();
  // 21 % of 127.50 is 26.775: each half is rounded up by itself.
  const half = (number: number) => `INV-1,2026-02-01,EUR,${number},Scan,usage,document_scan,advanced,150,0.85,127.50`;
  const tax = taxLine(description, amount).replace(',2,', ',3,');
  const said = await reconcile('--invoice', await invoice('tax.csv', half(1), half(2), tax));
  expect({ code: said.code, err: said.stderr }).toEqual({ code: 0, err: '' });
});

test('a UBL invoice says what each rate is of: a wrong tax fits, and so do rates that leave something out', async () => {
  const { reconcile, environment, rows } = await january();
  const layout = path.join(environment.folder, 'layout.json');
  const rule = { description: 'Scan*', kind: 'usage', task_type: 'document_scan', level: 'advanced' };
  await writeFile(layout, JSON.stringify({ version: 'x', source: 'x', invoice: { period: '2026-01' }, lines: [rule] }));
  const file = path.join(environment.folder, 'invoice.xml');
  const document = (rates: Parameters<typeof taxOf>[0], tax: string, total: string) =>
    writeFile(
      file,
      documentOf({
        tax: taxOf(rates, tax),
        totals: totals({ TaxExclusiveAmount: '255.00', TaxInclusiveAmount: total, PayableAmount: total }),
        lines: [{ id: '1', name: 'Scan', quantity: '300', amount: '255.00', price: '0.85' }],
      }),
    );
  const run = () => reconcile('--invoice', file, '--layout', layout);
  await document([['255.00', '53.55', '21']], '53.55', '308.55');
  const right = await run();
  expect({ code: right.code, err: right.stderr }).toEqual({ code: 0, err: '' });
  await document(
    [
      ['200.00', '45.00', '21'],
      ['50.00', '4.50', '9'],
    ],
    '49.50',
    '304.50',
  );
  expect((await run()).code).toBe(1);
  const expected = [
    'tax-1 tax tax 21% × 200.00 = 42.00 ≠ 45.00 fits 0.00 ',
    'tax-1 tax tax taxable 250.00 ≠ 255.00 ambiguous 0.00 ',
  ];
  expect(told(await rows())).toEqual(expected);
  expect((await reconcile()).code).toBe(1);
  expect(told(await rows())).toEqual(expected);
});
