import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** The quick files first: the first failure ends a mutant's run. */
export class QuickFirst extends BaseSequencer {
  override sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const durations = new Map(
      files.map((file) => [file, this.ctx.cache.getTestSpecificationResult(file)?.duration ?? 0]),
    );
    return Promise.resolve(files.toSorted((a, b) => (durations.get(a) ?? 0) - (durations.get(b) ?? 0)));
  }
}
