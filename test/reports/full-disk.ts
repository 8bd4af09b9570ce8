import { readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'vitest';
import { publishDrafts, writeDraft } from '../../src/reports/publish.ts';

/** Writes drafts that do not fit into 256 KiB, 50 times: each says so, with the system's reason, and leaves nothing. */
export async function fillOverAndOver(directory: string, systemCode: 'ENOSPC' | 'EFBIG'): Promise<void> {
  for (let run = 0; run < 50; run += 1) {
    // Pieces of another size every time, so that the disk is full at another place, also in the middle of a piece.
    const piece = Buffer.alloc(1_000 + run * 777, 'x\n');
    const source = function* () {
      for (let size = 0; size < 400_000; size += piece.length) yield piece;
    };
    await expect(writeDraft(directory, 'x.csv', source())).rejects.toMatchObject({
      code: 'storage_full',
      cause: { code: systemCode },
    });
    expect(readdirSync(directory)).toEqual([]);
  }
}

/** What fitted before fits again: the drafts that failed hold no room. */
export async function publishLarge(directory: string): Promise<void> {
  const draft = await writeDraft(directory, 'x.csv', [Buffer.alloc(200_000)]);
  await publishDrafts(directory, [draft]);
  expect(statSync(path.join(directory, 'x.csv')).size).toBe(200_000);
}
