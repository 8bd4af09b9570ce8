import { execFile } from 'node:child_process';
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';

export const checkout = path.join(import.meta.dirname, '../..');
const run = promisify(execFile);

export type Ended = { readonly code: number; readonly stdout: string; readonly stderr: string };

/** What leads programs to the registry on this machine. */
const ways = ['PATH', 'HOME', 'NODE_EXTRA_CA_CERTS', 'HTTPS_PROXY', 'https_proxy'];

/** Runs a program to its end, with nothing of the test runner's environment but what leads it to the registry. */
export async function ended(
  command: string,
  args: readonly string[],
  cwd: string,
  environment: Readonly<Record<string, string>> = {},
): Promise<Ended> {
  try {
    const { stdout, stderr } = await run(command, [...args], {
      cwd,
      env: { ...Object.fromEntries(ways.map((name) => [name, process.env[name]])), ...environment },
      maxBuffer: 2 ** 26,
    });
    return { code: 0, stdout, stderr };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: unknown; stdout: string; stderr: string };
    if (typeof code !== 'number') throw error;
    return { code, stdout, stderr };
  }
}

async function succeeded(
  command: string,
  args: readonly string[],
  cwd: string,
  environment: Readonly<Record<string, string>> = {},
): Promise<string> {
  const { code, stdout, stderr } = await ended(command, args, cwd, environment);
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${code}:\n${stdout}${stderr}`);
  return stdout;
}

/** Packs the checkout, which builds it. @returns the package's file. */
export async function pack(folder: string): Promise<string> {
  const said = await succeeded('npm', ['pack', '--json', '--pack-destination', folder], checkout);
  const [name] = /idscan-ledger-[\w.-]+\.tgz/.exec(said) ?? [];
  if (name === undefined) throw new Error(`npm pack said no file name: ${said}`);
  return path.join(folder, name);
}

/** Installs a package into an empty folder. @returns the folder. */
export async function install(
  file: string,
  folder: string,
  options: readonly string[] = [],
  environment: Readonly<Record<string, string>> = {},
): Promise<string> {
  await mkdir(folder);
  await writeFile(path.join(folder, 'package.json'), '{"private":true,"type":"module"}\n');
  await succeeded(
    'npm',
    ['install', '--prefer-offline', '--no-audit', '--no-fund', ...options, file],
    folder,
    environment,
  );
  return folder;
}

/** Has npm take the Node that runs it for another one, and leave out the optional packages that want a newer one. */
export async function nodeThatIs(version: string, folder: string): Promise<Record<string, string>> {
  const file = path.join(folder, `${version}.cjs`);
  await writeFile(file, `Object.defineProperty(process, 'version', { value: '${version}' });\n`);
  return { NODE_OPTIONS: `--require=${file}` };
}

/** The bytes of all files below a folder. */
export async function bytesIn(folder: string): Promise<number> {
  let bytes = 0;
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true }))
    if (entry.isFile()) bytes += (await stat(path.join(entry.parentPath, entry.name))).size;
  return bytes;
}

/** The programs in docs/producers.md by the name in their first line. */
export async function documentedPrograms(): Promise<Map<string, string>> {
  const text = await readFile(path.join(checkout, 'docs/producers.md'), 'utf8');
  return new Map(
    [...text.matchAll(/^```ts\n\/\/ ([\w-]+\.ts)\n([^]*?)^```$/gm)].map(([, name = '', code = '']) => [name, code]),
  );
}
