import { appendFile, mkdtemp, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { inject } from 'vitest';
import type { TestProject } from 'vitest/node';
import { debianPrograms } from './debian.ts';

/** What one campaign showed. */
export type Figures = {
  readonly setUp: string;
  readonly kind: string;
  readonly faults: number;
  /** From the server's return until the next obligation was done, for each fault. */
  readonly goesOnMs: readonly number[];
  readonly lost: readonly string[];
  readonly doubled: readonly string[];
  readonly different: readonly string[];
  /** Of the process that logged most. */
  readonly linesInAnOutage: number;
  readonly linesAMinute: number;
  /** The largest share of a core that a process used in the long outage. */
  readonly cpu: number | null;
};

declare module 'vitest' {
  // oxlint-disable-next-line typescript/consistent-type-definitions -- merged with the runner's own interface
  export interface ProvidedContext {
    figuresFile: string;
  }
}

export async function keepFigures(figures: Figures): Promise<void> {
  await appendFile(inject('figuresFile'), `${JSON.stringify(figures)}\n`);
}

/** Fetches the servers before anything is tried, and shows what was measured after everything. */
export default async function setUp(project: TestProject): Promise<() => Promise<void>> {
  const say = (line: string) => void process.stderr.write(`infra: ${line}\n`);
  await debianPrograms(say);
  const folder = await mkdtemp(path.join(os.tmpdir(), 'idscan-ledger-infra-figures-'));
  const file = path.join(folder, 'figures');
  project.provide('figuresFile', file);
  return async () => {
    const text = await readFile(file, 'utf8').catch(() => '');
    const all = text.split('\n').filter((line) => line !== '');
    say('set-up | fault | faults | lost | doubled | different | goes on: median, slowest | lines | CPU');
    for (const line of all.sort()) say(asRow(JSON.parse(line) as Figures));
    await rm(folder, { recursive: true, force: true });
  };
}

function asRow(figures: Figures): string {
  const sorted = [...figures.goesOnMs].sort((a, b) => a - b);
  const [median = 0, slowest = 0] = [sorted[sorted.length >> 1], sorted.at(-1)];
  return [
    figures.setUp,
    figures.kind,
    figures.faults,
    figures.lost.length,
    figures.doubled.length,
    figures.different.length,
    `${(median / 1_000).toFixed(1)} s, ${(slowest / 1_000).toFixed(1)} s`,
    `${figures.linesInAnOutage} in an outage, ${Math.ceil(figures.linesAMinute)} a minute`,
    figures.cpu === null ? 'no outage' : `${(figures.cpu * 100).toFixed(1)}%`,
  ].join(' | ');
}
