import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import packageFile from '../package.json' with { type: 'json' };

type Bom = {
  metadata: { component: { 'bom-ref': string; name: string } };
  components: { 'bom-ref': string; name: string }[];
  dependencies: { ref: string; dependsOn?: string[] }[];
};

/**
 * Writes what `npm ci --omit=dev` installs according to the lock file, as CycloneDX. `npm sbom --omit dev` omits
 * packages that a development package needs as well (npm 11.19: @opentelemetry/api). So npm lists everything, and what
 * no runtime package depends on is removed here.
 */
function main(file = 'sbom.cdx.json'): void {
  const root = new URL('..', import.meta.url);
  const args = ['sbom', '--sbom-format=cyclonedx', '--sbom-type=application', '--package-lock-only'];
  const listed = execFileSync('npm', args, { cwd: root, encoding: 'utf8', maxBuffer: 2 ** 26 });
  if (!listed.startsWith('{')) {
    process.stderr.write('The npm in use cannot list packages as an SBOM: npm 10 or newer can.\n');
    process.exitCode = 2;
    return;
  }
  const bom = JSON.parse(listed) as Bom;
  const own = bom.metadata.component;
  const needed = new Set(['dependencies', 'optionalDependencies'].flatMap((kind) => namesOf(kind)));
  const nameOf = new Map(bom.components.map((one) => [one['bom-ref'], one.name]));
  const dependsOn = new Map(bom.dependencies.map(({ ref, dependsOn: on = [] }) => [ref, on]));
  dependsOn.set(
    own['bom-ref'],
    (dependsOn.get(own['bom-ref']) ?? []).filter((ref) => needed.has(nameOf.get(ref) ?? '')),
  );
  const runs = new Set<string>([own['bom-ref']]);
  for (const ref of runs) for (const one of dependsOn.get(ref) ?? []) runs.add(one);
  bom.components = bom.components.filter((one) => runs.has(one['bom-ref']));
  bom.dependencies = [...runs].sort().map((ref) => ({ ref, dependsOn: dependsOn.get(ref) ?? [] }));
  // npm would name it after its folder.
  own.name = packageFile.name;
  writeFileSync(file, `${JSON.stringify(bom, null, 2)}\n`);
}

const namesOf = (kind: string): string[] =>
  Object.keys((packageFile as unknown as Record<string, Record<string, string>>)[kind] ?? {});

main(process.argv[2]);
