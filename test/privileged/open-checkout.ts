import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmdirSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll } from 'vitest';
import { inCheckout } from '../embedded/support.ts';

/**
 * The checkout under another name, where an ordinary user may read it although it may lie below a folder that only root
 * may enter. It is gone after the tests of the file.
 *
 * @throws where he may not read its files under that name either
 */
export function openCheckout(asOrdinaryUser: readonly string[]): string {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'idscan-checkout-'));
  execFileSync('mount', ['--bind', '-o', 'ro', inCheckout('.'), folder]);
  afterAll(() => {
    execFileSync('umount', [folder]);
    rmdirSync(folder);
  });
  const reads = [process.execPath, 'test/embedded/holder.ts', 'src/embedded/index.ts', 'package.json'];
  for (const file of reads.map((name) => inCheckout(name, folder))) {
    if (spawnSync('env', [...asOrdinaryUser, 'test', '-r', file]).status === 0) continue;
    throw new Error(`An ordinary user may not read ${file}: these tests need a checkout that others may read.`);
  }
  return folder;
}
