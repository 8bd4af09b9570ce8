import type { GoneDecision } from '../../db/gone-decisions.ts';
import type { WithdrawnFile } from '../../db/vendor-file-withdrawals.ts';

/** Whether a decision was about a finding that the last run before a withdrawal had, and none has since. */
export const isGoneWith = ({ runBefore }: WithdrawnFile, { run }: GoneDecision): boolean => runBefore === run;

/**
 * The withdrawn files that still matter: those withdrawn since the last run, and those that a decision went with.
 *
 * @param runs how many runs there may have been since. 1 = also what the last run was the first without.
 */
export const mattering = (
  files: readonly WithdrawnFile[],
  gone: readonly GoneDecision[],
  runs: 0 | 1,
): readonly WithdrawnFile[] =>
  files.filter((file) => file.runsSince <= runs || gone.some((decision) => isGoneWith(file, decision)));

/** Which files were taken back, by whom and why: those that still matter. */
export const withdrawnTexts = (files: readonly WithdrawnFile[], gone: readonly GoneDecision[]): string[] =>
  mattering(files, gone, 0).map(
    ({ name, withdrawnAt, withdrawnBy, reason }) =>
      `${name} was withdrawn on ${withdrawnAt.toISOString().slice(0, 10)} by ${withdrawnBy}: ${reason}`,
  );
