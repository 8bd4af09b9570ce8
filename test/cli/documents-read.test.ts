import { chmod, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { loadConfig } from '../../src/config/config.ts';
import { createMasterPair } from '../../src/store/encryption/keys.ts';
import { openTestDatabase } from '../support/books.ts';
import { type CliEnvironment, createCliEnvironment, runCli } from '../support/cli.ts';
import { closeDocuments, jpeg, pdf, png, storeDocuments, storeInClear, vendorName } from '../support/documents.ts';

vi.setConfig({ testTimeout: 180_000 });

/** Books of a command, with two images and an audit report of one transaction. */
async function withDocuments() {
  const environment = await createCliEnvironment();
  const { config } = loadConfig(environment, { vendorKey: false });
  const books = { db: await openTestDatabase(environment.DATABASE_URL), config };
  const stored = await storeDocuments(books, 't-1', [png, jpeg]);
  await storeDocuments(books, 't-1', [pdf], 'audit_report');
  const out = path.join(environment.folder, 'case-4711');
  const get = (...more: string[]) =>
    runCli(['documents', 'get', 't-1', '--out', out, '--reason', 'case 4711', ...more], environment);
  return { environment, books, stored, out, get };
}

type Logged = { accessed_by: string; reason: string; via: string; kind: string; position: number };
const logged = async (environment: CliEnvironment, ...more: string[]) => {
  const { code, stdout, stderr } = await runCli(['documents', 'log', '--json', ...more], environment);
  expect(code, stderr).toBe(0);
  return JSON.parse(stdout) as Logged[];
};
const modeOf = async (place: string) => ((await stat(place)).mode & 0o777).toString(8);

describe('documents list', () => {
  test('says what there is, needs no key, and is no access', async () => {
    const { environment } = await withDocuments();
    await rm(path.join(environment.IDSCAN_DATA_DIR ?? '', 'keys'), { recursive: true });
    const { code, stdout, stderr } = await runCli(['documents', 'list', 't-1'], environment);
    expect(code, stderr).toBe(0);
    expect(stdout).toContain(vendorName);
    expect(stdout).toMatch(/^document +result\/1 +IDENTITY_CARD +front .* image\/jpeg +stored +\S+Z +\d+$/m);
    expect(stdout).toMatch(/^audit_report +result\/0 /m);
    const json = JSON.parse((await runCli(['documents', 'list', 't-1', '--json'], environment)).stdout) as object;
    expect(json).toMatchObject({ transaction_id: 't-1', is_closed: false, documents: { length: 3 } });
    expect(await logged(environment)).toEqual([]);
    expect(await runCli(['documents', 'list', 't-nobody'], environment)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('(transaction_unknown)') as string,
    });
  });
});

describe('documents get', () => {
  test('writes them where only their owner reads them, under names of our own, each on record', async () => {
    const { environment, out, get } = await withDocuments();
    const { code, stdout, stderr } = await get();
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect((await readdir(out)).sort()).toEqual([
      'audit_report_result_0.pdf',
      'document_result_0.png',
      'document_result_1.jpg',
    ]);
    expect(await modeOf(out)).toBe('700');
    for (const [name, content] of [
      ['audit_report_result_0.pdf', pdf],
      ['document_result_0.png', png],
      ['document_result_1.jpg', jpeg],
    ] as const) {
      expect(await readFile(path.join(out, name))).toEqual(content);
      expect(await modeOf(path.join(out, name))).toBe('600');
    }
    expect(stdout).not.toContain(vendorName);
    const rows = await logged(environment, '--transaction', 't-1');
    expect(rows).toHaveLength(3);
    for (const row of rows)
      expect(row).toMatchObject({
        accessed_by: expect.stringContaining('@') as string,
        reason: 'case 4711',
        via: 'command',
        address: null,
      });
    const shown = await runCli(['documents', 'log'], environment);
    expect(shown.stdout).toMatch(/^\S+Z +\S+@\S+ +command +t-1 +document +result\/0 +case 4711$/m);
    expect(await logged(environment, '--transaction', 't-2')).toEqual([]);
  });

  test('only of one kind, if that is asked for', async () => {
    const { environment, out, get } = await withDocuments();
    const got = await get('--kind', 'audit_report');
    expect(got.code, got.stderr).toBe(0);
    expect(await readdir(out)).toEqual(['audit_report_result_0.pdf']);
    expect(await logged(environment)).toMatchObject([{ kind: 'audit_report' }]);
  });

  test('overwrites nothing, reads nothing that is there already, and writes the others', async () => {
    const { environment, out, get } = await withDocuments();
    await mkdir(out, { mode: 0o750 });
    await chmod(out, 0o750);
    await writeFile(path.join(out, 'document_result_0.png'), 'mine');
    const { code, stderr } = await get();
    expect(code).toBe(1);
    expect(stderr).toContain('is there already');
    expect(await readFile(path.join(out, 'document_result_0.png'), 'utf8')).toBe('mine');
    expect(await readFile(path.join(out, 'document_result_1.jpg'))).toEqual(jpeg);
    expect((await logged(environment)).map(({ kind, position }) => [kind, position])).not.toContainEqual([
      'document',
      0,
    ]);
    expect(await modeOf(out)).toBe('750');
  });

  test('that cannot read one writes the others, says which, and ends with 1', async () => {
    const { environment, stored, out, get } = await withDocuments();
    await rm(stored[0]!.object);
    const { code, stderr } = await get();
    expect(code).toBe(1);
    expect(stderr).toContain('result/0 of t-1 cannot be read: it is not in the store. (document_damaged)');
    expect(stderr).not.toContain(vendorName);
    expect((await readdir(out)).sort()).toEqual(['audit_report_result_0.pdf', 'document_result_1.jpg']);
    expect(await logged(environment)).toHaveLength(3);
  });

  test('without a reason, a folder or a document is refused', async () => {
    const { environment, out } = await withDocuments();
    for (const more of [[], ['--reason', ''], ['--reason', ' \n '], ['--kind', 'image', '--reason', 'x']])
      expect((await runCli(['documents', 'get', 't-1', '--out', out, ...more], environment)).code).toBe(2);
    expect((await runCli(['documents', 'get', 't-1', '--reason', 'x'], environment)).code).toBe(2);
    await expect(stat(out)).rejects.toMatchObject({ code: 'ENOENT' });
    expect(await logged(environment)).toEqual([]);
  });

  test('without the secret key, or with another one, ends with 3 and writes nothing', async () => {
    const { environment, books, out, get } = await withDocuments();
    const file = path.join(environment.IDSCAN_DATA_DIR ?? '', 'keys', 'documents.key');
    const key = await readFile(file);
    await rm(file);
    expect(await get()).toMatchObject({ code: 3, stderr: expect.stringContaining('(master_missing)') as string });
    expect(await logged(environment)).toEqual([]);
    await writeFile(file, `${createMasterPair().secretKey.toString('base64')}\n`);
    expect(await get()).toMatchObject({ code: 3, stderr: expect.stringContaining('(master_missing)') as string });
    expect(await readdir(out)).toEqual([]);
    await writeFile(file, key);
    await closeDocuments(books, 't-1');
    expect(await get()).toMatchObject({ code: 3, stderr: expect.stringContaining('(document_closed)') as string });
    expect((await runCli(['documents', 'list', 't-1'], environment)).stdout).toContain('closed');
  });

  test('reads what an earlier version stored in the clear', async () => {
    const { environment, books, out } = await withDocuments();
    await storeInClear(books, 't-clear', png);
    const args = ['documents', 'get', 't-clear', '--out', out, '--reason', 'case 4712'];
    expect(await runCli(args, environment)).toMatchObject({ code: 0 });
    expect(await readFile(path.join(out, 'document_result_0.png'))).toEqual(png);
  });

  test('explain names what there is by kind and state', async () => {
    const { environment } = await withDocuments();
    const { stdout } = await runCli(['explain', 't-1'], environment);
    expect(stdout).toMatch(/^audit_report .* stored /m);
    expect(stdout).not.toContain(vendorName);
  });
});
