import { describe, expect, test } from 'vitest';
import { verifyFolder } from '../../src/reports/verify.ts';
import { editFile, fileOf, sealAgain } from '../support/report-folder-edits.ts';
import { everything } from '../support/report-samples.ts';
import { folderOf, found } from './support.ts';

/** Lines of the detail file of `everything`, the header being line 1. */
const detailRow = { older: 2, free: 3, unclassified: 5, reversal: 7, corrected: 8, costly: 10 };

describe('figures that were changed with all hashes brought up to date are found by row:', () => {
  type Edit = [
    what: string,
    kind: 'detail' | 'summary' | 'codes' | 'discrepancies',
    row: number,
    from: string,
    to: string,
    problem: string,
  ];
  test.each<Edit>(
    [
      [
        'an amount',
        'detail',
        detailRow.older,
        '0.3333,0.3333',
        '0.3333,0.3334',
        'amount is 0.3334, quantity × unit_price is 0.3333',
      ],
      [
        'the sign of a reversal',
        'detail',
        detailRow.reversal,
        '-0.85',
        '0.85',
        'amount is 0.85, quantity × unit_price is -0.85',
      ],
      [
        'an amount of what is not invoiced',
        'detail',
        detailRow.corrected,
        '0.85,0.00',
        '0.85,0.85',
        'amount is 0.85, but the attempt is not invoiced: 0.00',
      ],
      [
        'an amount of what is unclassified',
        'detail',
        detailRow.unclassified,
        '0.85,,EUR',
        '0.85,0.85,EUR',
        'amount is 0.85, but the attempt is unclassified',
      ],
      [
        'needless digits',
        'detail',
        detailRow.older,
        '0.3333,0.3333',
        '0.3333,0.33330',
        'amount is 0.33330, which is written 0.3333',
      ],
      [
        'a negative zero',
        'detail',
        detailRow.free,
        '0.00,0.00',
        '0.00,-0.00',
        'amount is -0.00, which is written 0.00',
      ],
      [
        'a boolean',
        'detail',
        detailRow.older,
        ',true,success_invoiced',
        ',yes,success_invoiced',
        'invoiced is yes, which is neither true nor false',
      ],
      [
        'an instant',
        'detail',
        detailRow.older,
        '2026-10-31T23:59:59Z',
        '2026-10-31 23:59:59',
        'attempted_at is 2026-10-31 23:59:59, which is not an instant',
      ],
      ['a day that does not exist', 'detail', detailRow.older, '2026-10-31T', '2026-10-32T', 'which is not an instant'],
      [
        'an attempt of the next month',
        'detail',
        detailRow.older,
        '2026-10-31T23:59:59Z',
        '2026-11-01T00:00:00Z',
        'attempted_at is 2026-11-01T00:00:00Z, outside of 2026-10',
      ],
      [
        'a correction within the month',
        'detail',
        detailRow.reversal,
        '2026-09-30T23:59:59Z',
        '2026-10-01T00:00:00Z',
        'within 2026-10',
      ],
      [
        'an ordinary reversal',
        'detail',
        detailRow.older,
        ',absent,1,',
        ',absent,-1,',
        'quantity is -1, but is_correction is false',
      ],
      ['two at once', 'detail', detailRow.older, ',absent,1,', ',absent,2,', 'quantity is 2, neither 1 nor -1'],
      [
        'another month',
        'detail',
        detailRow.older,
        '2026-10,C-older',
        '2026-11,C-older',
        'period is 2026-11, the report is of 2026-10',
      ],
      ['another currency', 'detail', detailRow.older, ',EUR,', ',USD,', 'currency is USD, the manifest says EUR'],
      [
        'a month that comes later',
        'detail',
        detailRow.reversal,
        'true,2026-09',
        'true,2026-12',
        'corrects_period is 2026-12, which is not before 2026-10',
      ],
      ['no tier', 'detail', detailRow.older, '1 to 1000', 'cheap', 'price_tier is cheap, which names no tier'],
      ['a formula', 'detail', detailRow.unclassified, `"'=cmd`, `"=cmd`, 'which a spreadsheet takes for a formula'],
      ['a cell too many', 'detail', detailRow.older, 'C-older,,', 'C-older,,,', 'has 27 cells, not 26'],
      ['a column renamed', 'detail', 1, 'unit_price', 'price', 'column 15 is "price", not "unit_price"'],
      [
        'a line feed',
        'detail',
        detailRow.older,
        ',camera,',
        ',"cam\nera",',
        'capture_source holds a control character',
      ],
      ['a count of the summary', 'summary', 2, ',1,1,0,0,', ',2,2,0,0,', 'attempts is 2, the detail file adds up to 1'],
      [
        'an amount of the summary',
        'summary',
        2,
        ',0.33,',
        ',0.34,',
        'amount is 0.34, the detail file adds up to 0.3333, rounded 0.33',
      ],
      [
        'a line in no balance',
        'summary',
        2,
        ',1,1,0,0,',
        ',1,1,1,0,',
        'invoiced + not_invoiced + unclassified is 1 + 1 + 0, attempts is 1',
      ],
      [
        'the level of a line',
        'summary',
        2,
        'document_scan,,',
        'document_scan,basic,',
        'no row of the detail file belongs to this line',
      ],
      ['the status', 'summary', 2, 'closed', 'provisional', 'period_status is provisional, the manifest says closed'],
      ['a code', 'codes', 2, ',1,1,', ',3,3,', 'attempts is 3, the detail file adds up to 2'],
      [
        'a difference',
        'discrepancies',
        3,
        ',3,1,-2',
        ',3,1,2',
        'difference is 2, vendor_quantity − own_quantity is -2',
      ],
    ].map(([what, kind, row, from, to, problem]) => [what, kind, row, from, to, problem] as Edit),
  )('%s', async (what, kind, row, from, to, problem) => {
    const directory = folderOf(everything);
    const file = fileOf(directory, kind);
    editFile(directory, file, (text) => {
      const lines = text.split('\r\n');
      const at = what === 'a code' ? lines.findIndex((one) => one.startsWith('2026-10,document_scan,,')) : row - 1;
      const original = lines[at]!;
      lines[at] = original.replace(what === 'a code' ? /,\d+,\d+,/ : from, to);
      return lines.join('\r\n');
    });
    sealAgain(directory);
    const { problems } = await verifyFolder(directory);
    expect(
      problems.filter((one) => one.file === file && one.row === row && one.problem.includes(problem)),
    ).toHaveLength(1);
  });

  test('a row taken out is missed in summary, codes and totals', async () => {
    const directory = folderOf(everything);
    editFile(directory, fileOf(directory, 'detail'), (text) => text.replace(/[^\n]*C-older[^\n]*\n/, ''));
    sealAgain(directory);
    const problems = (await found(directory)).join('\n');
    expect(problems).toMatch(/_summary\.csv, row \d+: no row of the detail file belongs to this line/);
    expect(problems).toMatch(/_codes\.csv, row \d+: attempts is \d+, the detail file adds up to/);
    expect(problems).toContain('manifest.json: control_totals.attempts is 9, the detail file adds up to 8');
  });

  test('rows that change places, or come twice', async () => {
    const directory = folderOf(everything);
    const detail = fileOf(directory, 'detail');
    editFile(directory, detail, (text) => {
      const lines = text.split('\r\n');
      return [lines[0], lines[2], lines[1], lines[1], ...lines.slice(3)].join('\r\n');
    });
    sealAgain(directory);
    const problems = await found(directory);
    expect(problems).toContainEqual(expect.stringContaining(`${detail}, row 3: is not in order of transaction_id`));
    expect(problems).toContainEqual(expect.stringContaining(`${detail}, row 4: has the same transaction_id`));
  });
});
