import { Readable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import type { PriceList } from '../../src/domain/prices.ts';
import { columnsOf, presentLayout } from '../../src/domain/report-columns.ts';
import { type AttemptGroup, reportLines } from '../../src/domain/report-lines.ts';
import { codesColumns, fileName, summaryColumns, summaryRows, type ReportHead } from '../../src/reports/files.ts';
import { referencesTallied } from '../../src/reports/references.ts';
import { written } from './support.ts';

describe('the files of a report', () => {
  const list: PriceList = {
    version: 'p1',
    currency: 'EUR',
    minorDigits: 2,
    source: 'a test',
    prices: [
      {
        taskType: 'document_scan',
        level: null,
        effectiveFrom: '2026-01-01',
        effectiveTo: null,
        freeAllowance: 0n,
        model: 'flat',
        unitPrice: 333_300n,
      },
    ],
    monthlyMinimums: [],
  };
  const group = (code: string | null, level: string | null, counts: [bigint, bigint, bigint]): AttemptGroup => ({
    correctsPeriod: null,
    taskType: 'document_scan',
    level,
    code,
    unitPrice: 333_300n,
    ruleTableVersion: 'r1',
    priceListVersion: 'p1',
    unpriced: 0n,
    lines: counts[0] + counts[1] + counts[2],
    attempts: counts[0] + counts[1] + counts[2],
    invoiced: counts[0],
    notInvoiced: counts[1],
    unclassified: counts[2],
    vendorCounter: null,
    counted: 0n,
    countedInvoiced: 0n,
    differing: 0n,
  });
  const groups = [
    group(null, null, [1_234n, 0n, 0n]),
    group('=1,"x"', '-a', [0n, 0n, 2n]),
    { ...group('processing', null, [0n, 5n, 0n]), vendorCounter: 1_235n },
  ];
  const headOf = (priceList: PriceList | undefined): ReportHead => {
    return { period: '2026-10', layout: 2, status: 'provisional', priceList };
  };

  test('are named after month and status', () => {
    const names = (['provisional', 'restated', 'closed'] as const).map((status) =>
      fileName({ period: '2026-10', status }, 'detail'),
    );
    expect(names).toEqual(
      ['provisional', 'restated', 'v1'].map((status) => `idscan-cost_2026-10_${status}_detail.csv`),
    );
  });

  test('the summary has its lines and one total, last, to the byte', async () => {
    const lines = reportLines(groups, { minorDigits: 2 });
    expect(await written(summaryColumns(headOf(list)), summaryRows(lines))).toBe(
      [
        'period,record_type,task_type,level,attempts,invoiced,not_invoiced,unclassified,unit_price,amount,currency,vendor_counter,period_status,rule_table_version,price_list_version,is_correction,corrects_period',
        '2026-10,LINE,document_scan,,1239,1234,5,0,0.3333,411.29,EUR,1235,provisional,r1,p1,false,',
        "2026-10,LINE,document_scan,'-a,2,0,0,2,0.3333,0.00,EUR,,provisional,r1,p1,false,",
        '2026-10,TOTAL,,,1241,1234,5,2,,411.29,EUR,1235,provisional,,p1,,',
        '',
      ].join('\r\n'),
    );
  });

  test('the codes file has unrounded amounts and neutralised codes, to the byte', async () => {
    const { codes } = reportLines(groups, { minorDigits: 2 });
    expect(await written(codesColumns(headOf(list)), codes)).toBe(
      [
        'period,task_type,outcome_code,attempts,invoiced,amount,currency,is_correction,corrects_period,not_invoiced,unclassified',
        '2026-10,document_scan,,1234,1234,411.2922,EUR,false,,0,0',
        `2026-10,document_scan,"'=1,""x""",2,0,,EUR,false,,0,2`,
        '2026-10,document_scan,processing,5,0,0.00,EUR,false,,5,0',
        '',
      ].join('\r\n'),
    );
  });

  test('a price list is named by its line where it may be another one than that of the report', async () => {
    const old = { priceListVersion: 'p0', unitPrice: 500_000n };
    const mixed = [
      { ...group(null, null, [1n, 0n, 0n]), ...old },
      { ...group('x', null, [-1n, 0n, 0n]), ...old, correctsPeriod: '2026-09' },
    ];
    const lines = reportLines(mixed, { minorDigits: 2 });
    const rowsOf = async (status: ReportHead['status']) =>
      (await written(summaryColumns({ ...headOf(list), status }), summaryRows(lines))).split('\r\n').slice(1, -1);
    const rows = (status: string, own: string) => [
      `2026-10,LINE,document_scan,,1,1,0,0,0.50,0.50,EUR,,${status},r1,${own},false,`,
      `2026-10,LINE,document_scan,,-1,-1,0,0,0.50,-0.50,EUR,,${status},r1,p0,true,2026-09`,
      `2026-10,TOTAL,,,0,0,0,0,,0.00,EUR,,${status},,p1,,`,
    ];
    expect(await rowsOf('closed')).toEqual(rows('closed', 'p1'));
    expect(await rowsOf('restated')).toEqual(rows('restated', 'p0'));
    expect((await written(codesColumns(headOf(list)), lines.codes)).split('\r\n').slice(1, -1)).toEqual([
      '2026-10,document_scan,,1,1,0.50,EUR,false,,0,0',
      '2026-10,document_scan,x,-1,-1,-0.50,EUR,true,2026-09,0,0',
    ]);
  });

  test('the first layout of codes gives the amount of what is not unclassified', async () => {
    const { codes } = reportLines([group(null, null, [2n, 0n, 1n])], { minorDigits: 2 });
    const rowIn = async (layout: number) =>
      (await written(codesColumns({ ...headOf(list), layout }), codes)).split('\r\n')[1];
    expect(await rowIn(1)).toBe('2026-10,document_scan,,3,2,0.6666,EUR,false,');
    expect(await rowIn(2)).toBe('2026-10,document_scan,,3,2,,EUR,false,,0,1');
  });

  test('without a price list amounts, currency and its version are empty', async () => {
    const lines = reportLines(
      groups.slice(0, 1).map((one) => ({ ...one, unitPrice: null, priceListVersion: null })),
      { minorDigits: undefined },
    );
    const summary = (await written(summaryColumns(headOf(undefined)), summaryRows(lines))).split('\r\n').slice(1, -1);
    expect(summary).toEqual([
      '2026-10,LINE,document_scan,,1234,1234,0,0,,,,,provisional,r1,,false,',
      '2026-10,TOTAL,,,1234,1234,0,0,,,,,provisional,,,,',
    ]);
    const codes = await written(codesColumns(headOf(undefined)), lines.codes);
    expect(codes).toContain('\r\n2026-10,document_scan,,1234,1234,,,false,,0,0\r\n');
  });

  describe('the references file', () => {
    const { summary } = reportLines(groups.slice(0, 2), { minorDigits: 2 });
    const head = { ...headOf(list), layout: presentLayout };
    const header = columnsOf('references', presentLayout).map((column) => column.header);
    const rows = [
      '2026-10,,document_scan,,1200,1200,0,0,0.3333,399.96,EUR,r1,p1,false,',
      "2026-10,shop,document_scan,'-a,2,0,0,2,0.3333,,EUR,r1,p1,false,",
      '2026-10,shop,document_scan,,34,34,0,0,0.3333,11.3322,EUR,r1,p1,false,',
    ];
    const passed = async (given: readonly string[], of = summary, by = head) => {
      const text = [header.join(','), ...given, ''].join('\r\n');
      // Cut anywhere, as a stream is.
      const chunks = Readable.from([Buffer.from(text.slice(0, 250)), Buffer.from(text.slice(250))]);
      const out: Buffer[] = [];
      for await (const chunk of referencesTallied(chunks, of, by)) out.push(chunk);
      return Buffer.concat(out).toString() === text;
    };

    test('is passed on where it divides the very attempts of the summary', async () => {
      expect(await passed(rows)).toBe(true);
    });

    test('is passed on without a row for the top-up to a minimum, and without amounts where there is no price list', async () => {
      const charges = [{ correctsPeriod: null, amount: 5_000_000n }];
      expect(await passed(rows, reportLines(groups.slice(0, 2), { minorDigits: 2, charges }).summary)).toBe(true);
      const unpriced = { ...groups[0]!, unitPrice: null, priceListVersion: null };
      const without = reportLines([unpriced], { minorDigits: undefined }).summary;
      const row = '2026-10,,document_scan,,1234,1234,0,0,,,,r1,,false,';
      expect(await passed([row], without, { ...head, priceList: undefined })).toBe(true);
    });

    test.each([
      ['a row is missing', rows.slice(1)],
      ['a row is there twice', [...rows, rows[2]!]],
      ['a row is of no line', [...rows, '2026-10,shop,face_match,,1,1,0,0,0.3333,0.3333,EUR,r1,p1,false,']],
      ['an attempt is another one', [rows[0]!, rows[1]!, rows[2]!.replace(',34,34,', ',35,34,')]],
      ['it is invoiced more', [rows[0]!, rows[1]!, rows[2]!.replace(',34,34,0', ',34,35,0')]],
      ['it is not invoiced', [rows[0]!, rows[1]!, rows[2]!.replace('34,34,0', '34,34,1')]],
      ['it is unclassified', [rows[0]!, rows[1]!, rows[2]!.replace('34,34,0,0', '34,34,0,1')]],
      ['an amount is another one', [rows[0]!, rows[1]!, rows[2]!.replace('11.3322', '12.3322')]],
    ])('is refused where %s', async (_, given) => {
      await expect(passed(given)).rejects.toMatchObject({ code: 'report_unbalanced' });
    });
  });
});
