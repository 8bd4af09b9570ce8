import type { ScanFacts, TaskFacts, TransactionFacts } from '../../src/domain/facts.ts';

export const startedAt = new Date('2026-10-01T10:00:00Z');

/** One entry of a document scan's list, `minutes` after the transaction's start. */
export function scan(minutes: number, overrides: Partial<ScanFacts> = {}): ScanFacts {
  const createdAt = new Date(startedAt.getTime() + minutes * 60_000);
  return { createdAt, code: null, source: 'camera', linked: false, files: [], ...overrides };
}

export function scanTask(overrides: Partial<TaskFacts> = {}): TaskFacts {
  const none = { level: 'advanced', attempts: null, attemptsInvoiced: null, scans: null };
  return { type: 'document_scan', state: 'pending', ...none, ...overrides };
}

export function faceTask(state: string | null, overrides: Partial<TaskFacts> = {}): TaskFacts {
  const none = { level: null, attempts: null, attemptsInvoiced: null, scans: null };
  return { type: 'face_liveness', state, ...none, ...overrides };
}

export function transaction(tasks: TaskFacts[], overrides: Partial<TransactionFacts> = {}): TransactionFacts {
  return {
    transactionId: '11111111-2222-4333-8444-555555555555',
    state: 'pending',
    createdAt: startedAt,
    expiresAt: new Date('2026-10-01T12:00:00Z'),
    completedAt: null,
    tasks,
    ...overrides,
  };
}

/** Freezes a value with everything in it, so that a function that is not pure throws. */
export function deepFrozen<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    Object.values(value).forEach(deepFrozen);
  }
  return value;
}
