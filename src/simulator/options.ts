import type { FaultPlan } from './faults.ts';
import { monthBounds } from './month.ts';
import { intBetween, randomStream, seedWords, uuid } from './random.ts';
import type { Seed, SeedWords } from './random.ts';

/**
 * How a transaction was abandoned without a result ID:
 * - `no_attempt`: it was never begun.
 * - `processing`: its last attempt stays in that code.
 * - `scan_failed`: no attempt succeeded.
 * - `face_not_started`: the document scan is completed, but no face task was executed.
 * - `match_pending`: face liveness was executed and completed, but face match was not executed.
 * - `face_failed`: face liveness was executed and its state is `failed`. That name is not documented, so this kind only
 *   occurs if it is asked for.
 */
export type IncompleteKind =
  | 'no_attempt'
  | 'processing'
  | 'scan_failed'
  | 'face_not_started'
  | 'match_pending'
  | 'face_failed';

const usualIncompleteKinds: readonly IncompleteKind[] = [
  'scan_failed',
  'face_not_started',
  'match_pending',
  'processing',
  'no_attempt',
];

/** The properties of the vendor's world. All shares are from 0 to 1. */
export type WorldOptions = {
  readonly seed: Seed;
  /** `YYYY-MM`, a month in `timeZone`. */
  readonly month: string;
  readonly timeZone?: string;
  readonly transactions: number;
  /** Share of transactions that never get a result ID. Default: 0.2. */
  readonly abandonedShare?: number;
  readonly incompleteKinds?: readonly IncompleteKind[];
  /** Share of transactions with an attempt whose first attempt has an undocumented code. */
  readonly unknownCodeShare?: number;
  /** Share of transactions with an attempt whose `attemptsInvoiced` is one off the vendor's own books. */
  readonly counterMismatchShare?: number;
  /** Share of transactions whose details have no `attemptsInvoiced`. */
  readonly counterMissingShare?: number;
  /** Share of transactions that are answered in the older shape. Default: 0.1. */
  readonly olderShapeShare?: number;
  /** Share of completed transactions without `documentScans`, among those entirely within one month. */
  readonly listMissingShare?: number;
  /** Number of `files` in every result. Default: as the document has. */
  readonly filesPerResult?: number;
  /** Exact size of every file. Default: 2 to 6 KiB. */
  readonly fileBytes?: number;
  /** Share of result files with `"url":null`. Default: 0.04. */
  readonly nullUrlShare?: number;
  /** Share of listed files whose download answers 404 or 410. */
  readonly filesGoneShare?: number;
  /** Share of completed transactions without an audit report (404). Default: 0.05. */
  readonly auditReportMissingShare?: number;
  /**
   * `false`: answers show every transaction in its last state, and `now` only decides whether it has expired. `true`:
   * answers show what has happened until `now`, so that a test can move its clock through a month.
   */
  readonly unfolding?: boolean;
};

/** The options of the world and of its server. */
export type SimulatorOptions = WorldOptions & {
  readonly faults?: FaultPlan | null;
  readonly latencyMs?: number;
  /** Default: a free port. */
  readonly port?: number;
  readonly now?: () => Date;
  readonly keyId?: string;
  readonly secret?: string;
  /** The longest accepted token life (`exp - iat`). Default: 3600. */
  readonly maxTokenLifeSeconds?: number;
  /** The text of a price list in the form of `examples/prices.json`. Without one, no bills are served. */
  readonly priceList?: string | null;
  /**
   * Whether transactions that are created are played by hand, at their addresses, instead of being those of the world.
   * Whoever opens such an address does the tasks with buttons and sees what that costs.
   */
  readonly byHand?: boolean;
  /** How many of the latest requests `requests.list` keeps. Default: 100 000. */
  readonly maxLoggedRequests?: number;
};

type Optional = 'filesPerResult' | 'fileBytes';

/** {@link WorldOptions} with all defaults, and what follows from them. */
export type World = Omit<Required<WorldOptions>, 'seed' | Optional> &
  Pick<WorldOptions, Optional> & { readonly words: SeedWords; readonly fromMs: number; readonly toMs: number };

/** Checks the options and adds the defaults. Throws a `RangeError` that names the first mistake. */
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

/** The credentials derived from a seed, used if the options contain none. */
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
