import { describe, expect, test } from 'vitest';
import { loadConfig } from '../../src/config/config.ts';
import type { LedgerError } from '../../src/errors.ts';

const load = (url: string) => loadConfig({ DOCUMENTS_URL: url }, { vendorKey: false }).config.documents;

function problemsOf(url: string): string[] {
  try {
    load(url);
    return [];
  } catch (error) {
    expect(error).toMatchObject({ code: 'config_invalid' });
    return (error as LedgerError).message.split('\n').slice(1);
  }
}

describe('DOCUMENTS_URL', () => {
  test('is unset by default: documents are in a folder', () => {
    expect(load('')).toBeUndefined();
  });

  test('names a bucket of Amazon', () => {
    const usual = { bucket: 'my.bucket-1', endpoint: undefined, region: undefined, hasPathStyle: false };
    expect(load('s3://my.bucket-1')).toEqual({ ...usual, prefix: '' });
    expect(load('s3://my.bucket-1/')).toEqual({ ...usual, prefix: '' });
    expect(load('s3://my.bucket-1/books/2026_a')).toEqual({ ...usual, prefix: 'books/2026_a/' });
    expect(load('s3://my.bucket-1/books/?region=eu-central-1')).toEqual({
      ...usual,
      prefix: 'books/',
      region: 'eu-central-1',
    });
  });

  test('names another store, whose region may be any', () => {
    expect(load('s3://b00/p?endpoint=https%3A%2F%2Fs3.example.com%2Fstorage&path-style=true')).toEqual({
      bucket: 'b00',
      prefix: 'p/',
      endpoint: 'https://s3.example.com/storage',
      region: 'us-east-1',
      hasPathStyle: true,
    });
    expect(load('s3://b00/p?endpoint=http://127.0.0.1:9000&region=local&path-style=false')).toMatchObject({
      endpoint: 'http://127.0.0.1:9000',
      region: 'local',
      hasPathStyle: false,
    });
  });

  test.each([
    'https://bucket.s3.amazonaws.com/books',
    's3:bucket',
    's3://bucket/a#b',
    's3://',
    's3:///books',
    's3://ab',
    's3://Bucket',
    's3://bucket:9000/books',
    's3://key:secret@bucket/books',
    's3://bucket//books',
    's3://bucket/../books',
    's3://bucket/a b',
    's3://bucket/%2e%2e',
    `s3://bucket/${'a'.repeat(201)}`,
    's3://bucket?endpoint=http://s3.example.com',
    's3://bucket?endpoint=ftp://127.0.0.1',
    's3://bucket?endpoint=https://key:secret@s3.example.com',
    's3://bucket?endpoint=https://s3.example.com?a=b',
    's3://bucket?endpoint=s3.example.com',
    's3://bucket?endpoint=',
    's3://bucket?region=eu_central',
    's3://bucket?region=',
    's3://bucket?path-style=yes',
    's3://bucket?secret=hunter2',
    's3://bucket?region=a&region=b',
  ])('is refused if it is %s', (url) => {
    const problems = problemsOf(url);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(/^ {2}- DOCUMENTS_URL /);
    expect(problems[0]).not.toMatch(/secret|hunter2|example/);
  });

  test('is told all that is wrong with it, with what else is wrong', () => {
    try {
      loadConfig(
        { DOCUMENTS_URL: 's3://X/a b?endpoint=http://example.com&path-style=1&a=b', LOG_LEVEL: 'loud' },
        { vendorKey: false },
      );
      expect.unreachable();
    } catch (error) {
      expect(error).toMatchObject({ code: 'config_invalid', fields: { problems: 6 } });
    }
  });
});

describe('REPORTS_URL', () => {
  const refused = (environment: Readonly<Record<string, string>>): string => {
    try {
      loadConfig(environment, { vendorKey: false });
    } catch (error) {
      return (error as Error).message;
    }
    return expect.unreachable();
  };

  test('has the form of DOCUMENTS_URL, and takes the place of REPORTS_DIR', () => {
    const { config } = loadConfig({ REPORTS_URL: 's3://bucket/reports', REPORTS_DIR: '' }, { vendorKey: false });
    expect(config.reports).toMatchObject({ bucket: 'bucket', prefix: 'reports/' });
    expect(refused({ REPORTS_URL: 's3://bucket/reports', REPORTS_DIR: 'reports' })).toContain('set one');
  });

  test.each([
    ['s3://bucket/a', 's3://bucket/a'],
    ['s3://bucket/a', 's3://bucket/a/b'],
    ['s3://bucket/a/b', 's3://bucket/a'],
    ['s3://bucket', 's3://bucket/a'],
  ])('%s and documents in %s lie in one another', (reports, documents) => {
    expect(refused({ REPORTS_URL: reports, DOCUMENTS_URL: documents })).toContain('a prefix of its own');
  });

  test.each([
    ['s3://bucket/ab', 's3://bucket/a'],
    ['s3://bucket/a', 's3://other/a'],
    ['s3://bucket/a?endpoint=https://s3.example.com', 's3://bucket/a'],
  ])('%s and documents in %s are apart', (reports, documents) => {
    const { config } = loadConfig({ REPORTS_URL: reports, DOCUMENTS_URL: documents }, { vendorKey: false });
    expect(config.reports?.bucket).toBe('bucket');
  });
});
