/**
 * What the vendor said, reduced to what the books need. Produced by `src/id-scan`, which drops everything else
 * (above all the personal data in `result[]`) while parsing.
 */

/** The task types the vendor documents. Others are kept as they come and stay unclassified. */
export const taskTypes = ['document_scan', 'face_liveness', 'face_match'] as const;
export type TaskType = (typeof taskTypes)[number];

/** A file on offer. `url` carries an access token: it lives in memory only, never in a table, job or log. */
export type FileLink = {
  readonly category: string | null;
  readonly type: string | null;
  readonly name: string | null;
  readonly url: string | null;
};

/** One entry of a document scan's `documentScans[]`. */
export type ScanFacts = {
  readonly createdAt: Date;
  /** `null` = success. A missing code is `(missing)` and an empty one `(empty)`: neither is a success, no rule covers them. */
  readonly code: string | null;
  readonly source: string | null;
  readonly linked: boolean | null;
  readonly files: readonly FileLink[];
};

export type TaskFacts = {
  /** One of {@link taskTypes}, or whatever else the vendor called it. */
  readonly type: string;
  readonly state: string | null;
  readonly level: string | null;
  /** The vendor's own counts; `null` where the answer has none. */
  readonly attempts: number | null;
  readonly attemptsInvoiced: number | null;
  /** In order of `createdAt`; `null` where the answer has no list. */
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

/** A completed transaction's result, without the data of the person identified. */
export type ResultFacts = {
  readonly tasks: readonly {
    readonly type: string;
    readonly state: string | null;
    readonly attempts: number | null;
    readonly files: readonly FileLink[];
  }[];
};
