import path from 'node:path';

/**
 * The path of a file of the package that no build changes: rules, examples, style sheets. In a checkout this module
 * runs from `src`, in an installed package from `dist/src`.
 *
 * @param name relative to the package, such as `rules/id-scan.json`.
 */
export function packageFile(name: string): string {
  const isBuilt = import.meta.filename.endsWith('.js');
  return path.join(import.meta.dirname, isBuilt ? '../..' : '..', name);
}
