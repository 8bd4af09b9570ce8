import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { editFile, everything, fileOf, sealAgain, small } from '../support/report-folders.ts';
import { folderOf, found } from './support.ts';

describe('sums that were changed with all hashes brought up to date are found:', () => {
  test('the monthly minimum', async () => {
    const directory = folderOf({ ...small, minimum: '500.00' });
    const summary = fileOf(directory, 'summary');
    editFile(directory, summary, (text) => text.replace('499.15', '499.16').replace('500.00', '500.01'));
    sealAgain(directory);
    expect(await found(directory)).toEqual([
      `${summary}, row 3: amount of monthly_minimum is 499.16, up to the minimum 500.00 499.15 is missing`,
      "manifest.json: control_totals.amount is 500.00, the summary's TOTAL is 500.01",
    ]);
    editFile(directory, summary, (text) => text.replace(/.*monthly_minimum.*\r\n/, '').replace('500.01', '0.85'));
    sealAgain(directory, (manifest) => Object.assign(manifest['control_totals'] as object, { amount: '0.85' }));
    expect(await found(directory)).toEqual([
      `${summary}: has no line monthly_minimum: up to the minimum 500.00 499.15 is missing`,
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

  test('bounds of another month', async () => {
    const directory = folderOf(small);
    sealAgain(directory, (manifest) => {
      manifest['bounds'] = { start: '2026-10-01T00:00:00Z', end: '2026-12-01T00:00:00Z', time_zone: 'UTC' };
    });
    expect(await found(directory)).toEqual([expect.stringContaining('manifest.json: bounds')]);
  });
});
