import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type Environment, loadConfig } from '../../src/config/config.ts';

const publicKey = Buffer.alloc(32, 7).toString('base64');
const load = (environment: Environment) => loadConfig(environment, { vendorKey: false });

function folder(): string {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'idscan-config-'));
  onTestFinished(() => {
    rmSync(directory, { recursive: true });
  });
  return directory;
}

function refusal(environment: Environment): { readonly message: string } {
  try {
    load(environment);
  } catch (error) {
    expect(error).toMatchObject({ code: 'config_invalid' });
    return error as Error;
  }
  throw new Error('it was accepted');
}

describe('the file with the secret keys of documents', () => {
  test('may have several, one a line, and is named alone', () => {
    const file = path.join(folder(), 'documents.key');
    writeFileSync(file, `${publicKey}\r\n\n${publicKey}\n`);
    const { config } = load({ DOCUMENTS_SECRET_KEY_FILE: file });
    expect(config.custody.secretKeyFile).toBe(file);
    expect(JSON.stringify(config)).not.toContain(publicKey);
  });

  test.each(['', '\n', 'S3CR3T', `${publicKey}\nS3CR3T\n`])('is refused with other lines in it: %j', (contents) => {
    const file = path.join(folder(), 'documents.key');
    writeFileSync(file, contents);
    const { message } = refusal({ DOCUMENTS_SECRET_KEY_FILE: file });
    expect(message).toMatch(/^ {2}- DOCUMENTS_SECRET_KEY_FILE /m);
    expect(message).not.toContain('S3CR3T');
  });

  test('is refused where it is not there', () => {
    const file = path.join(folder(), 'none');
    expect(refusal({ DOCUMENTS_SECRET_KEY_FILE: file }).message).toMatch(/^ {2}- DOCUMENTS_SECRET_KEY_FILE /m);
  });
});
