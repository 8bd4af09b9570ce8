import { createHash } from 'node:crypto';
import { readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { writeDialects } from '../../src/reports/dialects.ts';
import { copyName, dialectNames } from '../../src/reports/names.ts';
import { fillBooks, now, prices } from './pages-books.ts';
import { bearer, problem, startService, type TestService, tokens } from './support.ts';

let service: TestService;
beforeAll(async () => {
  service = await startService({ PRICES_FILE: prices });
  await fillBooks({ ...service.context, now });
});

type Manifest = { files: { name: string; sha256: string; bytes: number }[] };
const folder = (period: string) => path.join(service.context.config.reportsDir, period);
const file = (period: string, name: string, more: Record<string, string> = {}) =>
  service.ask(`/reports/${period}/files/${name}`, { headers: { ...bearer(tokens.finance), ...more } });
const sha256 = (bytes: string | Buffer): string => createHash('sha256').update(bytes).digest('hex');
const manifestOf = async (period: string) => JSON.parse((await file(period, 'manifest.json')).text) as Manifest;

describe('a download', () => {
  test.each(['2026-10', '2026-11'])('of %s has the hash of the manifest, as its ETag as well', async (period) => {
    const { files } = await manifestOf(period);
    expect(files).toHaveLength(5);
    for (const { name, sha256: expected, bytes } of files) {
      const answer = await file(period, name);
      expect(sha256(answer.text)).toBe(expected);
      expect(answer.headers).toMatchObject({
        etag: `"${expected}"`,
        'content-length': String(bytes),
        'content-type': 'text/csv; charset=utf-8; header=present',
        'content-disposition': `attachment; filename="${name}"`,
        'x-content-type-options': 'nosniff',
        'cache-control': 'private, no-cache',
      });
      const again = await file(period, name, { 'if-none-match': `"other", W/"${expected}"` });
      expect(again).toMatchObject({ status: 304, text: '', headers: { etag: `"${expected}"` } });
      const head = await service.ask(`/reports/${period}/files/${name}`, {
        method: 'HEAD',
        headers: bearer(tokens.finance),
      });
      expect(head).toMatchObject({ status: 200, text: '', headers: { 'content-length': String(bytes) } });
    }
  });

  test('for a spreadsheet has the bytes that the command line writes', async () => {
    const directory = folder('2026-11');
    const manifest = await readFile(path.join(directory, 'manifest.json'));
    const { files } = await manifestOf('2026-11');
    const answers = new Map<string, string>();
    for (const { name } of files)
      for (const dialect of dialectNames) {
        const answer = await file('2026-11', copyName(name, dialect));
        expect(answer.headers.etag).toBe(`"${sha256(answer.text)}"`);
        answers.set(copyName(name, dialect), answer.text);
      }
    await writeDialects(directory, { name: 'manifest.json', sha256: sha256(manifest) }, dialectNames);
    for (const [name, text] of answers) expect(await readFile(path.join(directory, name), 'utf8'), name).toBe(text);
  });

  test('is for finance and operators', async () => {
    for (const [role, token] of Object.entries(tokens)) {
      const { status } = await service.ask('/reports/2026-10/files/manifest.json', { headers: bearer(token) });
      expect(status, role).toBe(['finance', 'operator'].includes(role) ? 200 : 403);
    }
    expect((await service.ask('/reports/2026-10/files/manifest.json')).status).toBe(401);
  });
});

describe('nothing else can be had', () => {
  test('by tricks with paths and headers', async () => {
    await writeFile(path.join(folder('2026-10'), 'secret.csv'), 'secret');
    const names = [
      'secret.csv',
      '.',
      '..',
      '../2026-11/manifest.json',
      '..%2f2026-11%2fmanifest.json',
      '..%5cmanifest.json',
      '%2e%2e%2f%2e%2e%2fetc%2fpasswd',
      '/etc/passwd',
      '%2fetc%2fpasswd',
      'manifest.json%00',
      'manifest.json%00.csv',
      'MANIFEST.JSON',
      'manifest.json/',
      './manifest.json',
      'manifest.excel-xx.json',
      '%ff',
      'manifest.json%0d%0aX-Injected:%20yes',
      'idscan-cost_2026-10_provisional_detail.csv',
      'idscan-cost_2026-11_provisional_detail.csv',
      'a'.repeat(500),
      'idscan-cost_2026-10_v1_detail.excel-nl.excel-nl.csv',
      '.idscan-cost_2026-10_v1_detail.csv.draft',
    ];
    for (const name of names) {
      const answer = await file('2026-10', name);
      expect([400, 404, 414], name).toContain(answer.status);
      expect(problem(answer).code).toMatch(/^(not_found|request_invalid)$/);
      expect(answer.headers['x-injected']).toBeUndefined();
      expect(answer.headers['content-disposition']).toBeUndefined();
    }
    for (const period of ['..', '%2e%2e', '.', '2026-10%2f..%2f2026-10', '2026-10%00', '2026-99', 'as-of'])
      expect([400, 404], period).toContain((await file(period, 'manifest.json')).status);
  });

  test('by a manifest that names other files, or is not ours', async () => {
    const own = await startService({ PRICES_FILE: prices, REPORTS_DIR: service.environment['REPORTS_DIR']! });
    const manifest = path.join(folder('2026-09'), 'manifest.json');
    const good = await readFile(manifest, 'utf8');
    const text = good.replace('idscan-cost_2026-09_v1_detail.csv', '../2026-10/secret.csv');
    await writeFile(manifest, text);
    const headers = bearer(tokens.finance);
    for (const name of ['..%2f2026-10%2fsecret.csv', 'manifest.json', 'idscan-cost_2026-09_v1_summary.csv'])
      expect((await own.ask(`/reports/2026-09/files/${name}`, { headers })).status).toBe(404);
    await writeFile(manifest, good);
  });
});

test('a file that is not the one published is not handed out', async () => {
  const name = 'idscan-cost_2026-08_v1_summary.csv';
  await writeFile(path.join(folder('2026-08'), name), 'period\r\n');
  expect(problem(await file('2026-08', name))).toMatchObject({ status: 503, code: 'report_changed' });
  await rm(path.join(folder('2026-08'), name));
  expect(problem(await file('2026-08', name))).toMatchObject({ status: 503, code: 'report_changed' });
});
