import { writeFileSync } from 'node:fs';

/** A stretch of time, and the longest that its event loop needed to come round: by the clock, and of the processor. */
export type Stretch = { readonly endedAtMs: number; readonly longestMs: number; readonly longestCpuMs: number };

/**
 * Loaded into a worker by `--import`: writes at its end, into the file that the variable names, how long its event loop
 * stood still. A timer runs each time it comes round. What the thread computed meanwhile does not grow with what else
 * the machine does.
 */
const stretchMs = 100;
const tickMs = 1;
const stretches: Stretch[] = [];
const cpuMs = (): number => {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1_000;
};
let last = { atMs: performance.now(), cpuMs: cpuMs() };
let longest = { longestMs: 0, longestCpuMs: 0 };
let begunMs = last.atMs;
setInterval(() => {
  const now = { atMs: performance.now(), cpuMs: cpuMs() };
  longest = {
    longestMs: Math.max(longest.longestMs, now.atMs - last.atMs - tickMs),
    longestCpuMs: Math.max(longest.longestCpuMs, now.cpuMs - last.cpuMs),
  };
  last = now;
  if (now.atMs - begunMs < stretchMs) return;
  stretches.push({ endedAtMs: Date.now(), ...longest });
  longest = { longestMs: 0, longestCpuMs: 0 };
  begunMs = now.atMs;
}, tickMs).unref();
process.once('exit', () => writeFileSync(process.env['BENCH_STALLS'] ?? '', JSON.stringify(stretches)));
