import { startVendor } from '../vendor/start.ts';
import { comparison, type Figure, productName } from './figure.ts';
import { runWorkers } from './results.ts';

/** Per process, so that all have the same time to warm up and to run after that. */
const countEach = 2_000;
const latencyMs = 50;
/**
 * Concurrent jobs in each process. With 3, four processes on a machine of two cores wait for the vendor; with 5, also
 * for each other.
 */
const loads = [3, 5] as const;

/** Several worker processes with a slow vendor: does the work scale with them? */
export const latency: Figure = {
  name: 'latency',
  unit: 'results/s',
  describe: (scale) =>
    `${Math.round(countEach * scale)} results for each process, of a vendor that takes ${latencyMs} ms an answer; ${loads.join(' or ')} at once in each process`,
  prepare: async (bench) => {
    const vendor = await startVendor({ files: 0, fileBytes: 0, latencyMs });
    const each = Math.max(20, Math.round(countEach * bench.scale));
    const [own] = bench.checkouts;
    const run = (checkout: string, processes: number, atOnce: number) =>
      runWorkers(bench, checkout, {
        vendor,
        results: each * processes,
        withFiles: false,
        processes,
        environment: { WORKER_CONCURRENCY: String(atOnce) },
      });
    if (bench.checkouts.length > 1)
      return {
        contenders: bench.checkouts.map((checkout) => ({
          name: productName(bench, checkout),
          run: () => run(checkout, 2, loads[0]),
        })),
        lines: comparison(bench, 'results/s of two processes'),
        end: vendor.stop,
      };
    const name = (processes: number, atOnce: number) => `${processes} of ${atOnce} at once`;
    return {
      contenders: loads.flatMap((atOnce) =>
        [1, 2, 4].map((processes) => ({ name: name(processes, atOnce), run: () => run(own, processes, atOnce) })),
      ),
      lines: loads.flatMap((atOnce) =>
        [
          { processes: 2, goal: { atLeast: 1.9 } },
          { processes: 4, goal: { atLeast: 3.6 } },
        ].map(({ processes, goal }) => ({
          what: `${processes} processes ÷ 1, ${atOnce} at once in each`,
          of: name(processes, atOnce),
          over: name(1, atOnce),
          goal,
        })),
      ),
      end: vendor.stop,
    };
  },
};
