import type { Answer, Ask } from './support.ts';

const boundary = 'a-boundary-of-the-tests';
/** A file that a form sends. */
export type File = { readonly field: string; readonly content: string | Buffer; readonly name?: string };
export const multipart = (
  files: readonly File[],
  fields: Readonly<Record<string, string>> = { basis: 'restated' },
): Ask => {
  const parts = [
    ...Object.entries(fields).map(([name, value]) =>
      Buffer.from(`--${boundary}\r\ncontent-disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`),
    ),
    ...files.flatMap(({ field, content, name = `${field}.csv` }) => [
      Buffer.from(
        `--${boundary}\r\ncontent-disposition: form-data; name="${field}"; filename="${name}"\r\ncontent-type: text/csv\r\n\r\n`,
      ),
      Buffer.from(content),
      Buffer.from('\r\n'),
    ]),
    Buffer.from(`--${boundary}--\r\n`),
  ];
  return { body: Buffer.concat(parts), headers: { 'content-type': `multipart/form-data; boundary=${boundary}` } };
};

export const form = (fields: Readonly<Record<string, string>>): Ask => ({
  headers: { 'content-type': 'application/x-www-form-urlencoded' },
  body: new URLSearchParams(fields).toString(),
});

export const uploadId = ({ text }: Answer): string => /name="upload" value="([\w-]+)"/.exec(text)?.[1] ?? '';
