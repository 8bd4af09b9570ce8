import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { apiReport } from './api/report.ts';

/** Writes docs/api.md, what the package exports, from the declarations that `npm run build` made. */
const root = path.resolve(import.meta.dirname, '..');
const file = path.join(root, 'docs/api.md');
const report = apiReport(root);
const isSame = readFileSync(file, { encoding: 'utf8', flag: 'a+' }) === report;
if (!isSame) writeFileSync(file, report);
process.stdout.write(
  `docs/api.md ${isSame ? 'is as it was' : 'was written: look at what changes for users of the package'}\n`,
);
