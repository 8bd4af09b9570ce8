import type { FaultPlan } from './faults.ts';
import { monthBounds } from './month.ts';
import { intBetween, randomStream, seedWords, uuid } from './random.ts';
import type { Seed, SeedWords } from './random.ts';

/**
 * How a transaction was left without a result ID.
 * - `no_attempt`: never begun. `processing`: its last attempt never left that code. `scan_failed`: no attempt succeeded.
 * - `face_not_started`: the document scan is completed, no face task was executed.
 * - `match_pending`: face liveness was executed and completed, face match was not executed.
 * - `face_failed`: face liveness was executed and its state is `failed`. That name is not documented, so this kind
 *   only occurs where it is asked for.
 */
export type IncompleteKind =
  'no_attempt' | 'processing' | 'scan_failed' | 'face_not_started' | 'match_pending' | 'face_failed';

const usualIncompleteKinds: readonly IncompleteKind[] = [
  'scan_failed',
  'face_not_started',
  'match_pending',
  'processing',
  'no_attempt',
];

/** What the vendor's world looks like. All shares are from 0 to 1. */
export type WorldOptions = {
  readonly seed: Seed;
  /** `YYYY-MM`, a month of `timeZone`. */
  readonly month: string;
  readonly timeZone?: string;
  readonly transactions: number;
  /** Share of transactions that never get a result ID. 0.2 unless told. */
  readonly abandonedShare?: number;
  readonly incompleteKinds?: readonly IncompleteKind[];
  /** Share of transactions (of those with an attempt) of which the first attempt has an undocumented code. */
  readonly unknownCodeShare?: number;
  /** Share of transactions (of those with an attempt) whose `attemptsInvoiced` is one off the vendor's own books. */
  readonly counterMismatchShare?: number;
  /** Share of transactions whose details have no `attemptsInvoiced`. */
  readonly counterMissingShare?: number;
  /** Share of transactions answered in the older shape. 0.1 unless told. */
  readonly olderShapeShare?: number;
  /** Share of completed transactions without `documentScans`, among those that lie in one month entirely. */
  readonly listMissingShare?: number;
  /** Entries of `files` in every result; otherwise as many as the document has. */
  readonly filesPerResult?: number;
  /** Exact size of every file; otherwise 2 to 6 KiB. */
  readonly fileBytes?: number;
  /** Share of result files with `"url":null`. 0.04 unless told. */
  readonly nullUrlShare?: number;
  /** Share of listed files whose download answers 404 or 410. */
  readonly filesGoneShare?: number;
  /** Share of completed transactions without an audit report (404). 0.05 unless told. */
  readonly auditReportMissingShare?: number;
  /**
   * `false`: every transaction is answered in its last state, and `now` decides about `expires` alone.
   * `true`: answers show what had happened until `now`, so that a test can move its clock through a month.
   */
  readonly unfolding?: boolean;
};

/** The world and the server around it. */
export type SimulatorOptions = WorldOptions & {
  readonly faults?: FaultPlan | null;
  readonly latencyMs?: number;
  /** A free one unless told. */
  readonly port?: number;
  readonly now?: () => Date;
  readonly keyId?: string;
  readonly secret?: string;
  /** The longest life (`exp - iat`) of a token that is accepted. 3600 unless told. */
  readonly maxTokenLifeSeconds?: number;
  /** How many of the latest requests `requests.list` keeps. 100 000 unless told. */
  readonly maxLoggedRequests?: number;
};

type Optional = 'filesPerResult' | 'fileBytes';

/** {@link WorldOptions} with every default filled in, and what follows from them. */
export type World = Omit<Required<WorldOptions>, 'seed' | Optional> &
  Pick<WorldOptions, Optional> & { readonly words: SeedWords; readonly fromMs: number; readonly toMs: number };

/** Checks the options and fills in the defaults. Throws a `RangeError` that names the first mistake. */
export function resolveWorld(options: WorldOptions): World {
  checkWhole('transactions', options.transactions, 0, 10_000_000);
  if (options.filesPerResult !== undefined) checkWhole('filesPerResult', options.filesPerResult, 0, 128);
  if (options.fileBytes !== undefined) checkWhole('fileBytes', options.fileBytes, 128, 1 << 28);
  for (const [name, value] of Object.entries(options)) {
    if (name.endsWith('Share') && !(typeof value === 'number' && value >= 0 && value <= 1))
      throw new RangeError(`${name} is a share from 0 to 1.`);
  }
  if (options.incompleteKinds?.length === 0) throw new RangeError('incompleteKinds names at least one kind.');
  const timeZone = options.timeZone ?? 'UTC';
  return {
    abandonedShare: 0.2,
    incompleteKinds: usualIncompleteKinds,
    unknownCodeShare: 0,
    counterMismatchShare: 0,
    counterMissingShare: 0,
    olderShapeShare: 0.1,
    listMissingShare: 0,
    nullUrlShare: 0.04,
    filesGoneShare: 0,
    auditReportMissingShare: 0.05,
    unfolding: false,
    ...options,
    timeZone,
    words: seedWords(options.seed),
    ...monthBounds(options.month, timeZone),
  };
}

/** The credentials that belong to a seed, for whoever names none. */
export function seededCredentials(words: SeedWords): { keyId: string; secret: string } {
  const random = randomStream(words, -1, 0);
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
  const keyId = uuid(random);
  const secret = Array.from({ length: 54 }, () => alphabet.charAt(intBetween(random, 0, alphabet.length - 1)));
  return { keyId, secret: secret.join('') };
}

function checkWhole(name: string, value: number, min: number, max: number): void {
  if (!Number.isInteger(value) || value < min || value > max)
    throw new RangeError(`${name} is a whole number from ${min} to ${max}.`);
}
