import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { monthsIn, verifyReports } from '../../src/reports/verify-reports.ts';
import { problemText } from '../../src/reports/verify/problems.ts';
import { editFile, fileOf, sealAgain } from '../support/report-folder-edits.ts';
import { line, type Line, type Report } from '../support/report-samples.ts';
import { writeReportFolder } from '../support/report-folders.ts';

/** The lines of each month, closed but for those that are told to be open. */
type Months = Readonly<Record<string, readonly Line[]>>;

const at = (period: string, more: Partial<Line> = {}): Partial<Line> => ({ at: `${period}-05T10:00:00Z`, ...more });
const corrects = (period: string, more: Partial<Line> = {}): Partial<Line> => at(period, { corrects: period, ...more });
const back = (period: string, more: Partial<Line> = {}): Partial<Line> => corrects(period, { quantity: -1, ...more });

function reportsOf(months: Months, open: readonly string[] = []): string {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'idscan-reports-'));
  onTestFinished(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  for (const [period, lines] of Object.entries(months)) {
    const report: Report = { period, lines, version: open.includes(period) ? null : 1 };
    writeReportFolder(path.join(folder, period), report);
  }
  return folder;
}

/** Makes a month that has no corrections or none but invoiced lines one of layout 2, with a reference on every line. */
function inLayout2(folder: string, period: string, reference: string): void {
  const month = path.join(folder, period);
  const add = (kind: 'detail' | 'codes', header: string, cells: string) =>
    editFile(month, fileOf(month, kind), (text) =>
      text.replaceAll('\r\n', `,${cells}\r\n`).replace(`,${cells}\r\n`, `,${header}\r\n`),
    );
  add('detail', 'reference', reference);
  add('codes', 'not_invoiced,unclassified', '0,0');
  sealAgain(month, (manifest) => Object.assign(manifest, { layout: 2 }));
}

async function verified(folder: string) {
  const found = await verifyReports(folder, await monthsIn(folder));
  return { ...found, texts: found.problems.map(problemText) };
}

/** Five attempts in all that can happen to them: changed, moved, gone and back, late, and left alone. */
const true_: Months = {
  '2026-04': [
    line('change', at('2026-04')),
    line('gone', at('2026-04')),
    line('move', at('2026-04')),
    line('stay', at('2026-04')),
  ],
  '2026-05': [
    line('change', back('2026-04')),
    line('change', corrects('2026-04', { code: 'x', invoiced: false })),
    line('gone', back('2026-04')),
    line('late', corrects('2026-04')),
    line('move', back('2026-04')),
    line('move', at('2026-05')),
    line('stay', at('2026-05', { attempt: 2 })),
  ],
  '2026-06': [
    line('change', back('2026-04', { code: 'x', invoiced: false })),
    line('change', corrects('2026-04')),
    line('gone', corrects('2026-04')),
    line('move', back('2026-05')),
    line('move', corrects('2026-04')),
  ],
};

describe('months that follow from one another are proven together:', () => {
  test('whatever happens to an attempt, an open month last', async () => {
    const found = await verified(reportsOf(true_, ['2026-06']));
    expect(found.texts).toEqual([]);
    expect(found).toMatchObject({ notes: [], compared: ['2026-04', '2026-05', '2026-06'], unbalanced: [] });
    expect(found.books).toMatchObject({ attempts: 6, lines: 16, unchecked: 0 });
  });

  test('what is of months that are not here is said, and no problem', async () => {
    const { '2026-05': may = [], '2026-06': june = [] } = true_;
    const found = await verified(reportsOf({ '2026-05': may, '2026-06': june }));
    expect(found.texts).toEqual([]);
    expect(found.notes).toEqual([expect.stringMatching(/^4 corrections are of months that are not here \(2026-04\)/)]);
  });

  test('open months but the one behind the closed ones are verified by themselves', async () => {
    const { '2026-04': april = [] } = true_;
    const again = {
      '2026-03': april.map((one) => ({ ...one, at: '2026-03-05T10:00:00Z' })),
      '2026-06': [line('stay', at('2026-06'))],
    };
    const found = await verified(reportsOf({ '2026-04': april, ...again }, ['2026-03', '2026-06']));
    expect(found.texts).toEqual([]);
    expect(found.compared).toEqual(['2026-04']);
    expect(found.notes).toEqual([
      expect.stringContaining('2026-03 is provisional and was verified by itself'),
      expect.stringContaining('2026-06 is provisional and was verified by itself'),
    ]);
  });

  test('rows are in the order of their bytes, also of texts that look like formulas', async () => {
    const ids = ['+1', '-1', '=1', 'B', 'a', 'é', '\u{ffff}', '😀'];
    const found = await verified(
      reportsOf({
        '2026-04': ids.map((id) => line(id, at('2026-04'))),
        '2026-05': ids.flatMap((id) => [line(id, back('2026-04')), line(id, corrects('2026-04'))]),
      }),
    );
    expect(found.texts).toEqual([]);
    expect(found.books).toMatchObject({ attempts: ids.length, lines: 3 * ids.length });
  });
});

describe('a month that is consistent by itself and contradicts the others is found:', () => {
  const april = [line('a', at('2026-04'))];
  test.each<[what: string, Months, file: string, problem: string]>([
    [
      'an attempt that is booked again',
      { '2026-04': april, '2026-05': [line('a', at('2026-05'))] },
      '2026-05',
      'row 2: books a, document_scan attempt 1 again, after 2026-04: its lines add up to 2',
    ],
    [
      'an attempt that is booked again as a correction, and a third time',
      { '2026-04': april, '2026-05': [], '2026-06': [line('a', corrects('2026-05'))] },
      '2026-06',
      'row 2: books a, document_scan attempt 1 again, after 2026-04: its lines add up to 2',
    ],
    [
      'a line taken back twice',
      { '2026-04': april, '2026-05': [line('a', back('2026-04'))], '2026-06': [line('a', back('2026-04'))] },
      '2026-06',
      'row 2: takes back a, document_scan attempt 1 for 2026-04, of which nothing is booked: its lines add up to -1',
    ],
    [
      'a line taken back that never was',
      { '2026-04': april, '2026-05': [line('b', back('2026-04'))] },
      '2026-05',
      'row 2: takes back b, document_scan attempt 1 for 2026-04, of which nothing is booked: its lines add up to -1',
    ],
    [
      'a line taken back before it is booked',
      { '2026-04': april, '2026-05': [line('b', back('2026-04'))], '2026-06': [line('b', corrects('2026-04'))] },
      '2026-05',
      'takes back b, document_scan attempt 1 for 2026-04, of which nothing is booked',
    ],
    [
      'a line taken back from another month than its own',
      { '2026-04': april, '2026-05': [], '2026-06': [line('a', back('2026-05'))] },
      '2026-06',
      'row 2: takes back a, document_scan attempt 1 for 2026-05, but it was booked for 2026-04',
    ],
    [
      'a line taken back at another price',
      { '2026-04': april, '2026-05': [line('a', back('2026-04', { price: '0.95' }))] },
      '2026-05',
      'row 2: takes back a, document_scan attempt 1, but unit_price is 0.95, it was 0.85 in 2026-04',
    ],
    [
      'a line taken back as not invoiced',
      { '2026-04': april, '2026-05': [line('a', back('2026-04', { code: 'x', invoiced: false }))] },
      '2026-05',
      'row 2: takes back a, document_scan attempt 1, but outcome_code is x, it was empty in 2026-04',
    ],
  ])('%s', async (_, months, period, problem) => {
    const found = await verified(reportsOf(months));
    expect(found.texts).toEqual([expect.stringContaining(`${period}/idscan-cost_${period}_v1_detail.csv, row 2: `)]);
    expect(found.texts).toEqual([expect.stringContaining(problem)]);
    expect(found.unbalanced).toEqual([expect.stringMatching(/^[ab], document_scan attempt 1$/)]);
  });

  test('a line taken back with another reference, also of a month whose layout has none', async () => {
    const folder = reportsOf({ '2026-04': april, '2026-05': [line('a', back('2026-04'))] });
    inLayout2(folder, '2026-05', 'customer-1');
    const problem =
      'row 2: takes back a, document_scan attempt 1, but reference is customer-1, it was empty in 2026-04';
    expect((await verified(folder)).texts).toEqual([expect.stringContaining(problem)]);
    inLayout2(folder, '2026-04', 'customer-1');
    expect((await verified(folder)).texts).toEqual([]);
  });

  test('a month of other bounds than those beside it, which are those of its own time zone', async () => {
    const folder = reportsOf({ '2026-04': april, '2026-05': [], '2026-06': [] });
    sealAgain(path.join(folder, '2026-05'), (manifest) => {
      manifest['bounds'] = { start: '2026-04-30T15:00:00Z', end: '2026-05-31T15:00:00Z', time_zone: 'Asia/Tokyo' };
    });
    expect((await verified(folder)).texts).toEqual([
      '2026-05/manifest.json: bounds: it begins 2026-04-30T15:00:00Z, but 2026-04 ends 2026-05-01T00:00:00Z',
      '2026-06/manifest.json: bounds: it begins 2026-06-01T00:00:00Z, but 2026-05 ends 2026-05-31T15:00:00Z',
    ]);
  });

  test('after a gap only what rests on the months behind it, and the gap itself', async () => {
    const found = await verified(
      reportsOf({
        '2026-04': [line('a', at('2026-04')), line('b', at('2026-04'))],
        '2026-06': [line('a', at('2026-06')), line('b', back('2026-04')), line('c', at('2026-06'))],
        '2026-07': [line('c', back('2026-06')), line('d', back('2026-06'))],
      }),
    );
    expect(found.texts).toEqual([
      '2026-05: is missing, but 2026-06 is closed: months are closed in order',
      expect.stringContaining('2026-07/idscan-cost_2026-07_v1_detail.csv, row 3: takes back d'),
    ]);
    expect(found.books.unchecked).toBe(1);
  });

  test('an open month where a closed one has to be', async () => {
    const found = await verified(reportsOf({ '2026-04': april, '2026-05': [], '2026-06': [] }, ['2026-05']));
    expect(found.texts).toEqual(['2026-05: is not closed, but 2026-06 is closed: months are closed in order']);
  });

  test('the first few attempts are named, and all are counted', async () => {
    const ids = Array.from({ length: 1_500 }, (_, index) => String(index).padStart(4, '0'));
    const twice = {
      '2026-04': ids.map((id) => line(id, at('2026-04'))),
      '2026-05': ids.map((id) => line(id, at('2026-05'))),
    };
    const found = await verified(reportsOf(twice));
    expect(found.unbalanced).toEqual(ids.slice(0, 5).map((id) => `${id}, document_scan attempt 1`));
    expect(found).toMatchObject({ problemCount: 1_500 });
    expect(found.problems).toHaveLength(1_000);
  });
});

describe('each month is verified by itself as well:', () => {
  test('what is off in one is found, and where its rows do not read it is left out', async () => {
    const folder = reportsOf(true_);
    const month = path.join(folder, '2026-05');
    editFile(month, fileOf(month, 'detail'), (text) => text.replace(',0.85,0.00,', ',0.85,0.0x,'));
    sealAgain(month);
    const found = await verified(folder);
    expect(found.texts).toContainEqual(
      expect.stringContaining('2026-05/idscan-cost_2026-05_v1_detail.csv, row 3: amount'),
    );
    expect(found.compared).toEqual(['2026-04', '2026-06']);
    expect(found.notes).toContainEqual(expect.stringContaining('2026-05 cannot be compared with the other months'));
  });

  test('a folder without a manifest, and one of another month', async () => {
    const folder = reportsOf(true_);
    mkdirSync(path.join(folder, '2026-07'));
    cpSync(path.join(folder, '2026-04'), path.join(folder, '2026-03'), { recursive: true });
    const { texts } = await verified(folder);
    expect(texts).toEqual([
      '2026-03/manifest.json: is of 2026-04',
      expect.stringContaining('2026-07: cannot be verified: There is no manifest.json in'),
    ]);
  });

  test('what else is in the folder is left alone', async () => {
    const folder = reportsOf(true_);
    for (const other of ['as-of', '2026-13', 'archive']) mkdirSync(path.join(folder, other));
    writeFileSync(path.join(folder, '2026-08'), '');
    expect(await monthsIn(folder)).toEqual(Object.keys(true_));
    expect((await verified(folder)).texts).toEqual([]);
  });

  test('months none of which can be verified are refused', async () => {
    const folder = reportsOf({});
    mkdirSync(path.join(folder, '2026-07'));
    await expect(verified(folder)).rejects.toMatchObject({ code: 'verification_impossible' });
    expect(await monthsIn(path.join(folder, 'nothing'))).toEqual([]);
  });
});
