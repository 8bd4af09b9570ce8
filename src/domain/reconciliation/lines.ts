import type { Micros } from '../money.ts';

/** What is billed of a task type and level at a price. */
export type UsageLine = {
  readonly taskType: string;
  readonly level: string | null;
  /** `null` = no price is known; it then counts as nothing. */
  readonly unitPrice: Micros | null;
  readonly quantity: bigint;
  /** Rounded to the minor unit; `null` = no price is known. */
  readonly amount: Micros | null;
};

/** What the books say that a month costs, on either basis. */
export type Books = {
  readonly period: string;
  readonly currency: string;
  readonly minorDigits: number;
  /** The summary's lines of invoiced attempts, each task type, level and price once. */
  readonly lines: readonly UsageLine[];
  /** What tops the month up to its minimum; 0 = nothing. */
  readonly minimum: Micros;
};
