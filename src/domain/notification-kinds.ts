/** The events that people are notified of. */
export const notificationKinds = ['report', 'budget', 'unclassified', 'counter_mismatch', 'overdue'] as const;
export type NotificationKind = (typeof notificationKinds)[number];
