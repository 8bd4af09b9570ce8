/** An object as Postgres knows it. `sha256` and `bytes` (a bigint as text) are those of what lies in the store. */
export type StoredObject = { readonly name: string; readonly sha256: string; readonly bytes: string };

/** `lost`: not there. `damaged`: something else is there, or the disk cannot read it. */
export type Finding = 'stored' | 'lost' | 'damaged';

export type Sink = (chunk: Uint8Array) => Promise<void>;

/** Something in the store, whoever put it there. */
export type StoreEntry = {
  readonly name: string;
  /** When it was last written; `undefined` = it has disappeared since. */
  readonly writtenAtMs: () => Promise<number | undefined>;
};

/** A file somewhere below the root of the store, or an object with its prefix, whatever it is. */
export type Anything = {
  readonly name: string;
  /** The first bytes, more than a document's header has; none if it cannot be read, or only older versions are left. */
  readonly begin: () => Promise<Buffer>;
};

/** More than a document's header has. */
export const beginBytes = 8_192;

/** An object that is not whole yet. A folder does not know its name, and a bucket shows none of its bytes. */
export type Unfinished = { readonly name: string | undefined; readonly begin: Buffer };

/**
 * Where bytes are kept under names, each written once. It knows nothing of what it keeps. Every function throws
 * LedgerError `storage_failed` if the store cannot be used. Functions that write throw `storage_full` if there is no
 * room.
 */
export type ObjectStore = {
  /** The location, for people. */
  readonly place: string;

  /**
   * Stores what `fill` writes, once it is complete and durable.
   *
   * @param fill writes the content piece by piece. If it throws, the error is passed on and nothing is stored.
   * @throws LedgerError `storage_conflict` if the name is taken: nothing is ever overwritten.
   */
  readonly put: (name: string, fill: (sink: Sink) => Promise<void>) => Promise<StoredObject>;
  /** Whether an object of that size is there. Does not read it. */
  readonly has: (object: StoredObject) => Promise<boolean>;
  /** Whether an object is there unchanged. Compares its size, then its hash. */
  readonly examine: (object: StoredObject) => Promise<Finding>;
  /** What lies under a name; `storage_failed` if nothing does. */
  readonly get: (name: string) => Promise<AsyncIterable<Uint8Array>>;
  /** Removes an object with all its versions. Removing one that is not there is no error. */
  readonly remove: (name: string) => Promise<void>;
  /** Removes every object whose name begins with `prefix`, with all versions. */
  readonly removeUnder: (prefix: string) => Promise<void>;
  /**
   * Everything whose name begins with `prefix`, one at a time; not the marker, and not what is unfinished.
   *
   * @param options.everyVersion also names that only older versions have, in a store that keeps them.
   */
  readonly list: (prefix: string, options?: { readonly everyVersion?: boolean }) => AsyncIterable<StoreEntry>;
  /**
   * Everything in the store at any depth, with names that only older versions have; not the marker, and not what is
   * unfinished. What lies outside of the folders that this program makes comes first. A folder that this user may not
   * open is one thing, with its name.
   */
  readonly everything: () => AsyncIterable<Anything>;
  /** What is being written, or was by killed workers. */
  readonly unfinished: () => AsyncIterable<Unfinished>;
  /** Removes unfinished files of killed workers. */
  readonly removeStale: (nowMs: number) => Promise<void>;

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
export type OpenedStore = ObjectStore & { readonly id: string };

/** Longer than any download can take. */
const longestDownloadMs = 3_600_000;

/** Whether a file is so old that no running download can have written it. */
export const isOlderThanAnyDownload = (writtenAtMs: number | undefined, nowMs: number): boolean =>
  writtenAtMs !== undefined && nowMs - writtenAtMs > longestDownloadMs;
