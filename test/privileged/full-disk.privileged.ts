import { mkdirSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { writeReport } from '../../src/jobs/month/write-report.ts';
import { documentsOnFullDisk, reportsOnFullDisk, timeout } from '../chaos/support-disk-full.ts';
import { isFull } from '../chaos/world.ts';
import { folderReports } from '../../src/reports/folder-reports.ts';
import { fillOverAndOver, publishLarge } from '../reports/full-disk.ts';
import { withAttempts } from '../support/attempts.ts';
import { mountDisk } from '../support/full-disk.ts';

const rounds = isFull ? 50 : 3;

function smallDisk(size: string): string {
  const { folder, unmount } = mountDisk(size);
  onTestFinished(unmount);
  return folder;
}

describe('on a full disk', () => {
  test('drafts leave nothing, 50 times, and the room is free again', async () => {
    const directory = path.join(smallDisk('256k'), '2026-10');
    mkdirSync(directory);
    await fillOverAndOver(directory, 'ENOSPC');
    await publishLarge(directory);
  });

  test('a report leaves nothing under a final name, 20 times', async () => {
    const context = await withAttempts();
    const reportsDir = smallDisk('8k');
    mkdirSync(path.join(reportsDir, 'fill'));
    for (let run = 0; run < 20; run += 1)
      await expect(writeReport({ ...context, reports: folderReports(reportsDir) }, '2026-10')).rejects.toMatchObject({
        code: 'storage_full',
      });
    expect(readdirSync(path.join(reportsDir, '2026-10'))).toEqual([]);
  });

  test(`a worker's documents, ${rounds} times: no partial file, nothing lost`, { timeout }, async () => {
    expect(await documentsOnFullDisk('mounted', rounds)).toBeGreaterThan(0);
  });

  test(`a worker's reports, ${rounds} times: the old files stay until the new are whole`, { timeout }, async () => {
    await reportsOnFullDisk('mounted', rounds);
  });
});
