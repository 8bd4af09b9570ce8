import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

type Locked = { readonly os?: unknown; readonly cpu?: unknown; readonly bin?: Readonly<Record<string, string>> };

test('no two packages of which one is not for this platform have a program of one name', () => {
  const { packages } = JSON.parse(readFileSync(new URL('../../package-lock.json', import.meta.url), 'utf8')) as {
    packages: Record<string, Locked>;
  };
  // The npm of Debian 12 removes the programs of packages that are for other platforms, whoever has put them there.
  const names = Object.entries(packages).flatMap(([name, { os, cpu, bin }]) =>
    /^node_modules\/[^/]+(\/[^/]+)?$/.test(name)
      ? Object.keys(bin ?? {}).map((program) => ({ program, isFor: os ?? cpu }))
      : [],
  );
  const shared = Map.groupBy(names, ({ program }) => program);
  const taken = [...shared].filter(([, all]) => all.length > 1 && all.some(({ isFor }) => isFor !== undefined));
  expect(taken.map(([program]) => program)).toEqual([]);
});
