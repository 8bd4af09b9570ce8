import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { createTestFolder } from '../support/books.ts';
import { requirePackages } from '../support/needs.ts';

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

test('a checkout from which npm left out a package is told which, and how to install it', async () => {
  const checkout = await createTestFolder();
  cpSync('package-lock.json', path.join(checkout, 'package-lock.json'));
  const { optionalDependencies } = JSON.parse(readFileSync('package.json', 'utf8')) as {
    optionalDependencies: Record<string, string>;
  };
  const add = (name: string) => {
    mkdirSync(path.join(checkout, 'node_modules', name), { recursive: true });
    writeFileSync(path.join(checkout, 'node_modules', name, 'package.json'), '{}');
  };
  for (const name of Object.keys(optionalDependencies)) if (name !== '@bull-board/fastify') add(name);
  expect(() => requirePackages(checkout)).toThrow(/^Tests need @bull-board\/fastify, .* npm ci --ignore-scripts$/);
  add('@bull-board/fastify');
  expect(() => requirePackages(checkout)).not.toThrow();
});
