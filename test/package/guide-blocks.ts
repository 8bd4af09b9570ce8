import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { checkout } from './support.ts';

/** A block of a page: a file, if its first line names one in a comment, or else commands. */
export type Block = {
  readonly language: string;
  /** As the comment says: a file's name, or where to run it. */
  readonly comment: string | undefined;
  /** Without the comment. */
  readonly text: string;
};

/** The code of a page of the documents, in order. */
export async function blocksOf(page: string): Promise<Block[]> {
  const text = await readFile(path.join(checkout, 'docs', page), 'utf8');
  return [...text.matchAll(/^```(\w+)\n([^]*?)^```$/gm)].map(([, language = '', code = '']) => {
    const [, comment] = /^(?:#|\/\/) (.+)\n/.exec(code) ?? [];
    return { language, comment, text: comment === undefined ? code : code.slice(code.indexOf('\n') + 1) };
  });
}

/** A block by the name of its file. */
export function fileIn(blocks: readonly Block[], name: string): string {
  const found = blocks.find(({ comment }) => comment === name);
  if (!found) throw new Error(`no block is called ${name}`);
  return found.text;
}
