import type { ColumnType, Generated } from 'kysely';

/** Postgres' bigint is read as a string, so that nothing is rounded. */
export type Bigint = ColumnType<string, string | number | bigint, string | number | bigint>;
export type GeneratedBigint = ColumnType<string, string | number | bigint | undefined, string | number | bigint>;

/** The tables of custody: keys, readings, erasures and holds of stored documents, and what is looked through once more. */
export type CustodySchema = {
  document_masters: { public_key: Buffer; in_use_since: Date | null; retired_at: Date | null };
  document_keys: {
    id: string;
    master: Buffer;
    transaction_id: string;
    sealed: Buffer;
    created_at: Generated<Date>;
  };
  document_accesses: {
    id: GeneratedBigint;
    accessed_at: Generated<Date>;
    accessed_by: string;
    reason: string;
    via: 'command' | 'browser';
    address: string | null;
    transaction_id: string;
    kind: 'document' | 'audit_report';
    origin: string;
    position: number;
  };
  erasures: {
    id: Generated<string>;
    transaction_id: string;
    requested_at: Generated<Date>;
    requested_by: string;
    reason: string;
    destroy_at: Date;
    ordered_at: Date | null;
    cancelled_at: Date | null;
    cancelled_by: string | null;
    cancel_reason: string | null;
    keys_destroyed_at: Date | null;
    destroyed_at: Date | null;
    looked_again_at: Date | null;
    documents: number | null;
    audit_reports: number | null;
  };
  retention_rounds: {
    kind: 'document' | 'audit_report';
    begun_at: Generated<Date>;
    ended_at: Date | null;
    left_over: Generated<number>;
    destroyed: GeneratedBigint;
  };
  later_looks: { transaction_id: string; kind: 'document' | 'audit_report'; look_at: Generated<Date> };
  holds: { id: GeneratedBigint; transaction_id: string; placed_at: Generated<Date>; placed_by: string; reason: string };
  hold_releases: { hold_id: Bigint; released_at: Generated<Date>; released_by: string; reason: string };
};
