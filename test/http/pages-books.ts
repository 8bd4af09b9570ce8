import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { closeMonth } from '../../src/jobs/month/close-month.ts';
import { writeReport } from '../../src/jobs/month/write-report.ts';
import type { Context } from '../../src/jobs/context.ts';
import type { TaskFacts, TransactionFacts } from '../../src/domain/facts.ts';
import { bookkeeper } from '../support/closing.ts';
import { faceTask, scan, scanTask } from '../support/facts.ts';
import { recordIntake } from '../../src/db/intake.ts';

export const prices = path.join(import.meta.dirname, '../../examples/prices.json');
/** Late enough that all months of these books have ended. */
export const now = (): Date => new Date('2026-12-03T09:00:00Z');

/** Times of a transaction on a day. */
const onDay = (day: string): Partial<TransactionFacts> => ({
  createdAt: new Date(`${day}T10:00:00Z`),
  expiresAt: new Date(`${day}T12:00:00Z`),
  completedAt: new Date(`${day}T10:10:00Z`),
});

const scans = (day: string, ...codes: (string | null)[]): TaskFacts =>
  scanTask(codes.map((code, index) => scan(`${day}T10:0${index}:30Z`, code)));

/**
 * Books with something of everything: nine closed months, a correction of one of them, an open month with files, whose
 * blockers and disagreements are to be seen, and an abandoned transaction.
 */
export async function fillBooks(context: Context, scale = 4): Promise<void> {
  const look = bookkeeper(context);
  await mkdir(context.config.reportsDir, { recursive: true });
  for (let month = 2; month <= 10; month += 1) {
    const period = `2026-${String(month).padStart(2, '0')}`;
    for (let one = 0; one < scale + ((month * 7) % 5); one += 1) {
      const day = `${period}-${String(3 + ((one * 5) % 24)).padStart(2, '0')}`;
      await look(`tx-${period}-${one}`, { ...onDay(day), tasks: [scans(day, null), faceTask('face_match')] });
    }
    const closed = await closeMonth(context, { period, closedBy: 'finance', forcedReason: null });
    if ('counts' in closed) throw new Error(`blocked: ${JSON.stringify(closed.counts)}`);
  }
  await look('tx-2026-10-0', {
    ...onDay('2026-10-03'),
    tasks: [scans('2026-10-03', null, null), faceTask('face_match')],
  });
  for (let one = 0; one < scale * 2; one += 1) {
    const day = `2026-11-${String(2 + (one % 27)).padStart(2, '0')}`;
    await look(`tx-2026-11-${one}`, {
      ...onDay(day),
      tasks: [
        scans(day, ...(one % 3 === 0 ? ['unknown_type_front', null] : [null])),
        faceTask('face_liveness'),
        faceTask('face_match'),
      ],
    });
  }
  await look('tx-2026-11-code', { ...onDay('2026-11-12'), tasks: [scans('2026-11-12', 'glare_detected')] });
  await look('tx-2026-11-differs', {
    ...onDay('2026-11-13'),
    tasks: [scanTask([scan('2026-11-13T10:05:00Z', null)], { attemptsInvoiced: 2 })],
  });
  await look('tx-2026-11-abandoned', {
    ...onDay('2026-11-14'),
    state: 'pending',
    completedAt: null,
    tasks: [scans('2026-11-14', null)],
  });
  await recordIntake(
    context.db.kysely,
    [{ transactionId: 'tx-2026-11-result', resultId: 'result-2026-11' }],
    'file',
    0,
  );
  await look('tx-2026-11-result', { ...onDay('2026-11-15'), tasks: [scans('2026-11-15', null)] });
  await writeReport(context, '2026-11');
}
