import { readFileSync } from 'node:fs';
import path from 'node:path';
import { entryPoints } from './entry-points.ts';
import { declarationsOf } from './declarations.ts';

const introduction = `# What the package exports

Written by \`npm run api\` from the declarations, for reviews: a test fails while this file is not what they say. Exported names are a promise; what stands under "Behind them" is not exported, but its shape is seen through them. How to use it: [producers.md](producers.md).
`;

/**
 * Every exported name with its type, and the types of ours that these are made of.
 *
 * @param root a folder with `package.json` and the built declarations: a checkout after a build, or an unpacked package.
 */
export function apiReport(root: string): string {
  const { name, exports } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as PackageFile;
  const entries = entryPoints(name, exports);
  const { exported, behind } = declarationsOf(entries.map(({ types }) => path.join(root, types)));
  const sections = entries.map(({ specifier }, place) => section(`\`${specifier}\``, exported[place] ?? []));
  return [introduction, ...sections, section('Behind them', behind)].join('\n');
}

type PackageFile = { readonly name: string; readonly exports: Readonly<Record<string, unknown>> };

const section = (heading: string, declarations: readonly string[]): string =>
  `## ${heading}\n\`\`\`ts\n${declarations.join('\n')}\n\`\`\`\n`;
