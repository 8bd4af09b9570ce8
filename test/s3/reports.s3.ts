import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { buffer } from 'node:stream/consumers';
import { describe, expect, test } from 'vitest';
import { closeMonth } from '../../src/jobs/month/close-month.ts';
import { writeReport } from '../../src/jobs/month/write-report.ts';
import { folderReports } from '../../src/reports/folder-reports.ts';
import { writeDraft } from '../../src/reports/publish.ts';
import { publishedIn } from '../../src/reports/published.ts';
import { verifyReports } from '../../src/reports/verify-reports.ts';
import { verifyFolder } from '../../src/reports/verify.ts';
import { s3Reports } from '../../src/store/s3-reports.ts';
import { createTestFolder } from '../support/books.ts';
import { runCli } from '../support/cli.ts';
import { noEarlierThan } from '../support/instants.ts';
import { bearer, problem, startService, tokens } from '../http/support.ts';
import { booksInS3, flipBit, keysIn, month, readMonth, reportsInS3, writeMonth } from './report-books.ts';
import { type Bucket, credentialsInEnvironment, ownAddress, ownUrl, refusal } from './support.ts';

credentialsInEnvironment();

const detailName = `idscan-cost_${month}_provisional_detail.csv`;
const setOf = async (reports: ReturnType<typeof s3Reports>) =>
  `manifest-${(await publishedIn(reports.folder(month), month))?.manifest.sha256 ?? ''}`;

describe('a month in S3', () => {
  test('has the bytes that a folder has, is proven from there, and leaves nothing on this machine', async () => {
    const { context, inFolder, reports, environment } = await booksInS3();
    await writeMonth(inFolder);
    expect((await runCli(['report', month], environment)).code).toBe(0);
    expect(await readMonth(reports)).toEqual(await readMonth(folderReports(inFolder.config.reportsDir)));
    expect((await verifyFolder(reports.folder(month))).problems).toEqual([]);
    expect((await verifyReports(reports, [month])).problems).toEqual([]);
    expect(existsSync(path.join(environment.folder, 'reports'))).toBe(false);
    expect(readdirSync(path.join(environment.folder, 'data', 'reports', month))).toEqual([]);
    const before = await readMonth(reports);
    await writeMonth(context);
    expect(await readMonth(reports)).toEqual(before);
  });

  test('is verified by its address, with or without parameters, and without any address', async () => {
    const { context, address, url, environment } = await booksInS3();
    await writeMonth(context);
    const query = url.slice(url.indexOf('?'));
    const plain = `s3://${address.bucket}/${address.prefix}`;
    for (const place of [[`${plain}${month}`], [`${plain}${month}${query}`], [plain], [`${plain}${query}`], []]) {
      const { code, stdout, stderr } = await runCli(['verify', ...place], environment);
      expect(stderr, place[0]).toBe('');
      expect(stdout).toContain('Proven: ');
      expect(code).toBe(0);
    }
    const nothing = await runCli(['verify', `${plain}2026-09`], environment);
    expect(nothing).toMatchObject({ code: 3 });
    expect((await runCli(['verify', 's3://X'], environment)).code).toBe(2);
  });

  test('the folder of its files is a report by itself, also when it was copied', async () => {
    const { context, reports, address, environment } = await booksInS3();
    await writeMonth(context);
    const set = await setOf(reports);
    const { code, stderr } = await runCli(
      ['verify', `s3://${address.bucket}/${address.prefix}${month}/${set}`],
      environment,
    );
    expect(code, stderr).toBe(0);
    const copy = path.join(await createTestFolder(), month);
    mkdirSync(copy);
    for (const [name, text] of await readMonth(reports)) writeFileSync(path.join(copy, name), text);
    expect((await verifyFolder(copy)).problems).toEqual([]);
  });

  test('is downloaded over HTTP as from a folder', { timeout: 240_000 }, async () => {
    const { context, reports, url, address } = await booksInS3();
    await writeMonth(context);
    const service = await startService({ ...reportsInS3(url), DATABASE_URL: context.config.databaseUrl ?? '' });
    const file = (name: string, more: Record<string, string> = {}, method = 'GET') =>
      service.ask(`/reports/${month}/files/${name}`, { method, headers: { ...bearer(tokens.finance), ...more } });
    const published = await publishedIn(reports.folder(month), month);
    const bytes = await readMonth(reports);
    for (const { name, sha256 } of published?.files ?? []) {
      const answer = await file(name);
      expect(answer).toMatchObject({ status: 200, text: bytes.get(name), headers: { etag: `"${sha256}"` } });
      expect(await file(name, { 'if-none-match': `"${sha256}"` })).toMatchObject({ status: 304, text: '' });
      expect(await file(name, {}, 'HEAD')).toMatchObject({ status: 200, text: '' });
    }
    expect((await file(detailName.replace('.csv', '.excel-nl.csv'))).status).toBe(200);
    expect((await file('nothing.csv')).status).toBe(404);
    const page = await service.ask(`/reports/${month}`, { headers: bearer(tokens.finance) });
    expect(page.text).toContain(detailName);
    await flipBit(address, `${month}/${await setOf(reports)}/${detailName}`);
    expect(problem(await file(detailName)).code).toBe('report_changed');
  });

  test('a flipped bit is found, and the next report heals it', async () => {
    const { context, reports, address, environment } = await booksInS3();
    await writeMonth(context);
    const before = await readMonth(reports);
    await flipBit(address, `${month}/${await setOf(reports)}/${detailName}`);
    const { code, stdout } = await runCli(['verify'], environment);
    expect(code).toBe(1);
    expect(stdout).toContain(detailName);
    await writeMonth(context);
    expect(await readMonth(reports)).toEqual(before);
    await flipBit(address, `${month}/manifest.json`, 60);
    const keys = await keysIn(address);
    await s3Reports(address, { now: () => Date.now() + 3_700_000 })
      .folder(month)
      .tidy('manifest.json');
    expect(await keysIn(address)).toEqual(keys);
    expect((await verifyFolder(reports.folder(month))).problems.map(({ file }) => file)).toContain('manifest.json');
    await writeMonth(context);
    expect((await verifyFolder(reports.folder(month))).problems).toEqual([]);
  });

  test('that is closed has other files, whose names are written once', async () => {
    const { context, reports, address } = await booksInS3();
    await writeMonth(context);
    const provisional = await keysIn(address);
    const asked = { period: month, closedBy: 'finance', forcedReason: 'a test' };
    const later = { ...context, now: noEarlierThan('2026-12-03T09:00:00Z') };
    const closed = await closeMonth(later, asked);
    expect('counts' in closed ? closed.counts : undefined).toBeUndefined();
    expect((await readMonth(reports)).has(detailName)).toBe(false);
    expect((await verifyFolder(reports.folder(month))).problems).toEqual([]);
    const keys = await keysIn(address);
    expect(keys.filter((key) => !provisional.includes(key))).toHaveLength(6);
    await writeMonth(later);
    expect(await keysIn(address)).toEqual(keys);
    // The provisional files go with a report of the next month, an hour later.
    const isProvisional = (key: string) => key.includes('_provisional_') && key.startsWith(month);
    await writeReport(later, '2026-11');
    expect((await keysIn(address)).filter(isProvisional)).toHaveLength(5);
    const anHourLater = s3Reports(address, {
      drafts: later.reports.folder('').drafts,
      now: () => Date.now() + 3_700_000,
    });
    await writeReport({ ...later, reports: anHourLater }, '2026-11');
    expect((await keysIn(address)).filter(isProvisional)).toEqual([]);
    expect((await verifyFolder(reports.folder(month))).problems).toEqual([]);
  });

  test('what cannot be on S3 is refused and written nowhere', async () => {
    const { environment, address } = await booksInS3();
    const { code, stderr } = await runCli(['report', month, '--dialect', 'excel-nl'], environment);
    expect(code).toBe(2);
    expect(stderr).toContain('REPORTS_URL');
    expect(await keysIn(address)).toEqual([]);
    expect(existsSync(path.join(environment.folder, 'reports'))).toBe(false);
  });
});

describe.each<Bucket>(['plain', 'versioned'])('sets that were replaced, in a bucket that is %s', (bucket) => {
  test('stay for an hour, and go with all their versions', async () => {
    const address = ownAddress(bucket);
    const drafts = path.join(await createTestFolder(), 'drafts');
    const publish = async (text: string, atMs: number) => {
      const folder = s3Reports(address, { drafts, now: () => atMs }).folder(month);
      const files = [];
      for (const name of ['a.csv', 'manifest.json'])
        files.push(await writeDraft(folder.drafts, name, [Buffer.from(text + name)]));
      await folder.publish(files);
      return `${month}/manifest-${files[1]!.sha256}`;
    };
    const setsNow = async () => [
      ...new Set((await keysIn(address)).filter((key) => key.includes('/manifest-')).map((key) => path.dirname(key))),
    ];
    const first = await publish('first', Date.now());
    const second = await publish('second', Date.now());
    expect(await setsNow()).toEqual([first, second].sort());
    const third = await publish('third', Date.now() + 3_700_000);
    expect(await setsNow()).toEqual([second, third].sort());
    const { manifest, filesOf } = s3Reports(address, { drafts }).folder(month);
    expect((await manifest('manifest.json')).toString()).toBe('thirdmanifest.json');
    const old = filesOf('manifest.json', path.basename(second).slice('manifest-'.length));
    expect((await buffer(old.stream('a.csv'))).toString()).toBe('seconda.csv');
  });
});

describe('doctor', () => {
  const reportsOf = async (url: string) => {
    const { environment } = await booksInS3(url);
    const { stdout } = await runCli(['doctor', '--json'], environment);
    const { findings } = JSON.parse(stdout) as { findings: { examination: string; state: string; code?: string }[] };
    return findings.find(({ examination }) => examination === 'reports');
  };

  test('tries what reports need, and leaves nothing behind', async () => {
    const url = ownUrl('versioned');
    expect(await reportsOf(url)).toMatchObject({ state: 'ok' });
    const { environment } = await booksInS3(url);
    expect((await runCli(['verify'], environment)).code).toBe(3);
  });

  test('says that the bucket is not there', async () => {
    expect(await reportsOf(ownUrl().replace('plain', 'nowhere'))).toMatchObject({
      state: 'failed',
      code: 'storage_failed',
    });
  });
});

test('a store that is away is a failure, not a month without a report', async () => {
  const away = s3Reports(ownAddress('plain', 'http://127.0.0.1:9'));
  await refusal(publishedIn(away.folder(month), month), 'storage_away');
  await refusal(verifyFolder(away.folder(month)), 'storage_away');
  const bucket = s3Reports({ ...ownAddress(), bucket: 'nowhere' });
  await refusal(publishedIn(bucket.folder(month), month));
});
