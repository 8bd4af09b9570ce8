export type EntryPoint = {
  /** What a program imports. */
  readonly specifier: string;
  /** Its declarations, relative to the package. */
  readonly types: string;
};

/** The exports of a `package.json` that have types, in their order. */
export function entryPoints(name: string, exports: Readonly<Record<string, unknown>>): EntryPoint[] {
  return Object.entries(exports).flatMap(([subpath, target]) => {
    const types = typeof target === 'object' && target !== null && 'types' in target ? target.types : undefined;
    return typeof types === 'string' ? [{ specifier: name + subpath.slice(1), types }] : [];
  });
}
