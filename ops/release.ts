import path from 'node:path';
import { parseArgs } from 'node:util';
import { Refused } from './release/refused.ts';
import { release } from './release/release.ts';

const usage = `Usage: npm run release -- <version> [--dry-run] [--check <command>]

--dry-run   says what would be done, and changes nothing
--check     what has to succeed before the commit; npm run check:all without it`;

/** @returns the exit code: 0 done, 1 failed, 2 usage, 3 refused. */
function main(args: readonly string[]): number {
  const say = (line: string): void => void process.stdout.write(`${line}\n`);
  const given = argumentsOf(args);
  if (!given) {
    say(usage);
    return 2;
  }
  try {
    release({
      ...given,
      root: path.resolve(import.meta.dirname, '..'),
      date: new Date().toISOString().slice(0, 10),
      say,
    });
    return 0;
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    return error instanceof Refused ? 3 : 1;
  }
}

function argumentsOf(args: readonly string[]): { version: string; isDryRun: boolean; check: string } | undefined {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        'dry-run': { type: 'boolean', default: false },
        check: { type: 'string', default: 'npm run check:all' },
      },
    });
    const [version, ...more] = positionals;
    if (version === undefined || more.length > 0) return undefined;
    // npm keeps a --dry-run for itself that does not stand behind its `--`.
    const isDryRun = values['dry-run'] || process.env['npm_config_dry_run'] === 'true';
    return { version, isDryRun, check: values.check };
  } catch {
    return undefined;
  }
}

process.exitCode = main(process.argv.slice(2));
