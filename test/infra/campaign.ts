import { setTimeout as delay } from 'node:timers/promises';
import { expect, test as sequentialTest } from 'vitest';
import { faultsInStore } from '../support/documents-by-hand.ts';
import type { Watched } from './fleet.ts';
import { judge, judgeReport } from './oracle.ts';
import { type Figures, keepFigures } from './figures.ts';
import { faultsOfAKind, isFull, month, type World } from './world.ts';
import { eventually } from './processes.ts';

/** The short campaigns mostly wait, for locks to expire and servers to come back: side by side they take less long. */
export const test = isFull ? sequentialTest : sequentialTest.concurrent;

/** One more kind of fault that a set-up can have: a part of the long form alone. */
export const furtherTest = (name: string, body: () => Promise<void>): void => {
  if (isFull) test(name, body);
};

/** Something that goes wrong with a server while work is under way. */
export type Fault = {
  readonly begin: () => Promise<unknown>;
  /** Whether it passes by itself: then there is no outage to look into. */
  readonly isMomentary?: boolean;
  /** The server again, or another in its place: done when it takes writes. */
  readonly end: () => Promise<unknown>;
  /** Makes the set-up whole for the next fault. */
  readonly heal?: () => Promise<unknown>;
};

/** One outage of a campaign lasts long enough to be measured in; the others hit work at many moments. */
const longOutageMs = isFull ? 65_000 : 6_000;
const shortOutageMs = isFull ? 2_500 : 1_500;
/** What was at work when the server went comes to its end. */
const settlingMs = 2_000;
const goesOnWithinMs = 30_000;
const linesAMinute = 20;
/** A worker that spins uses 100%. In the short form the outage is too short for a finer look. */
const cpuShare = isFull ? 0.05 : 0.25;

type Outage = { readonly lines: readonly string[]; readonly linesAMinute: number };

/**
 * Lets a fault happen again and again while 2,000 transactions are worked on, and holds the product to what is promised:
 * it goes on by itself, is quiet meanwhile, and has lost and doubled nothing in the end.
 */
export async function campaign(setUp: string, kind: string, world: World, faultAt: (index: number) => Fault) {
  try {
    return await faultAfterFault(setUp, kind, world, faultAt);
  } finally {
    // Of a campaign that failed, too: the next one is not to share the machine with it.
    for (const { child } of world.processes) child.kill('SIGKILL');
  }
}

async function faultAfterFault(setUp: string, kind: string, world: World, faultAt: (index: number) => Fault) {
  const { processes } = world;
  const goesOn: number[] = [];
  const outages: Outage[] = [];
  let cpu: number | null = null;
  try {
    await eventually('the service to be ready', world.isReady);
    await eventually('both workers to have started', () => workersOf(world).every(hasStarted));
    for (let index = 0; index < faultsOfAKind; index += 1) {
      await workUnderWay(world, index);
      const fault = faultAt(index);
      const outage = watchOutage(processes);
      await fault.begin();
      if (!fault.isMomentary) {
        if (index === 0) cpu = await longLook(processes);
        await delay(shortOutageMs);
      }
      await fault.end();
      outages.push(outage());
      goesOn.push(await timeToGoOn(world));
      await fault.heal?.();
    }
    await eventually('all work done', async () => (await world.open()) === 0);
    await eventually('the service to be ready', world.isReady);
  } catch (error) {
    throw new Error(`${String(error)}\n${world.logs()}`, { cause: error });
  }
  const figures: Figures = {
    setUp,
    kind,
    faults: goesOn.length,
    goesOnMs: goesOn,
    ...(await verdictOn(world)),
    linesInAnOutage: Math.max(...outages.map(({ lines }) => lines.length)),
    linesAMinute: outages[0]?.linesAMinute ?? 0,
    cpu,
  };
  await keepFigures(figures);
  expectPromises(figures, outages);
  await expectOrderlyEnds(processes);
  return figures;
}

export const workersOf = ({ processes }: World) => processes.filter(({ name }) => name.startsWith('worker'));
const hasStarted = ({ lines }: Watched): boolean => lines.some(({ text }) => text.includes('workers started'));

/** Each fault has a part of the work of its own, so that there is some left however long faults take. */
async function workUnderWay(world: World, part: number): Promise<void> {
  const before = await world.done();
  await world.enqueue(part);
  await eventually('work under way', async () => (await world.done()) >= before + 10);
}

/** The vendor's faulty answers are no part of a server's outage: work that is under way still meets them. */
const isAboutVendor = (line: string): boolean => /"code":"(vendor|file)_/.test(line);

/** Collects what each process logs from now on. @returns what the loudest of them said. */
function watchOutage(processes: readonly Watched[]) {
  const startedMs = performance.now();
  return () => {
    const lastedMs = performance.now() - startedMs;
    const said = processes.map((one) =>
      one.lines.filter(({ atMs, text }) => atMs >= startedMs && !isAboutVendor(text)).map(({ text }) => text),
    );
    const lines = said.reduce((most, one) => (one.length > most.length ? one : most), []);
    return { lines, linesAMinute: (lines.length * 60_000) / Math.max(lastedMs, 60_000) };
  };
}

/** @returns the largest share of a core that a process used once it had noticed. */
async function longLook(processes: readonly Watched[]): Promise<number> {
  await delay(settlingMs);
  const before = processes.map(({ cpuSeconds }) => cpuSeconds());
  const startedMs = performance.now();
  await delay(longOutageMs);
  const seconds = (performance.now() - startedMs) / 1_000;
  return Math.max(...processes.map(({ cpuSeconds }, place) => (cpuSeconds() - (before[place] ?? 0)) / seconds));
}

async function timeToGoOn(world: World): Promise<number> {
  const startedMs = performance.now();
  const before = await world.done();
  expect(await world.open(), 'work left when the server is back').toBeGreaterThan(0);
  // Far longer than promised, so that a run that breaks the promise says by how much.
  await eventually('work to go on', async () => (await world.done()) > before, 4 * goesOnWithinMs);
  return Math.round(performance.now() - startedMs);
}

async function verdictOn(world: World) {
  const { simulator, environment } = world;
  const books = await judge(simulator, world.ask, month);
  await world.run(['report', month]);
  const report = await judgeReport(simulator, environment.REPORTS_DIR, month);
  return {
    lost: [...books.lost, ...report.lost, ...(await faultsInStore(world.ask, environment.IDSCAN_DATA_DIR))],
    doubled: [...books.doubled, ...report.doubled],
    different: [...books.different, ...report.different],
  };
}

function expectPromises(figures: Figures, outages: readonly Outage[]): void {
  const { lost, doubled, different, goesOnMs } = figures;
  expect({ lost, doubled, different }).toEqual({ lost: [], doubled: [], different: [] });
  expect(Math.max(...goesOnMs), 'ms until work goes on').toBeLessThanOrEqual(goesOnWithinMs);
  for (const outage of outages)
    expect(outage.linesAMinute, `lines of a log a minute\n${outage.lines.join('\n')}`).toBeLessThanOrEqual(
      linesAMinute,
    );
  expect(figures.cpu ?? 0, 'share of a core in an outage').toBeLessThanOrEqual(cpuShare);
}

/** Nobody died on the way, and all end when they are asked to. */
async function expectOrderlyEnds(processes: readonly Watched[]): Promise<void> {
  for (const { name, child } of processes) expect(child.exitCode ?? child.signalCode, `${name} lives`).toBeNull();
  for (const { child } of processes) child.kill('SIGTERM');
  for (const { name, exited } of processes) expect(await exited, `exit code of ${name}`).toBe(0);
}
