import { existsSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { disputeFiles, reconciliationFiles } from '../../src/reports/dispute/published-files.ts';
import { verifyReports } from '../../src/reports/verify-reports.ts';
import { verifyFolder } from '../../src/reports/verify.ts';
import { verifyDispute } from '../../src/reports/verify/dispute.ts';
import { s3Reports } from '../../src/store/s3-reports.ts';
import { january, line } from '../cli/january.ts';
import { bearer, startService, tokens } from '../http/support.ts';
import { flipBit, keysIn, reportsInS3 } from './report-books.ts';
import { addressAt, credentialsInEnvironment, ownUrl } from './support.ts';

credentialsInEnvironment();

const month = '2026-01';

/** January in S3, reported and reconciled with an invoice for 60 scans too many, which are disputed. */
async function disputedInS3() {
  const url = ownUrl();
  const books = await january(reportsInS3(url));
  // A reconciliation that left findings open ends with 1.
  const done = async (...args: string[]) => {
    const { code, stdout, stderr } = await books.run(...args);
    expect(args[0] === 'reconcile' ? [0, 1] : [0], stderr).toContain(code);
    return stdout;
  };
  await done('report', month);
  const given = await books.invoice('more.csv', line(360, '306.00'));
  const said = await done('reconcile', month, '--invoice', given, '--json');
  const [id = ''] = /"(?:id|finding)": "([^"]+)"/.exec(said)?.slice(1) ?? [];
  await done('reconcile', month, '--decide', `${id}=dispute`, '--reason', 'not in the contract');
  await done('dispute', month);
  return { ...books, url, done, address: addressAt(url), reports: s3Reports(addressAt(url)) };
}

test('reconciliations and disputes lie beside the report, are proven, read and downloaded from there', async () => {
  const { environment, url, reports, address, done } = await disputedInS3();
  expect((await verifyFolder(reports.folder(month))).problems).toEqual([]);
  expect((await verifyDispute(reports.folder(`${month}-dispute`))).problems).toEqual([]);
  const all = await verifyReports(reports, [month]);
  expect(all).toMatchObject({ problems: [], disputes: [`${month}-dispute`] });
  expect(await done('verify')).toContain(`${month}-dispute`);
  expect(existsSync(path.join(environment.folder, 'reports'))).toBe(false);

  const service = await startService({ ...reportsInS3(url), DATABASE_URL: environment['DATABASE_URL'] ?? '' });
  const ask = (target: string) => service.ask(target, { headers: bearer(tokens.finance) });
  const sets = [await reconciliationFiles(reports, month), await disputeFiles(reports, month)];
  const names = sets.flatMap((set) => set?.files.map(({ name }) => name) ?? []);
  expect(names).toHaveLength(8);
  for (const name of names) expect((await ask(`/reports/${month}/files/${name}`)).status, name).toBe(200);
  const page = await ask(`/reports/${month}/invoice`);
  expect(page.status).toBe(200);
  for (const name of names) expect(page.text, name).toContain(name);

  const evidence = (await keysIn(address)).filter((key) => key.endsWith('_reconciliation-evidence.csv'));
  expect(evidence.length).toBeGreaterThan(0);
  for (const key of evidence) await flipBit(address, key, 300);
  expect((await verifyFolder(reports.folder(month))).problemCount).toBeGreaterThan(0);
});
