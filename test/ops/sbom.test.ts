import { execFile } from 'node:child_process';
import { readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { z } from 'zod';
import packageFile from '../../package.json' with { type: 'json' };
import { textOf } from './support.ts';

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
  '`npm run sbom` lists every package that runs, and none of those for development',
  { timeout: 120_000 },
  async () => {
    const checkout = path.join(import.meta.dirname, '../..');
    const file = path.join(checkout, 'sbom.cdx.json');
    try {
      await promisify(execFile)('npm', ['run', '--silent', 'sbom'], { cwd: checkout });
      const { metadata, components, dependencies } = bom.parse(JSON.parse(await readFile(file, 'utf8')));
      expect(metadata.component.version).toBe(packageFile.version);
      const listed = new Map(components.map(({ name, version }) => [name, version]));
      for (const [name, version] of Object.entries(packageFile.dependencies))
        expect(listed.get(name), name).toBe(version);
      for (const name of Object.keys(packageFile.devDependencies)) expect(listed.has(name), name).toBe(false);
      const refs = new Set(components.map((one) => one['bom-ref']));
      for (const { dependsOn = [] } of dependencies) for (const ref of dependsOn) expect([...refs]).toContain(ref);
    } finally {
      await rm(file, { force: true });
    }
    expect((await textOf('.gitignore')).split('\n')).toContain('sbom.cdx.json');
  },
);
