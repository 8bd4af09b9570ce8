import { parseArgs } from 'node:util';

export type BenchArguments = {
  readonly pairs: number;
  readonly scale: number;
  /** Empty = all. */
  readonly only: readonly string[];
  readonly compare: string | undefined;
  readonly profile: boolean;
  readonly output: string | undefined;
  readonly databaseUrl: string | undefined;
  readonly redisUrl: string | undefined;
};

/** Reads the command line. @returns `null` if help was requested. @throws Error for unknown arguments. */
export function parseBenchArguments(argv: readonly string[], known: readonly string[]): BenchArguments | null {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      pairs: { type: 'string', default: '5' },
      scale: { type: 'string', default: '1' },
      only: { type: 'string', multiple: true, default: [] },
      compare: { type: 'string' },
      profile: { type: 'boolean', default: false },
      output: { type: 'string' },
      'database-url': { type: 'string' },
      'redis-url': { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return null;
  const only = values.only.flatMap((names) => names.split(','));
  for (const name of only)
    if (!known.includes(name)) throw new Error(`There is no figure ${name}; there are ${known.join(', ')}.`);
  return {
    pairs: positive('--pairs', values.pairs),
    scale: positive('--scale', values.scale),
    only,
    compare: values.compare,
    profile: values.profile,
    output: values.output,
    databaseUrl: values['database-url'],
    redisUrl: values['redis-url'],
  };
}

function positive(name: string, text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new Error(`${name} takes a number above 0.`);
  return value;
}

export const usage = (figures: readonly { name: string; describe: (scale: number) => string }[]): string => `
npm run bench -- [--only a,b] [--pairs 5] [--scale 1] [--compare <other checkout>] [--profile] [--output file.json]
                 [--database-url …] [--redis-url …]     without them embedded servers are started

${figures.map(({ name, describe }) => `  ${name.padEnd(20)} ${describe(1)}`).join('\n')}
`;
