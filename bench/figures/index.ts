import { enqueue } from './enqueue.ts';
import { explaining } from './explain.ts';
import type { Figure } from './figure.ts';
import { latency } from './latency.ts';
import { reconcile } from './reconcile.ts';
import { report } from './report.ts';
import { results, resultsWithFiles } from './results.ts';
import { stalls } from './stalls.ts';
import { rest, stored, sweep } from './stored.ts';

/** All figures, in the order in which they are measured. */
export const figures: readonly Figure[] = [
  results,
  resultsWithFiles,
  stalls,
  latency,
  enqueue,
  report,
  reconcile,
  explaining,
  stored,
  sweep,
  rest,
];
