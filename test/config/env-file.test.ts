import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { readEnvironment } from '../../src/config/config.ts';

function folder(): string {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'idscan-config-'));
  onTestFinished(() => {
    rmSync(directory, { recursive: true });
  });
  return directory;
}

describe('.env', () => {
  /** Variables that exist for one test alone. */
  function withVariables(...names: string[]): void {
    onTestFinished(() => {
      for (const name of names) Reflect.deleteProperty(process.env, name);
    });
  }

  test('completes the environment, which goes before it', () => {
    const [given, added] = ['IDSCAN_TEST_GIVEN', 'IDSCAN_TEST_ADDED'];
    withVariables(given, added);
    process.env[given] = 'from the environment';
    const directory = folder();
    writeFileSync(path.join(directory, '.env'), `# a comment\n${given}=from the file\n${added}="from the file"\n`);
    const environment = readEnvironment(directory);
    expect([environment[given], environment[added]]).toEqual(['from the environment', 'from the file']);
  });

  test('need not be there', () => {
    expect(readEnvironment(folder())).toBe(process.env);
  });

  test('that cannot be read is an error, never left out silently', () => {
    const directory = folder();
    mkdirSync(path.join(directory, '.env'));
    expect(() => readEnvironment(directory)).toThrow(expect.objectContaining({ code: 'config_invalid' }) as Error);
  });
});
