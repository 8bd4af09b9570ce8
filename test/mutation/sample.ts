import { createHash } from 'node:crypto';

/** As much of a mutant as tells it from others. */
type Mutant = {
  readonly id: string;
  readonly fileName: string;
  readonly replacement: string;
  readonly location: { readonly start: Point; readonly end: Point };
};
type Point = { readonly line: number; readonly column: number };

const oneIn = Number(process.env['MUTATION_SAMPLE'] ?? '1');

/** The same mutants in every run. */
function isTaken({ fileName, location: { start, end }, replacement }: Mutant): boolean {
  const name = fileName.slice(fileName.lastIndexOf('/src/'));
  const hash = createHash('sha256').update(JSON.stringify([name, start, end, replacement]));
  return hash.digest().readUInt32BE() % oneIn === 0;
}

/** `MUTATION_SAMPLE=12` tries a twelfth. Stryker does not count what it is told does not compile. */
export const strykerPlugins = [
  {
    kind: 'Checker',
    name: 'sample',
    factory: () => ({
      init: () => Promise.resolve(),
      group: (mutants: readonly Mutant[]) => Promise.resolve([mutants.map(({ id }) => id)]),
      check: (mutants: readonly Mutant[]) =>
        Promise.resolve(
          Object.fromEntries(
            mutants.map((mutant) => [
              mutant.id,
              isTaken(mutant) ? { status: 'passed' } : { status: 'compileError', reason: 'not in the sample' },
            ]),
          ),
        ),
    }),
  },
];
