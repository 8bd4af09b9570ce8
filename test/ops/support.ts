import { readFile } from 'node:fs/promises';
import { parseAllDocuments } from 'yaml';

const inOps = (name: string): URL => new URL(`../../${name}`, import.meta.url);
export const textOf = (name: string): Promise<string> => readFile(inOps(name), 'utf8');

/** The documents of a YAML file; a mistake, a warning or a repeated key is an error. */
export async function yamlOf(name: string): Promise<unknown[]> {
  const documents = parseAllDocuments(await textOf(name), { uniqueKeys: true, strict: true, merge: true });
  if (!Array.isArray(documents)) throw new Error(`${name} is empty`);
  return documents.map((document) => {
    const [problem] = [...document.errors, ...document.warnings];
    if (problem) throw problem;
    return document.toJS() as unknown;
  });
}

/** Names of all variables, as .env.example explains them. */
export async function knownVariables(): Promise<Set<string>> {
  const names = [...(await textOf('.env.example')).matchAll(/^#?([A-Z][A-Z0-9_]+)=/gm)].map(([, name]) => name!);
  return new Set(names.flatMap((name) => [name, `${name}_FILE`]));
}
