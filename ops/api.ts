import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { openApiText } from '../src/http/api/document.ts';
import { apiReport } from './api/report.ts';

/** Writes what others build on, for reviews: the exports of the package, from what was built, and the API on HTTP. */
const root = path.resolve(import.meta.dirname, '..');
write('docs/api.md', apiReport(root), 'users of the package');
write('docs/openapi.json', openApiText(), 'callers of the service');

function write(name: string, text: string, whom: string): void {
  const file = path.join(root, name);
  const isSame = readFileSync(file, { encoding: 'utf8', flag: 'a+' }) === text;
  if (!isSame) writeFileSync(file, text);
  process.stdout.write(`${name} ${isSame ? 'is as it was' : `was written: look at what changes for ${whom}`}\n`);
}
