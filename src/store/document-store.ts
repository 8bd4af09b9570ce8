/** A content as Postgres knows it. `bytes` is a bigint's text. */
export type Content = { readonly sha256: string; readonly bytes: string };

/** `lost`: it is not there. `damaged`: something else is in its place, or the disk does not give it back. */
export type Finding = 'stored' | 'lost' | 'damaged';

export type Sink = (chunk: Uint8Array) => Promise<void>;

/** Something in a store, whoever put it there. */
export type StoreEntry = {
  /** A content's is its hash. */
  readonly name: string;
  /** When it was last written; `undefined` = it is gone meanwhile. */
  readonly writtenAtMs: () => Promise<number | undefined>;
};

/**
 * Where documents are kept, each content once, under its hash. Every function throws LedgerError `storage_failed` where
 * the store cannot be used, and those that write throw `storage_full` where there is no room.
 */
export type DocumentStore = {
  /** As a person would look for it. */
  readonly place: string;

  /**
   * Keeps what is filled in once all of it is there and durable. A content that is stored already is not written twice;
   * one that was damaged is replaced.
   *
   * @param fill writes the content piece by piece. What it throws is passed on, and nothing is kept.
   */
  readonly put: (fill: (sink: Sink) => Promise<void>) => Promise<Content>;
  /** Whether a content of that size is there. Reads nothing of it. */
  readonly has: (content: Content) => Promise<boolean>;
  /** Whether a content is there as it was stored: its size, then its hash. */
  readonly examine: (content: Content) => Promise<Finding>;
  readonly get: (content: Content) => Promise<AsyncIterable<Uint8Array>>;
  /** A content that is not there is no failure. */
  readonly remove: (content: Content) => Promise<void>;
  /** Removes what killed workers left unfinished: it is images of identity documents. */
  readonly removeStale: (nowMs: number) => Promise<void>;
  /** Everything in it but its marker and what is unfinished, one at a time. */
  readonly entries: () => AsyncIterable<StoreEntry>;

  /** Which store it says it is; `undefined` = it has no marker. Throws `store_mismatch` where the marker is none of ours. */
  readonly marker: () => Promise<string | undefined>;
  readonly mark: (id: string) => Promise<void>;
  /** Does to some bytes all that is done to a document, everywhere in the store. */
  readonly probe: () => Promise<void>;
};

/** The store that Postgres knows under this ID. */
export type OpenedStore = DocumentStore & { readonly id: string };

/** Longer than any download may take. */
const longestDownloadMs = 3_600_000;

/** Whether nothing that is still under way can have written something last. */
export const isOlderThanAnyDownload = (writtenAtMs: number | undefined, nowMs: number): boolean =>
  writtenAtMs !== undefined && nowMs - writtenAtMs > longestDownloadMs;
