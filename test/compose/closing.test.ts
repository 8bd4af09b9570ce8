import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const closing = new URL('../../src/compose/closing.ts', import.meta.url).href;

test('a step that never ends keeps nobody from ending in order, though nothing else is left to wait for', async () => {
  const program = `
    const { building } = await import('${closing}');
    const { close } = await building(async (add) => {
      add(async () => console.log('the first is closed'));
      add(() => new Promise(() => undefined));
    });
    await close();
    console.log('all are closed');`;
  // Node ends with 13 where something is waited for and nothing is left that could bring it.
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', program]);
  expect(stdout).toBe('the first is closed\nall are closed\n');
});
