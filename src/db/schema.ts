import type { ColumnType, Generated } from 'kysely';
import type { Evidence, TimeBasis } from '../domain/attempts.ts';
import type { Reason } from '../domain/classify.ts';
import type { NotificationKind } from '../domain/notification-kinds.ts';
import type { Bigint, CustodySchema, GeneratedBigint } from './schema-custody.ts';
import type { ProducerSchema } from './schema-producers.ts';

/** The kinds of obligations. Documents and audit report share a queue and a job. */
export const obligationKinds = ['result', 'documents', 'audit_report'] as const;
export type ObligationKind = (typeof obligationKinds)[number];
/** `withdrawn`: the vendor never knew the transaction, and an operator took it out of the books. */
export type ObligationState = 'due' | 'done' | 'failed' | 'withdrawn';
/** The channels by which people are notified. */
export type ChannelName = 'webhook' | 'smtp';
/** The result of a delivered event. `noted`: it was only stored. */
export type InboxOutcome = 'accepted' | 'already_known' | 'conflict' | 'noted';
/**
 * `gone`, `refused`: never stored. `lost`, `damaged`: stored once, and now missing or changed. `erased`: nothing is left
 * but that there was one.
 */
export type FileState = 'stored' | 'gone' | 'refused' | 'lost' | 'damaged' | 'erased';

export type Schema = CustodySchema &
  ProducerSchema & {
    transactions: {
      id: string;
      result_id: string | null;
      state: string | null;
      created_at: Date | null;
      expires_at: Date | null;
      completed_at: Date | null;
      fetched_at: Date | null;
      result_fetched_at: Date | null;
      settled: Generated<boolean>;
      fence: GeneratedBigint;
      revision: GeneratedBigint;
      registered_at: Generated<Date>;
    };
    intake: {
      id: GeneratedBigint;
      transaction_id: string;
      result_id: string | null;
      source: string;
      received_at: Generated<Date>;
    };
    webhook_inbox: {
      id: GeneratedBigint;
      event_id: string;
      event_type: string;
      transaction_id: string | null;
      result_id: string | null;
      event_created_at: Date | null;
      received_at: Generated<Date>;
      outcome: Generated<InboxOutcome>;
    };
    ended_sessions: { id_sha256: string; expires_at: Date };
    tasks: {
      transaction_id: string;
      task_type: string;
      state: string | null;
      level: string | null;
      vendor_attempts: number | null;
      vendor_attempts_invoiced: number | null;
      scan_list_missing: boolean;
      listed_twice: Generated<number>;
      own_attempts: Generated<number>;
      own_invoiced: Generated<number>;
    };
    attempts: {
      transaction_id: string;
      task_type: string;
      ordinal: number;
      attempted_at: Date;
      time_basis: TimeBasis;
      evidence: Evidence;
      code: string | null;
      linked: boolean | null;
      capture_source: string | null;
      invoiced: boolean | null;
      reason: Reason;
      rule_table_version: string | null;
      first_seen_at: Generated<Date>;
    };
    obligations: {
      transaction_id: string;
      kind: ObligationKind;
      state: Generated<ObligationState>;
      basis: string | null;
      generation: Generated<number>;
      fence: GeneratedBigint;
      due_at: Generated<Date>;
      sweep_at: Date | null;
      starts: Generated<number>;
      attempts_made: Generated<number>;
      last_error_code: string | null;
      last_error_at: Date | null;
      created_at: Generated<Date>;
      updated_at: Generated<Date>;
    };
    files: {
      transaction_id: string;
      kind: 'document' | 'audit_report';
      origin: string;
      position: number;
      category: string | null;
      type: string | null;
      name: string | null;
      url_sha256: string | null;
      state: FileState;
      sha256: string | null;
      bytes: Bigint | null;
      media_type: string | null;
      error_code: string | null;
      recorded_at: Generated<Date>;
      verified_at: Date | null;
      object_name: string | null;
      key_id: string | null;
      clear_sha256: string | null;
    };
    books: { only_row: Generated<boolean>; id: Generated<string> };
    document_store: { only_row: Generated<boolean>; id: string; created_at: Generated<Date> };
    document_verifications: { id: GeneratedBigint; begun_at: Generated<Date>; ended_at: Date | null };
    reprocess_log: {
      id: GeneratedBigint;
      requested_at: Generated<Date>;
      requested_by: string;
      reason: string | null;
      filter: ColumnType<unknown, string, string>;
      kinds: string[];
      obligations: Generated<number>;
    };
    withdrawals: {
      id: GeneratedBigint;
      transaction_id: string;
      withdrawn_at: Generated<Date>;
      withdrawn_by: string;
      reason: string;
    };
    withdrawal_revivals: { withdrawal_id: Bigint; revived_at: Generated<Date>; revived_by: string };
    report_runs: {
      period: string;
      generation: Generated<number>;
      due_at: Date | null;
      sweep_at: Date | null;
      requested_by: string | null;
      scheduled_generation: number | null;
      scheduled_finished_at: Date | null;
      finished_at: Date | null;
      last_failed_at: Date | null;
      manifest_sha256: string | null;
      last_error_code: string | null;
    };
    reference_files: { sha256: string; kind: 'rules' | 'prices'; content: Buffer; stored_at: Generated<Date> };
    reference_versions: { kind: 'rule_table' | 'price_list'; version: string; sha256: string };
    price_list_uses: { used_from: Generated<Date>; sha256: string | null };
    rules_uses: { used_from: Generated<Date>; sha256: string };
    period_closes: {
      period: string;
      version: Generated<number>;
      start_at: Date;
      end_at: Date;
      time_zone: string;
      currency: string | null;
      rules_sha256: string;
      prices_sha256: string | null;
      closed_at: Generated<Date>;
      closed_by: string;
      forced_reason: string | null;
      blockers: ColumnType<unknown, string, never>;
      manifest: string;
      manifest_sha256: string;
    };
    closed_lines: { period: string; transaction_id: string; attempted_at: Date };
    closed_charges: { period: string; corrects_period: string | null; amount: string };
    notifications: {
      id: Generated<string>;
      kind: NotificationKind;
      period: string;
      message: ColumnType<unknown, string, never>;
      created_at: Generated<Date>;
    };
    notification_crossings: {
      id: GeneratedBigint;
      kind: NotificationKind;
      subject: string;
      notification_id: string;
      began_at: Generated<Date>;
      ended_at: Date | null;
    };
    notification_deliveries: {
      notification_id: string;
      channel: ChannelName;
      due_at: Date | null;
      attempts_made: Generated<number>;
      delivered_at: Date | null;
      last_error_code: string | null;
      last_error_at: Date | null;
    };
    notification_checks: { only_row: Generated<boolean>; checked_at: Date };
    worker_heartbeats: {
      id: string;
      host: string;
      pid: number;
      version: string;
      started_at: Generated<Date>;
      seen_at: Generated<Date>;
      redis_usable: boolean;
      store_error_code: string | null;
      active_jobs: number;
    };
    settled_rechecks: {
      period: string;
      last_created_at: Date | null;
      last_id: string | null;
      begun_at: Generated<Date>;
      ended_at: Date | null;
    };
    closing_horizon: { only_row: Generated<boolean>; end_at: Date; rules_sha256: string | null };
    late_changes: {
      id: GeneratedBigint;
      transaction_id: string;
      changed_at: Generated<Date>;
      booked_in: string | null;
    };
  };
