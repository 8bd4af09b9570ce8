import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { atEnd } from './at-end.ts';

/** A folder that is gone after the test file. */
export async function createTestFolder(): Promise<string> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'idscan-ledger-'));
  atEnd(() => rm(folder, { recursive: true, force: true }));
  return folder;
}
