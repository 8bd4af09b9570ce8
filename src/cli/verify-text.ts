import { type Problem, problemText } from '../reports/verify/problems.ts';

const mostShown = 20;

type Found = {
  readonly problems: readonly Problem[];
  readonly problemCount: number;
  readonly notes: readonly string[];
};

/** The first problems, the number of others, and the notes. */
export function problemLines({ problems, problemCount, notes }: Found): string[] {
  const shown = problems.slice(0, mostShown).map(problemText);
  const more = problemCount - shown.length;
  return [...shown, ...(more > 0 ? [`… and ${more} more`] : []), ...notes.map((note) => `Note: ${note}`)];
}
