import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { editFile, fileOf, sealAgain } from '../support/report-folder-edits.ts';
import { everything, line, type Report, small } from '../support/report-samples.ts';
import { verifyFolder } from '../../src/reports/verify.ts';
import { folderOf, found } from './support.ts';

describe('sums that were changed with all hashes brought up to date are found:', () => {
  test('the monthly minimum', async () => {
    const directory = folderOf({ ...small, minimum: '500.00' });
    const summary = fileOf(directory, 'summary');
    editFile(directory, summary, (text) => text.replace('499.15', '499.16').replace('500.00', '500.01'));
    sealAgain(directory);
    expect(await found(directory)).toEqual([
      `${summary}, row 3: amount of monthly_minimum is 499.16, 499.15 is missing to reach the minimum of 500.00`,
      "manifest.json: control_totals.amount is 500.00, the summary's TOTAL is 500.01",
    ]);
    editFile(directory, summary, (text) => text.replace(/.*monthly_minimum.*\r\n/, '').replace('500.01', '0.85'));
    sealAgain(directory, (manifest) => Object.assign(manifest['control_totals'] as object, { amount: '0.85' }));
    expect(await found(directory)).toEqual([
      `${summary}: has no line monthly_minimum: 499.15 is missing to reach the minimum of 500.00`,
    ]);
  });

  test('a TOTAL that is not the sum, is missing, or is not the last', async () => {
    const directory = folderOf(small);
    const summary = fileOf(directory, 'summary');
    const text = readFileSync(path.join(directory, summary), 'utf8');
    const check = async (edited: string): Promise<string> => {
      writeFileSync(path.join(directory, summary), edited);
      sealAgain(directory);
      return (await found(directory)).join('\n');
    };
    expect(await check(text.replace(/(TOTAL.*,)1\.00/, '$19.99'))).toContain(
      'row 4: amount is 9.99, the lines add up to 1.00',
    );
    expect(await check(text.replace(/.*TOTAL.*\r\n/, ''))).toContain(`${summary}: has no TOTAL`);
    const [header = '', one = '', two = '', total = ''] = text.split('\r\n');
    expect(await check([header, one, total, two, ''].join('\r\n'))).toContain('row 4: comes after the TOTAL');
  });

  test.each(['attempts', 'invoiced', 'not_invoiced', 'unclassified', 'unpriced', 'corrections', 'discrepancies'])(
    'the control total of %s',
    async (name) => {
      const directory = folderOf(everything);
      sealAgain(directory, (manifest) => Object.assign(manifest['control_totals'] as object, { [name]: 99 }));
      expect(await found(directory)).toEqual([expect.stringContaining(`manifest.json: control_totals.${name} is 99`)]);
    },
  );

  test.each(['amount', 'unrounded_amount'])('the control total %s', async (name) => {
    const directory = folderOf(everything);
    sealAgain(directory, (manifest) => Object.assign(manifest['control_totals'] as object, { [name]: '1.00' }));
    expect(await found(directory)).toEqual([expect.stringContaining(`manifest.json: control_totals.${name} is 1.00`)]);
  });

  test.each<[what: string, report: Report, said: string]>([
    ['is one', everything, '1236.001191'],
    ['is none without prices', { lines: [line('a')], currency: null }, 'empty'],
    ['is none where a price is missing', { lines: [line('a'), line('b', { price: null, tier: '' })] }, 'empty'],
  ])('the control total before rounding where there %s', async (_, report, said) => {
    const directory = folderOf(report);
    sealAgain(directory, (manifest) =>
      Object.assign(manifest['control_totals'] as object, { unrounded_amount: '1.00' }),
    );
    expect((await verifyFolder(directory)).problems).toEqual([
      {
        ...{ file: 'manifest.json', column: 'unrounded_amount' },
        problem: `control_totals.unrounded_amount is 1.00, the detail file adds up to ${said}`,
      },
    ]);
  });

  test('but no number of discrepancies where these do not read', async () => {
    const directory = folderOf(small);
    editFile(directory, fileOf(directory, 'discrepancies'), (text) => text.replace(',1,2,1', ',1,x,1'));
    sealAgain(directory);
    expect(await found(directory)).toEqual([expect.stringContaining('row 2: vendor_quantity is x')]);
  });

  const october = { start: '2026-10-01T00:00:00Z', end: '2026-11-01T00:00:00Z', time_zone: 'UTC' };

  test.each<[what: string, bounds: Partial<typeof october>, said: string]>([
    ['of another month', { end: '2026-12-01T00:00:00Z' }, 'in UTC it is 2026-10-01T00:00:00Z'],
    ['that begin an hour late', { start: '2026-10-01T01:00:00Z' }, '2026-10 is 2026-10-01T01:00:00Z to before'],
    ['that end six hours late', { end: '2026-11-01T06:00:00Z' }, 'to before 2026-11-01T06:00:00Z (UTC)'],
    ['of a month elsewhere', { time_zone: 'Asia/Tokyo' }, 'in Asia/Tokyo it is 2026-09-30T15:00:00Z to before'],
    ['in a zone that nobody knows', { time_zone: 'Mars/Olympus' }, 'Mars/Olympus'],
  ])('bounds %s', async (_, edit, said) => {
    const directory = folderOf(small);
    sealAgain(directory, (manifest) => Object.assign(manifest, { bounds: { ...october, ...edit } }));
    expect(await found(directory)).toEqual([expect.stringContaining(said)]);
  });

  test('but not the same bounds by another name of the zone', async () => {
    const directory = folderOf(small);
    sealAgain(directory, (manifest) =>
      Object.assign(manifest, { bounds: { ...october, time_zone: 'Africa/Abidjan' } }),
    );
    expect(await found(directory)).toEqual([]);
  });

  test.each<[what: string, report: Report, instant: string]>([
    ['that is none', small, 'last week'],
    ['of a month that is closed', { ...small, version: 1 }, '2026-10-05T10:00:00.000Z'],
  ])('an earlier instant %s', async (_, report, instant) => {
    const directory = folderOf(report);
    sealAgain(directory, (manifest) => Object.assign(manifest, { as_of: instant }));
    expect(await found(directory)).toEqual([expect.stringContaining('as_of')]);
  });
});
