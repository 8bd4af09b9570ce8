import fc, { type IAsyncProperty, type IProperty, type Parameters } from 'fast-check';

const most = 100;

/** Properties with few examples, always the same ones; which failing example is the smallest nobody asks a mutant. */
function assert<Ts>(property: IAsyncProperty<Ts> | IProperty<Ts>, parameters: Parameters<Ts> = {}): unknown {
  const numRuns = Math.min(parameters.numRuns ?? most, most);
  return fc.assert(property as IAsyncProperty<Ts>, { seed: 1, ...parameters, numRuns, endOnFailure: true });
}

export default { ...fc, assert };
