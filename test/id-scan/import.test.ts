import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

test('a program that imports the client keeps its own settings of V8', async () => {
  const entry = new URL('../../src/id-scan/index.ts', import.meta.url).href;
  const program = `
    const { createIdScanClient } = await import('${entry}');
    await createIdScanClient({ keyId: 'k', keySecret: 's'.repeat(40) }).close();
    const { runInNewContext } = await import('node:vm');
    console.log(runInNewContext('typeof gc'));`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program]);
  expect(stdout.trim()).toBe('undefined');
});
