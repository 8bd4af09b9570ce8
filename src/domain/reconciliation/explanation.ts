import type { Micros } from '../money.ts';
import type { Cause, Certainty } from './causes.ts';
import type { CubeRow, UnmatchedKind } from './cube.ts';

/** One part of an explanation: a cause, and everything that it may have been, since all of it has the same effect. */
export type Part = {
  readonly cause: Cause;
  /** Names what the cause is about. Several readings of it are joined by ` or `. */
  readonly subject: string;
  /** The hypotheses behind it, by their keys, each reading by itself. */
  readonly readings: readonly (readonly string[])[];
};

/** Parts that together reproduce the invoice, in the order in which causes are applied. */
export type Candidate = readonly Part[];

/** What is billed of a task type and level at a price, when some parts of an explanation have been applied. */
export type StateLine = {
  readonly taskType: string;
  readonly level: string | null;
  readonly unitPrice: Micros | null;
  readonly quantity: bigint;
};

/** A part of the likeliest explanation, and how the books stand once it and those before it are applied. */
export type Step = {
  readonly part: Part;
  /** `none`: attempts that nothing accounts for, so that they are no part of what another cause adds. */
  readonly certainty: Certainty;
  /** Where it is ambiguous: all that it may be. */
  readonly among: readonly Candidate[];
  readonly lines: readonly StateLine[];
  readonly minimum: Micros;
};

/** Attempts, or rows of a usage statement, that a part of an explanation is about. */
export type Evidence = {
  /** `undefined` = nothing accounts for them. */
  readonly part: Part | undefined;
  readonly taskType: string;
  readonly level: string | null;
  readonly of: EvidenceOf;
  /** How many there are. */
  readonly count: number;
  /** What each of them costs by the books, where that does not depend on how many there are. */
  readonly unitPrice?: Micros | null;
};

/**
 * - `all`, `charged`, `not_charged`, `charged_again`: the attempts of a row of the cube, or those that the usage statement
 *   charges, does not charge, or charges more than once. `other_level`: those that it charges, at another level.
 * - `unmatched`: rows of the usage statement that charge no attempt of the books.
 */
type EvidenceOf =
  | { readonly attempts: 'all' | 'charged' | 'not_charged' | 'charged_again' | 'other_level'; readonly row: CubeRow }
  | { readonly attempts: 'unmatched'; readonly kind: UnmatchedKind; readonly slot: number };

/** How far the candidates account for what the invoice says of a task type and level, and what is plain to see. */
export type CellNote = {
  readonly taskType: string;
  readonly level: string | null;
  /** `units`: the invoice has another price, which nothing accounts for. `nothing`: it has no line of it. */
  readonly accountedFor: 'all' | 'units' | 'nothing';
  /** What a unit costs depends on how many there are, so that another price may be the effect of another quantity. */
  readonly isCounted: boolean;
};

/** What was found out about the differences between the books and an invoice. */
export type Explanation = {
  /**
   * - `same`: there is nothing to explain.
   * - `reproduced`: the candidates reproduce the invoice.
   * - `unexplained`: nothing that was looked through does.
   * - `books_differ`: the cube does not give the books' own lines, so that nothing can be learnt from it.
   */
  readonly outcome: 'same' | 'reproduced' | 'unexplained' | 'books_differ';
  /** Everything that reproduces the invoice, likeliest first. */
  readonly candidates: readonly Candidate[];
  /** Of the first candidate. */
  readonly steps: readonly Step[];
  readonly evidence: readonly Evidence[];
  /** Of each task type and level that the month has attempts of. */
  readonly cells: readonly CellNote[];
  /** How many sets of hypotheses were looked through, and whether there were more than that may be. */
  readonly setsTried: number;
  readonly isBounded: boolean;
  /** Keys of hypotheses that held last month and were preferred for it, and of those that the counters rule out. */
  readonly held: readonly string[];
  readonly ruledOut: readonly string[];
};
