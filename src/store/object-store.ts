/** An object as Postgres knows it. `sha256` and `bytes` (a bigint as text) are of what lies in the store. */
export type StoredObject = { readonly name: string; readonly sha256: string; readonly bytes: string };

/** `lost`: not there. `damaged`: something else is there. */
export type Finding = 'stored' | 'lost' | 'damaged';

export type Sink = (chunk: Uint8Array) => Promise<void>;

/** Something in the store, whoever put it there. */
export type StoreEntry = {
  readonly name: string;
  /** When it was last written; `undefined` = it has disappeared since. */
  readonly writtenAtMs: () => Promise<number | undefined>;
};

/**
 * Where files are kept, each under a name that is written once. Every function throws LedgerError `storage_failed` if
 * the store cannot be used. Functions that write throw `storage_full` if there is no room.
 */
export type ObjectStore = {
  /** The location, for people. */
  readonly place: string;

  /**
   * Stores what `fill` writes under a name that is not taken, once it is whole and durable.
   *
   * @param fill writes the object piece by piece. If it throws, the error is passed on and nothing is stored.
   * @throws LedgerError `storage_conflict` if the name is taken, also where the store only notices at the end.
   */
  readonly put: (name: string, fill: (sink: Sink) => Promise<void>) => Promise<StoredObject>;
  /** Whether an object of that size is there. Does not read it. */
  readonly has: (object: StoredObject) => Promise<boolean>;
  /** Whether an object is there unchanged. Compares its size, then its hash. */
  readonly examine: (object: StoredObject) => Promise<Finding>;
  /** @throws LedgerError `storage_failed`, also where the object is lost or breaks off while it is read. */
  readonly get: (name: string) => Promise<AsyncIterable<Uint8Array>>;
  /** Removes the object, all its versions and unfinished uploads. Removing what is not there is no error. */
  readonly remove: (name: string) => Promise<void>;
  /**
   * Every object whose name begins with `prefix`, except the marker and what is unfinished. With `everyVersion` also
   * names that only older versions have. One page at a time is in memory.
   */
  readonly list: (prefix: string, options?: { readonly everyVersion?: boolean }) => AsyncIterable<StoreEntry>;
  /** Removes what killed workers left unfinished: it is images of identity documents. */
  readonly removeStale: (nowMs: number) => Promise<void>;

  /**
   * The ID in the store's marker; `undefined` = it has no marker. Throws `store_mismatch` if the marker is not one of
   * ours.
   */
  readonly marker: () => Promise<string | undefined>;
  readonly mark: (id: string) => Promise<void>;
  /** Does with a test object everything that is done with a document. */
  readonly probe: () => Promise<void>;
};
