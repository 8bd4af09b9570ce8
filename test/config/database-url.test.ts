import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { loadConfig } from '../../src/config/config.ts';
import { readDatabaseUrl } from '../../src/config/database-url.ts';
import { openDatabase } from '../../src/db/database.ts';
import { createTestFolder } from '../support/folders.ts';
import { issueCertificate } from '../support/certificates.ts';

let files: Record<'ca' | 'key' | 'cert' | 'otherKey' | 'text' | 'bundle' | 'missing', string>;
let pem: Record<'ca' | 'key' | 'cert', string>;

beforeAll(async () => {
  const folder = await createTestFolder();
  pem = await issueCertificate({ hosts: ['db'] });
  const other = await issueCertificate({ hosts: ['db'] });
  const write = async (name: string, content: string) => {
    await writeFile(path.join(folder, name), content);
    return path.join(folder, name);
  };
  files = {
    ca: await write('ca.pem', pem.ca),
    key: await write('client.key', pem.key),
    cert: await write('client.pem', pem.cert),
    otherKey: await write('other.key', other.key),
    text: await write('text.pem', 'not PEM at all'),
    bundle: await write('bundle.pem', `# two authorities\n${pem.ca}\n${other.ca}`),
    missing: path.join(folder, 'missing.pem'),
  };
});

const base = 'postgres://app:p%40ss@db:6432/books';
const with_ = (parameters: Record<string, string>) => `${base}?${new URLSearchParams(parameters).toString()}`;

describe('a URL of Postgres', () => {
  test('that says nothing about TLS is left as it is', () => {
    const url = `${base}?application_name=x&options=-c%20search_path%3Dledger`;
    expect(readDatabaseUrl(url)).toEqual({ url, tls: undefined, problems: [] });
  });

  test.each([
    ['disable', false],
    ['no-verify', { rejectUnauthorized: false }],
    ['require', {}],
    ['verify-full', {}],
  ])('with sslmode=%s', (sslmode, tls) => {
    expect(readDatabaseUrl(with_({ sslmode }))).toEqual({ url: base, tls, problems: [] });
  });

  test('with an authority and a client certificate', () => {
    const { ca, key, cert } = files;
    const url = with_({ sslmode: 'verify-full', sslrootcert: ca, sslcert: cert, sslkey: key, application_name: 'x' });
    expect(readDatabaseUrl(url)).toEqual({ url: `${base}?application_name=x`, tls: pem, problems: [] });
    expect(readDatabaseUrl(with_({ sslrootcert: files.bundle })).problems).toEqual([]);
    expect(readDatabaseUrl(with_({ sslmode: 'verify-full', sslrootcert: 'system' })).tls).toEqual({});
  });

  const wrong: [string, () => string, RegExp][] = [
    ['no such authority file', () => with_({ sslrootcert: files.missing }), /sslrootcert .*missing\.pem: ENOENT/],
    ['an authority file without PEM', () => with_({ sslrootcert: files.text }), /sslrootcert .*no certificate in PEM/],
    ['no such key file', () => with_({ sslcert: files.cert, sslkey: files.missing }), /sslkey .*ENOENT/],
    ['a certificate without its key', () => with_({ sslcert: files.cert }), /one of sslcert and sslkey/],
    ['another one’s key', () => with_({ sslcert: files.cert, sslkey: files.otherKey }), /no certificate with its key/],
    ['an unknown sslmode', () => with_({ sslmode: 'verify_full' }), /unknown sslmode: it takes disable, /],
    ['a bare % in the password', () => 'postgres://app:100%x@db/books', /% .*%25/],
    ['an escape that is no text', () => 'postgres://app:%ff@db/books', /% .*%25/],
  ];
  test.each(wrong)('is refused with %s, before anything connects', (_what, url, problem) => {
    const code = 'config_invalid';
    const message = expect.stringMatching(problem) as string;
    expect(() => loadConfig({ DATABASE_URL: url() }, { vendorKey: false })).toThrow(
      expect.objectContaining({ code, message: expect.stringMatching(/^ {2}- DATABASE_URL /m) as string }) as Error,
    );
    expect(() => openDatabase(url())).toThrow(expect.objectContaining({ code, message }) as Error);
  });

  test('is not quoted where it is wrong', () => {
    const { problems } = readDatabaseUrl('postgres://app:s3cret%x@db/books?sslmode=s3cret');
    expect(problems).toHaveLength(2);
    expect(problems.join()).not.toContain('s3cret');
  });
});
