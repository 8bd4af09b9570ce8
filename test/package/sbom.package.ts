import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { z } from 'zod';
import packageFile from '../../package.json' with { type: 'json' };
import { createTestFolder } from '../support/books.ts';
import { textOf } from '../ops/support.ts';

const component = z.looseObject({
  'bom-ref': z.string(),
  type: z.literal('library'),
  name: z.string(),
  version: z.string().regex(/^\d+\.\d+\.\d+/),
  purl: z.string().startsWith('pkg:npm/'),
});
const bom = z.looseObject({
  bomFormat: z.literal('CycloneDX'),
  specVersion: z.string().regex(/^1\.[5-9]$/),
  metadata: z.looseObject({ component: z.looseObject({ type: z.literal('application'), version: z.string() }) }),
  components: z.array(component),
  dependencies: z.array(z.looseObject({ ref: z.string(), dependsOn: z.array(z.string()).optional() })),
});

test(
  '`npm run sbom` lists every package that `npm ci --omit=dev` installs, and no other',
  { timeout: 120_000 },
  async () => {
    const checkout = path.join(import.meta.dirname, '../..');
    const file = path.join(await createTestFolder(), 'sbom.json');
    await promisify(execFile)('npm', ['run', '--silent', 'sbom', '--', file], { cwd: checkout });
    const { metadata, components, dependencies } = bom.parse(JSON.parse(await readFile(file, 'utf8')));
    expect(metadata.component).toMatchObject({ name: packageFile.name, version: packageFile.version });
    const listed = new Map(components.map(({ name, version }) => [name, version]));
    const runs = { ...packageFile.dependencies, ...packageFile.optionalDependencies };
    for (const [name, version] of Object.entries(runs)) expect(listed.get(name), name).toBe(version);
    const lock = z
      .object({ packages: z.record(z.string(), z.looseObject({ dev: z.boolean().optional() })) })
      .parse(JSON.parse(await textOf('package-lock.json')));
    const installed = Object.entries(lock.packages).filter(([at, { dev }]) => at !== '' && dev !== true);
    expect([...listed.keys()].sort()).toEqual(
      [...new Set(installed.map(([at]) => at.split('node_modules/').at(-1)!))].sort(),
    );
    for (const name of ['vitest', 'oxlint', 'oxfmt']) expect(listed.has(name), name).toBe(false);
    const refs = new Set([...components.map((one) => one['bom-ref']), `${packageFile.name}@${packageFile.version}`]);
    expect(new Set(dependencies.map(({ ref }) => ref))).toEqual(refs);
    for (const { dependsOn = [] } of dependencies) for (const ref of dependsOn) expect([...refs]).toContain(ref);
    expect((await textOf('.gitignore')).split('\n')).toContain('sbom.cdx.json');
  },
);
