/**
 * What the vendor said, reduced to what the books need. `src/id-scan` produces it and drops everything else while
 * parsing, above all the personal data in `result[]`.
 */

/** The task types that the vendor documents. Other types are stored as they come and stay unclassified. */
export const taskTypes = ['document_scan', 'face_liveness', 'face_match'] as const;
export type TaskType = (typeof taskTypes)[number];

/** A file that an answer offers. `url` contains an access token: keep it in memory, never in a table, job or log. */
export type FileLink = {
  readonly category: string | null;
  readonly type: string | null;
  readonly name: string | null;
  readonly url: string | null;
};

/** One entry of a document scan's `documentScans[]`. */
export type ScanFacts = {
  readonly createdAt: Date;
  /**
   * `null` = success. `(missing)` = no code, `(empty)` = an empty code; neither is a success, and no rule covers them.
   */
  readonly code: string | null;
  readonly source: string | null;
  readonly linked: boolean | null;
  readonly files: readonly FileLink[];
};

export type TaskFacts = {
  /** One of {@link taskTypes}, or another name that the vendor used. */
  readonly type: string;
  readonly state: string | null;
  readonly level: string | null;
  /** The vendor's own counts; `null` = not in the answer. */
  readonly attempts: number | null;
  readonly attemptsInvoiced: number | null;
  /** In order of `createdAt`; `null` = the answer has no list. */
  readonly scans: readonly ScanFacts[] | null;
};

/** A transaction's details at one moment. */
export type TransactionFacts = {
  readonly transactionId: string;
  readonly state: string;
  readonly createdAt: Date;
  readonly expiresAt: Date | null;
  readonly completedAt: Date | null;
  readonly tasks: readonly TaskFacts[];
};

/** A completed transaction's result, without the personal data. */
export type ResultFacts = {
  readonly tasks: readonly {
    readonly type: string;
    readonly state: string | null;
    readonly attempts: number | null;
    readonly files: readonly FileLink[];
  }[];
};
