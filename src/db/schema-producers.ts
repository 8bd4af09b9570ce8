import type { Generated } from 'kysely';

/** The tables of producers: transactions that were created here, their references, and what pages report of them. */
export type ProducerSchema = {
  creations: {
    id: Generated<string>;
    idempotency_key: string | null;
    request_sha256: string | null;
    reference: string | null;
    asked_at: Generated<Date>;
    asked_by: string;
    answered_at: Date | null;
    transaction_id: string | null;
    url: string | null;
    expires_at: Date | null;
    error_code: string | null;
    is_refused: Generated<boolean>;
    resolved_at: Date | null;
    resolved_by: string | null;
    resolution: string | null;
  };
  creation_resolutions: {
    id: Generated<string>;
    creation_id: string;
    transaction_id: string | null;
    resolved_at: Generated<Date>;
    resolved_by: string;
    resolution: string;
  };
  browser_reports: {
    token_id: string;
    transaction_id: string;
    origin: string;
    result_id: string | null;
    opened_at: Date | null;
    completed_at: Date | null;
    left_at: Date | null;
    ignored_messages: Generated<number>;
    recorded_at: Generated<Date>;
  };
  transaction_references: { transaction_id: string; reference: string; recorded_at: Generated<Date> };
};
