/** A stored content, as Postgres knows it. `bytes` is a bigint as text. */
export type Content = { readonly sha256: string; readonly bytes: string };

/** `lost`: not there. `damaged`: something else is there, or the disk cannot read it. */
export type Finding = 'stored' | 'lost' | 'damaged';

export type Sink = (chunk: Uint8Array) => Promise<void>;

/** Something in the store, whoever put it there. */
export type StoreEntry = {
  /** For a content, its hash. */
  readonly name: string;
  /** When it was last written; `undefined` = it has disappeared since. */
  readonly writtenAtMs: () => Promise<number | undefined>;
};

/**
 * Where files are kept, each content once, named by its hash. Every function throws LedgerError `storage_failed` if the
 * store cannot be used. Functions that write throw `storage_full` if there is no room.
 */
export type DocumentStore = {
  /** The location, for people. */
  readonly place: string;

  /**
   * Stores what `fill` writes, once it is complete and durable. A content that is stored already is not written twice.
   * A damaged one is replaced.
   *
   * @param fill writes the content piece by piece. If it throws, the error is passed on and nothing is stored.
   */
  readonly put: (fill: (sink: Sink) => Promise<void>) => Promise<Content>;
  /** Whether a content of that size is there. Does not read it. */
  readonly has: (content: Content) => Promise<boolean>;
  /** Whether a content is there unchanged. Compares its size, then its hash. */
  readonly examine: (content: Content) => Promise<Finding>;
  readonly get: (content: Content) => Promise<AsyncIterable<Uint8Array>>;
  /** Removing a content that is not there is no error. */
  readonly remove: (content: Content) => Promise<void>;
  /** Removes unfinished files of killed workers: they are images of identity documents. */
  readonly removeStale: (nowMs: number) => Promise<void>;
  /** Everything in the store except its marker and unfinished files, one at a time. */
  readonly entries: () => AsyncIterable<StoreEntry>;

  /**
   * The ID in the store's marker; `undefined` = it has no marker. Throws `store_mismatch` if the marker is not one of
   * ours.
   */
  readonly marker: () => Promise<string | undefined>;
  readonly mark: (id: string) => Promise<void>;
  /** Does with a test file everything that is done with a document, and checks every folder of the store. */
  readonly probe: () => Promise<void>;
};

/** The store that Postgres knows by this ID. */
export type OpenedStore = DocumentStore & { readonly id: string };

/** Longer than any download can take. */
const longestDownloadMs = 3_600_000;

/** Whether a file is so old that no running download can have written it. */
export const isOlderThanAnyDownload = (writtenAtMs: number | undefined, nowMs: number): boolean =>
  writtenAtMs !== undefined && nowMs - writtenAtMs > longestDownloadMs;
