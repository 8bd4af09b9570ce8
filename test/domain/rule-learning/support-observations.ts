import type { CodeFinding } from '../../../src/domain/rule-learning/findings.ts';
import type { Observation, ScanClass } from '../../../src/domain/rule-learning/observations.ts';
import { dayText } from './support-months.ts';

export const scanOf = (code: string | null, more: Partial<ScanClass> = {}): ScanClass => ({
  taskType: 'document_scan',
  code,
  level: 'advanced',
  linked: false,
  captureSource: 'camera',
  ...more,
});

/** Tasks of one day in October with the same scans and counter. A scan of no further interest is given by its code. */
export const observed = (
  transactionId: string,
  scans: readonly (string | null | ScanClass)[],
  charged: number,
  { tasks = 1, day = 1, lastDay = day }: { tasks?: number; day?: number; lastDay?: number } = {},
): Observation => ({
  scans: scans.map((scan) => (typeof scan === 'object' && scan !== null ? scan : scanOf(scan))),
  charged,
  tasks,
  firstAt: new Date(`${dayText(day)}T12:00:00Z`),
  lastAt: new Date(`${dayText(lastDay)}T12:00:00Z`),
  firstDay: dayText(day),
  lastDay: dayText(lastDay),
  transactionId,
});

/** What is said of each code, and of which of its scans. */
export const said = (codes: readonly CodeFinding[]) =>
  codes.map(({ code, scope, charged, ground }) => [code, scope, charged ?? ground]);

export const idsOf = (observations: readonly Observation[]) => observations.map(({ transactionId }) => transactionId);
