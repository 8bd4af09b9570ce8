import { createHash } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { detailQuery } from '../../../src/db/report-files.ts';
import { withSnapshot } from '../../../src/db/snapshot.ts';
import { withReportLock } from '../../../src/db/report-runs.ts';
import { monthBounds } from '../../../src/domain/billing-month.ts';
import { presentLayout } from '../../../src/domain/report-columns.ts';
import { csvStream } from '../../../src/reports/csv.ts';
import { redecideSpan } from '../../../src/jobs/month/redecide.ts';
import { monthOf } from '../../../src/jobs/month/month.ts';
import { writeReport } from '../../../src/jobs/month/write-report.ts';
import { createTestContext } from '../../support/books.ts';
import { withAttempts } from '../../support/attempts.ts';
import { shippedRules } from '../../support/facts.ts';
import { withFileLimit } from '../../support/full-disk.ts';
import { readReport } from '../../support/report-files.ts';

const october = monthBounds('2026-10', 'UTC');

describe('a report', () => {
  test('has exactly these bytes', async () => {
    const context = await withAttempts();
    await writeReport(context, '2026-10');
    const { bytes } = await readReport(context.config.reportsDir, '2026-10');
    const text = (kind: string) => bytes.get(`idscan-cost_2026-10_provisional_${kind}.csv`)?.toString();
    expect(text('detail')).toBe(
      [
        'period,transaction_id,result_id,task_type,attempt,attempted_at,outcome_code,invoiced,reason,level,capture_source,linked,transaction_state,settled,unit_price,amount,currency,rule_table_version,price_list_version,is_correction,corrects_period,vendor_attempts,vendor_attempts_invoiced,counter_status,quantity,price_tier,reference',
        `2026-10,C-older,,document_scan,1,2026-10-31T23:59:59Z,,true,success_invoiced,,"a, ""b""",false,completed,true,0.625,0.625,EUR,id-scan-1,example-2026,false,,,,absent,1,flat,`,
        `2026-10,a-hostile,,document_scan,1,2026-10-06T10:00:00Z,"'+SUM(A1,""x"")",,code_without_rule,'＝1,'@here,true,'=cmd(),true,0.625,,EUR,id-scan-1,example-2026,false,,5,1,mismatch,1,flat,`,
        `2026-10,a-hostile,,document_scan,2,2026-10-06T10:01:00Z,'-12.50,,code_without_rule,'＝1,camera,,'=cmd(),true,0.625,,EUR,id-scan-1,example-2026,false,,5,1,mismatch,1,flat,`,
        '2026-10,b-full,r-full,document_scan,1,2026-10-05T10:01:00Z,unknown_type_front,false,code_not_invoiced,advanced,camera,false,completed,true,0.85,0.00,EUR,id-scan-1,example-2026,false,,2,1,match,1,flat,',
        '2026-10,b-full,r-full,document_scan,2,2026-10-05T10:02:00Z,,true,success_invoiced,advanced,camera,false,completed,true,0.85,0.85,EUR,id-scan-1,example-2026,false,,2,1,match,1,flat,',
        '2026-10,b-full,r-full,face_liveness,1,2026-10-05T10:10:00Z,,true,executed_task_invoiced,,,,completed,true,0.3333,0.3333,EUR,id-scan-1,example-2026,false,,,,absent,1,flat,',
        '2026-10,b-full,r-full,face_match,1,2026-10-05T10:10:00Z,,true,executed_task_invoiced,,,,completed,true,0.25,0.25,EUR,id-scan-1,example-2026,false,,,,absent,1,flat,',
        '',
      ].join('\r\n'),
    );
    expect(text('summary')).toBe(
      [
        'period,record_type,task_type,level,attempts,invoiced,not_invoiced,unclassified,unit_price,amount,currency,vendor_counter,period_status,rule_table_version,price_list_version,is_correction,corrects_period',
        '2026-10,LINE,document_scan,,1,1,0,0,0.625,0.63,EUR,,provisional,id-scan-1,example-2026,false,',
        '2026-10,LINE,document_scan,advanced,2,1,1,0,0.85,0.85,EUR,1,provisional,id-scan-1,example-2026,false,',
        `2026-10,LINE,document_scan,'＝1,2,0,0,2,0.625,0.00,EUR,1,provisional,id-scan-1,example-2026,false,`,
        '2026-10,LINE,face_liveness,,1,1,0,0,0.3333,0.33,EUR,,provisional,id-scan-1,example-2026,false,',
        '2026-10,LINE,face_match,,1,1,0,0,0.25,0.25,EUR,,provisional,id-scan-1,example-2026,false,',
        '2026-10,TOTAL,,,7,4,1,2,,2.06,EUR,2,provisional,,example-2026,,',
        '',
      ].join('\r\n'),
    );
    expect(text('codes')).toBe(
      [
        'period,task_type,outcome_code,attempts,invoiced,amount,currency,is_correction,corrects_period,not_invoiced,unclassified',
        '2026-10,document_scan,,2,2,1.475,EUR,false,,0,0',
        `2026-10,document_scan,"'+SUM(A1,""x"")",1,0,,EUR,false,,0,1`,
        `2026-10,document_scan,'-12.50,1,0,,EUR,false,,0,1`,
        '2026-10,document_scan,unknown_type_front,1,0,0.00,EUR,false,,1,0',
        '2026-10,face_liveness,,1,1,0.3333,EUR,false,,0,0',
        '2026-10,face_match,,1,1,0.25,EUR,false,,0,0',
        '',
      ].join('\r\n'),
    );
    expect(text('discrepancies')).toBe(
      [
        'period,transaction_id,task_type,reason,own_quantity,vendor_quantity,difference,is_correction,corrects_period',
        '2026-10,a-hostile,document_scan,attempt_count_differs,2,5,3,false,',
        '2026-10,a-hostile,document_scan,invoiced_count_differs,0,1,1,false,',
        '',
      ].join('\r\n'),
    );
  });

  test('written by COPY and by csv-stringify has the same bytes', async () => {
    const context = await withAttempts();
    const { directory, files } = await writeReport(context, '2026-10');
    const { lines } = (await monthOf(context, context.db.kysely, '2026-10')).sql;
    const query = detailQuery(lines, '2026-10', 'EUR', presentLayout);
    const rows = await withSnapshot(
      context.db,
      async ({ client }) => (await client.query<Record<string, string | number | null>>(query.select)).rows,
    );
    const hash = createHash('sha256');
    for await (const chunk of csvStream(
      query.headers.map((header) => ({ header, value: (row: (typeof rows)[number]) => row[header] ?? null })),
      rows,
    ))
      hash.update(chunk);
    expect(directory).toContain('2026-10');
    expect(hash.digest('hex')).toBe(files.find(({ name }) => name.endsWith('_detail.csv'))?.sha256);
  });

  test('decides an open month anew when the rules change, and only what changed', async () => {
    const context = await withAttempts();
    expect(await redecideSpan(context, context.db.kysely, october)).toBe(0);
    const [table] = shippedRules.content;
    const rules = {
      ...shippedRules,
      content: [
        { ...table!, effectiveTo: '2026-10-06' },
        {
          ...table!,
          version: 'id-scan-2',
          effectiveFrom: '2026-10-06',
          rules: [...table!.rules, { taskType: 'document_scan', outcomeCode: '-12.50', invoiced: true }],
        },
      ],
    };
    expect(await redecideSpan({ ...context, rules }, context.db.kysely, october)).toBe(3);
    const { lines } = await writeReport({ ...context, rules }, '2026-10');
    expect(lines.totals).toMatchObject({ invoiced: 5n, unclassified: 1n });
    expect(new Set(lines.summary.map(({ ruleTableVersion }) => ruleTableVersion))).toEqual(
      new Set(['id-scan-1', 'id-scan-2']),
    );
    const task = await context.db.kysely
      .selectFrom('tasks')
      .select('own_invoiced')
      .where('transaction_id', '=', 'a-hostile')
      .executeTakeFirstOrThrow();
    expect(task.own_invoiced).toBe(1);
  });

  test('without prices has quantities and empty amounts; with an invoiced attempt unpriced its total is empty', async () => {
    const context = await withAttempts();
    const bare = await writeReport({ ...context, prices: undefined }, '2026-10');
    expect(bare.lines.totals).toMatchObject({ attempts: 7n, invoiced: 4n, amount: null });
    const { summary } = await readReport(context.config.reportsDir, '2026-10');
    expect(new Set(summary.flatMap((row) => [row['amount'], row['currency'], row['price_list_version']]))).toEqual(
      new Set(['']),
    );
    const prices = context.prices!;
    const partial = {
      ...prices,
      content: { ...prices.content, prices: prices.content.prices.filter(({ taskType }) => taskType !== 'face_match') },
    };
    const { lines } = await writeReport({ ...context, prices: partial }, '2026-10');
    expect(lines.totals).toMatchObject({ unpriced: 1n, amount: null });
  });

  test('puts each attempt in the month of its own time in the billing time zone', async () => {
    const context = await withAttempts();
    const attempts = async (timeZone: string, period: string) =>
      (await writeReport({ ...context, config: { ...context.config, billingTimeZone: timeZone } }, period)).lines.totals
        .attempts;
    expect(await attempts('UTC', '2026-10')).toBe(7n);
    expect(await attempts('UTC', '2026-11')).toBe(1n);
    expect(await attempts('Europe/Amsterdam', '2026-10')).toBe(6n);
    expect(await attempts('Europe/Amsterdam', '2026-11')).toBe(2n);
    expect(await attempts('America/New_York', '2026-10')).toBe(8n);
  });

  test('of an empty month balances too', async () => {
    const context = await createTestContext();
    const { lines, files } = await writeReport(context, '2026-02');
    expect(lines.totals).toMatchObject({ attempts: 0n, amount: 0n });
    expect(files.map(({ rows }) => rows)).toEqual([0, 1, 0, 0, 0]);
  });

  test('is written by one process at a time', async () => {
    const context = await withAttempts();
    await withReportLock(context.db, '2026-10', async () => {
      await expect(writeReport(context, '2026-10')).rejects.toMatchObject({ code: 'report_busy' });
      await writeReport(context, '2026-11');
    });
    await writeReport(context, '2026-10');
  });

  test('where files may not grow leaves nothing under a final name, 20 times', async () => {
    const context = await withAttempts();
    const { reportsDir } = context.config;
    await withFileLimit(512, async () => {
      for (let run = 0; run < 20; run += 1)
        await expect(writeReport(context, '2026-10')).rejects.toMatchObject({ code: 'storage_full' });
    });
    expect(await readdir(path.join(reportsDir, '2026-10'))).toEqual([]);
    await writeReport(context, '2026-10');
    expect(await readdir(path.join(reportsDir, '2026-10'))).toHaveLength(6);
  });
});
