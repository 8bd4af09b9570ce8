import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import type { Context } from '../../../src/jobs/context.ts';
import type { WrittenReport } from '../../../src/jobs/month/write-files.ts';
import { writeReport } from '../../../src/jobs/month/write-report.ts';
import { parsePriceList } from '../../../src/reference-data/price-list.ts';
import { parseRuleTables } from '../../../src/reference-data/rule-tables.ts';
import { createTestContext } from '../../support/books.ts';
import { bookkeeper, closeOrFail } from '../../support/closing.ts';
import { faceTask, scan, scanTask } from '../../support/facts.ts';
import { instantNow, noEarlierThan } from '../../support/instants.ts';

/** Names and hashes of the files, with the rules and prices that the manifest names. */
async function filesOf({ directory, files, manifest }: WrittenReport) {
  const { rule_tables, price_list } = JSON.parse(await readFile(path.join(directory, manifest.name), 'utf8')) as {
    rule_tables: { sha256: string };
    price_list: { sha256: string };
  };
  return [...files.map(({ name, sha256 }) => [name, sha256]), [rule_tables.sha256, price_list.sha256]];
}

test('any earlier state of an open month, corrections of closed ones included', async () => {
  const context = { ...(await createTestContext()), now: noEarlierThan('2027-01-01T00:00:00Z') };
  const look = bookkeeper(context);
  const dearer = parsePriceList(
    Buffer.from(context.prices!.bytes.toString().replaceAll('0.85', '0.95').replace('example-2026', 'dearer')),
    'a dearer list',
  );
  const seen: { period: string; at: Date; files: string[][] }[] = [];
  const note = async (period: string, of: Context = context) => {
    const files = await filesOf(await writeReport(of, period));
    seen.push({ period, at: await instantNow(context), files });
  };
  const november = { createdAt: new Date('2026-11-01T09:00:00Z'), completedAt: new Date('2026-11-01T10:00:00Z') };

  await note('2026-10');
  await look('t-1', { tasks: [scanTask([scan('2026-10-05T10:05:00Z', 'processing')], { attemptsInvoiced: 1 })] });
  await note('2026-10');
  await look('t-1', { tasks: [scanTask([scan('2026-10-05T10:05:00Z', null)]), faceTask('face_match')] });
  await look('t-2', { tasks: [scanTask([scan('2026-10-06T10:05:00Z', 'never_seen')])] });
  await note('2026-10');
  await note('2026-10', { ...context, prices: dearer });
  const rule = '{ "task_type": "document_scan", "outcome_code": "never_seen", "invoiced": true }';
  const text = context.rules.bytes.toString().replace('"rules": [', `"rules": [${rule},`);
  const rules = parseRuleTables(Buffer.from(text.replace('id-scan-1', 'id-scan-2')), 'a test');
  await note('2026-10', { ...context, rules });
  await closeOrFail({ ...context, rules }, '2026-10');
  await look('t-9', { ...november, tasks: [scanTask([scan('2026-11-01T09:05:00Z', null)])] });
  await note('2026-11', { ...context, rules });
  await look('t-late', { tasks: [scanTask([scan('2026-10-07T10:05:00Z', null), scan('2026-10-07T10:06:00Z', null)])] });
  await look('t-2', { tasks: [scanTask([scan('2026-10-06T10:05:00Z', 'unknown_type_back')])] });
  await note('2026-11', { ...context, rules });
  await look('t-late', { tasks: [scanTask([scan('2026-10-07T10:05:00Z', 'unknown_type_back')])] });
  await note('2026-11', { ...context, rules });
  await closeOrFail({ ...context, rules }, '2026-11', 'whatever blocks it');

  expect(new Set(seen.map(({ files }) => JSON.stringify(files))).size, 'states that differ').toBe(seen.length);
  for (const { period, at, files } of seen)
    expect([at, await filesOf(await writeReport({ ...context, rules }, period, { asOf: at }))]).toEqual([at, files]);
});

test('of an instant to come or of a closed month is refused', async () => {
  const context = { ...(await createTestContext()), now: noEarlierThan('2027-01-01T00:00:00Z') };
  await bookkeeper(context)('t-1');
  await closeOrFail(context, '2026-10');
  const inAMinute = new Date(context.now().getTime() + 60_000);
  await expect(writeReport(context, '2026-10', { asOf: inAMinute })).rejects.toMatchObject({ code: 'usage_invalid' });
  await expect(writeReport(context, '2026-10', { asOf: await instantNow(context) })).rejects.toMatchObject({
    code: 'usage_invalid',
  });
});
