import type { AppliedStep } from './candidates.ts';
import type { Cube } from './cube.ts';
import { isWithin } from './cutoffs.ts';
import { billedUnder } from './decisions.ts';
import type { Evidence } from './explanation.ts';
import { type HypothesisSet, nothing, type Space } from './space.ts';

/**
 * The attempts that each step adds or takes away, as far as the invoice alone can tell, and those of the lines that it
 * leaves out.
 *
 * @param leftOut places of cells that the invoice has no lines of.
 */
export function inferredEvidence(
  cube: Cube,
  space: Space,
  steps: readonly AppliedStep[],
  leftOut: ReadonlySet<number>,
): Evidence[] {
  const { cells, classes, classOfRow } = space.tally;
  const states = [nothing, ...steps.map(({ applied }) => applied)].map((set) => billedRows(cube, space, set));
  return cube.rows.flatMap((row, index): Evidence[] => {
    const place = classes[classOfRow[index] ?? 0]?.cell ?? 0;
    const { taskType, level } = cells[place] ?? row;
    const common = { taskType, level, of: { attempts: 'all', row }, count: row.count } as const;
    if (leftOut.has(place)) return states[0]?.[index] === true ? [{ ...common, part: undefined }] : [];
    return steps.flatMap(({ step }, number) =>
      states[number]?.[index] === states[number + 1]?.[index] ? [] : [{ ...common, part: step.part }],
    );
  });
}

/** Per row of the cube, whether its attempts are billed in the month. */
function billedRows({ rows }: Cube, { tally, cutOffs, decisions }: Space, set: HypothesisSet): boolean[] {
  const billed = billedUnder(decisions, set.decisions);
  const span = cutOffs[set.cutOff]?.span;
  return rows.map(
    (row, index) => span !== undefined && isWithin(row, span) && billed[tally.classOfRow[index] ?? 0] === 1,
  );
}
