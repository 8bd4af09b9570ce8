import { mkdir, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { type BenchArguments, parseBenchArguments, usage } from './arguments.ts';
import { type Bench, type Figure, isHeld, type Result, valueOf } from './figures/figure.ts';
import { figures } from './figures/index.ts';
import { inTurn } from './measure.ts';
import { fillBooks } from './fill.ts';
import { type Sandbox, type Servers, startServers } from './servers.ts';
import { tableOf } from './table.ts';

const checkout = path.join(import.meta.dirname, '..');
const resultsDir = path.join(import.meta.dirname, 'results');
const remark = (line: string): void => void process.stderr.write(`${line}\n`);

/** `npm run bench -- …` */
async function main(argv: readonly string[]): Promise<void> {
  const args = parseBenchArguments(
    argv,
    figures.map(({ name }) => name),
  );
  if (args === null) return void process.stdout.write(usage(figures));
  const profileDir = args.profile ? path.join(resultsDir, 'profiles') : undefined;
  if (profileDir !== undefined) await mkdir(profileDir, { recursive: true });
  const servers = await startServers({ databaseUrl: args.databaseUrl, redisUrl: args.redisUrl }, remark);
  const results: Result[] = [];
  const filled = new Map<number, Promise<Sandbox>>();
  try {
    const bench: Bench = {
      servers,
      scale: args.scale,
      profileDir,
      remark,
      checkouts: args.compare === undefined ? [checkout] : [checkout, path.resolve(args.compare)],
      filled: (attempts) => {
        const known = filled.get(attempts) ?? fill(servers, attempts);
        filled.set(attempts, known);
        return known;
      },
    };
    for (const figure of figures.filter(({ name }) => args.only.length === 0 || args.only.includes(name))) {
      const result = await measure(figure, bench, args.pairs);
      results.push(result);
      process.stdout.write(tableOf(result));
    }
  } finally {
    for (const books of filled.values()) await books.then(({ drop }) => drop()).catch(() => undefined);
    await servers.stop();
  }
  remark(`\nWritten: ${path.relative(process.cwd(), await keep(args, results))}`);
}

async function fill(servers: Servers, attempts: number): Promise<Sandbox> {
  remark(`  filling books with ${attempts} attempts`);
  const sandbox = await servers.sandbox(checkout);
  await fillBooks(sandbox, { attempts, months: 1 });
  return sandbox;
}

async function measure(figure: Figure, bench: Bench, pairs: number): Promise<Result> {
  const description = figure.describe(bench.scale);
  remark(`\n${figure.name}: ${description}`);
  const { contenders, lines, end } = await figure.prepare(bench);
  try {
    const watched = contenders.map((contender) => ({
      ...contender,
      run: async () => {
        const measured = await contender.run();
        remark(`  ${contender.name}: ${measured.value.toPrecision(4)} ${figure.unit}`);
        return measured;
      },
    }));
    const series = await inTurn(watched, pairs);
    return {
      name: figure.name,
      unit: figure.unit,
      description,
      series,
      lines: lines.map((line) => {
        const value = valueOf(line, series);
        return { what: line.what, value, goal: line.goal ?? null, isHeld: isHeld(line.goal, value) };
      }),
    };
  } finally {
    await end();
  }
}

/** Writes all measurements to a file, for later comparison. */
async function keep(args: BenchArguments, results: readonly Result[]): Promise<string> {
  await mkdir(resultsDir, { recursive: true });
  const file = args.output ?? path.join(resultsDir, `${new Date().toISOString().replaceAll(':', '-')}.json`);
  const machine = { cpus: os.cpus().map(({ model }) => model), memoryBytes: os.totalmem(), node: process.version };
  const { pairs, scale } = args;
  await writeFile(
    file,
    `${JSON.stringify({ machine, pairs, scale, compared: args.compare ?? null, results }, null, 2)}\n`,
  );
  return file;
}

await main(process.argv.slice(2));
