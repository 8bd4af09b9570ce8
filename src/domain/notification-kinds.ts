/** The events that people are notified of. */
export const notificationKinds = [
  'report',
  'budget',
  'unclassified',
  'counter_mismatch',
  'overdue',
  'open_findings',
] as const;
export type NotificationKind = (typeof notificationKinds)[number];
