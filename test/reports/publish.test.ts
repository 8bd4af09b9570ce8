import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type ErrorCode, LedgerError } from '../../src/errors.ts';
import type { DraftFile } from '../../src/reports/draft-file.ts';
import {
  asStorageError,
  discardDrafts,
  publishDrafts,
  removeStaleDrafts,
  writeDraft,
} from '../../src/reports/publish.ts';
import { withFileLimit } from '../support/full-disk.ts';
import { fillOverAndOver, publishLarge } from './full-disk.ts';

function folder(): string {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'idscan-publish-'));
  onTestFinished(() => {
    rmSync(directory, { recursive: true, force: true });
  });
  return directory;
}

const bytes = (...texts: string[]) => texts.map((text) => Buffer.from(text));
const systemError = (code: string, syscall?: string) =>
  Object.assign(new Error(code), { code, ...(syscall ? { syscall } : {}) });

async function failureOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    (value) => expect.fail(`no error, but ${JSON.stringify(value)}`),
    (error: unknown) => error,
  );
}

async function expectCode(promise: Promise<unknown>, code: ErrorCode): Promise<LedgerError> {
  const error = await failureOf(promise);
  expect(error).toBeInstanceOf(LedgerError);
  expect(error).toMatchObject({ code });
  return error as LedgerError;
}

describe('a draft', () => {
  const rows = 'a,b\r\né,1\r\n😀,2\r\n';

  test.each([
    ['one piece', [rows]],
    ['a row a piece', ['a,b\r\n', 'é,1\r\n', '😀,2\r\n']],
    ['pieces that end within a line end', ['a,b\r', '\né,1\r', '\n😀,2', '\r\n']],
    ['empty pieces between', ['', rows, '']],
  ])('knows its hash, bytes and rows however it is cut: %s', async (_, pieces) => {
    const directory = folder();
    const draft = await writeDraft(directory, 'x.csv', bytes(...pieces));
    expect(draft).toMatchObject({
      name: 'x.csv',
      sha256: createHash('sha256').update(rows).digest('hex'),
      bytes: Buffer.byteLength(rows),
      rows: 2,
    });
    expect(readFileSync(draft.temporaryPath, 'utf8')).toBe(rows);
  });

  test('with nothing but a header has no rows', async () => {
    expect((await writeDraft(folder(), 'x.csv', bytes('a,b\r\n'))).rows).toBe(0);
  });

  test('makes its folder, and is not visible under its name, neither while it is written nor then', async () => {
    const directory = path.join(folder(), 'reports', '2026-10');
    const seen: string[][] = [];
    // oxlint-disable-next-line typescript/require-await -- the source is asynchronous as a database's is
    const source = async function* () {
      yield Buffer.from('a\r\n');
      seen.push(readdirSync(directory));
      yield Buffer.from('1\r\n');
    };
    const draft = await writeDraft(directory, 'x.csv', source());
    seen.push(readdirSync(directory));
    expect(seen).toEqual(Array(2).fill([path.basename(draft.temporaryPath)]));
    expect(path.dirname(draft.temporaryPath)).toBe(directory);
    expect(path.basename(draft.temporaryPath)).toMatch(/^\.x\.csv\.[0-9a-f]{12}\.draft$/);
  });

  test('of the same name does not touch another one', async () => {
    const directory = folder();
    const [one, two] = await Promise.all(['1', '2'].map((text) => writeDraft(directory, 'x.csv', bytes(text))));
    expect([one, two].map((draft) => readFileSync(draft!.temporaryPath, 'utf8'))).toEqual(['1', '2']);
  });

  test('whose source breaks off leaves nothing, and the source’s own error comes out', async () => {
    const directory = folder();
    writeFileSync(path.join(directory, 'x.csv'), 'the one published before');
    const broken = new Error('connection lost');
    const source = function* () {
      yield Buffer.from('a\r\n');
      throw broken;
    };
    expect(await failureOf(writeDraft(directory, 'x.csv', source()))).toBe(broken);
    expect(readdirSync(directory)).toEqual(['x.csv']);
    expect(readFileSync(path.join(directory, 'x.csv'), 'utf8')).toBe('the one published before');
  });

  test('in a place that is no folder fails as storage_failed', async () => {
    const file = path.join(folder(), 'reports');
    writeFileSync(file, '');
    await expectCode(writeDraft(file, 'x.csv', bytes('a')), 'storage_failed');
    await expectCode(writeDraft(path.join(file, '2026-10'), 'x.csv', bytes('a')), 'storage_failed');
  });
});

describe('publishing', () => {
  test('gives every draft its name and leaves nothing else', async () => {
    const directory = folder();
    const drafts = [];
    for (const name of ['a.csv', 'b.csv', 'manifest.json']) drafts.push(await writeDraft(directory, name, bytes(name)));
    await publishDrafts(directory, drafts);
    expect(readdirSync(directory).sort()).toEqual(['a.csv', 'b.csv', 'manifest.json']);
    for (const { name } of drafts) expect(readFileSync(path.join(directory, name), 'utf8')).toBe(name);
  });

  test('replaces what was published before in one step', async () => {
    const directory = folder();
    const target = path.join(directory, 'a.csv');
    writeFileSync(target, 'old');
    const before = statSync(target).ino;
    const draft = await writeDraft(directory, 'a.csv', bytes('new'));
    expect(readFileSync(target, 'utf8')).toBe('old');
    const { ino } = statSync(draft.temporaryPath);
    await publishDrafts(directory, [draft]);
    expect(readFileSync(target, 'utf8')).toBe('new');
    expect(statSync(target).ino).toBe(ino);
    expect(ino).not.toBe(before);
  });

  test('goes in the order given, so that the manifest is never there before what it names', async () => {
    const directory = folder();
    const drafts: DraftFile[] = [];
    for (const name of ['a.csv', 'b.csv', 'manifest.json']) drafts.push(await writeDraft(directory, name, bytes(name)));
    rmSync(drafts[1]!.temporaryPath);
    await expectCode(publishDrafts(directory, drafts), 'storage_failed');
    expect(readdirSync(directory).filter((name) => !name.startsWith('.'))).toEqual(['a.csv']);
  });
});

describe('drafts that are not published', () => {
  test('of a run that was killed are removed, and nothing else', async () => {
    const directory = folder();
    await writeDraft(directory, 'a.csv', bytes('a'));
    await writeDraft(directory, 'manifest.json', bytes('{}'));
    const others = ['.a.csv', '.draft', '.gitkeep', 'a.csv', 'a.draft', 'notes.draft.txt'];
    for (const name of others) writeFileSync(path.join(directory, name), name);
    await removeStaleDrafts(directory);
    expect(readdirSync(directory).sort()).toEqual(others);
  });

  test('of a month without a folder are none', async () => {
    const directory = path.join(folder(), '2026-10');
    await removeStaleDrafts(directory);
    expect(existsSync(directory)).toBe(false);
  });

  test('are discarded, also twice', async () => {
    const directory = folder();
    const drafts = [await writeDraft(directory, 'a.csv', bytes('a')), await writeDraft(directory, 'b.csv', bytes('b'))];
    await discardDrafts(drafts);
    await discardDrafts(drafts);
    expect(readdirSync(directory)).toEqual([]);
  });
});

describe('where files may not grow', () => {
  test('50 times in a row: nothing under the final name, nothing left behind, and it says so', async () => {
    const directory = folder();
    await withFileLimit(256 * 1_024, () => fillOverAndOver(directory, 'EFBIG'));
    await publishLarge(directory);
  });
});

describe('errors of the file system have names of their own', () => {
  test.each<[systemCode: string, syscall: string | undefined, ErrorCode]>([
    ['ENOSPC', 'write', 'storage_full'],
    ['EDQUOT', 'write', 'storage_full'],
    ['EFBIG', 'write', 'storage_full'],
    ['ENOSPC', undefined, 'storage_full'],
    ['EACCES', 'open', 'storage_failed'],
    ['EROFS', 'mkdir', 'storage_failed'],
    ['EIO', 'fsync', 'storage_failed'],
    ['ENOTDIR', 'open', 'storage_failed'],
    ['ENOENT', 'rename', 'storage_failed'],
    ['EMFILE', 'open', 'storage_failed'],
    ['ELOOP', 'mkdir', 'storage_failed'],
    ['ENAMETOOLONG', 'mkdir', 'storage_failed'],
    ['ESTALE', 'stat', 'storage_failed'],
  ])('%s of %s is %s, with its cause', (systemCode, syscall, code) => {
    const cause = systemError(systemCode, syscall);
    const error = asStorageError(cause, '/reports');
    expect(error).toBeInstanceOf(LedgerError);
    expect(error).toMatchObject({ code, cause });
  });

  test('and others stay what they are', () => {
    const others = [
      new LedgerError('database_unavailable', 'gone'),
      systemError('ECONNRESET', 'read'),
      systemError('ETIMEDOUT', 'connect'),
      systemError('EACCES'),
      new TypeError('a bug'),
    ];
    for (const error of others) expect(asStorageError(error, '/reports')).toBe(error);
    for (const odd of ['text', null, undefined, 42]) expect(asStorageError(odd, '/reports')).toBeInstanceOf(Error);
  });
});
