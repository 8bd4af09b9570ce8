import { filterNames, filterTakes } from '../../domain/attempt-filter.ts';
import { type Operation, type Parameter, periodParameter } from './operation.ts';

const text = { schema: { type: 'string' } };
const attachment = { description: 'The file’s name.', schema: { type: 'string' } };
const etag = { description: 'The SHA-256 of the bytes.', schema: { type: 'string' } };

/** The roles that see what things cost. */
const readers = ['finance', 'operator'] as const;

export const reportFile = {
  id: 'reportFile',
  method: 'get',
  path: '/reports/{period}/files/{name}',
  summary: 'A published file of a month, or its copy for a spreadsheet',
  description:
    'Names are those of the manifest, `manifest.json`; a copy’s has the dialect before `.csv`, such as `_summary.excel-nl.csv`. Files of the reconciliation and of the dispute are here, too. docs/files.md describes each column.',
  means: 'bearer or session',
  roles: readers,
  parameters: [
    periodParameter,
    {
      name: 'name',
      in: 'path',
      description: 'The name of the file.',
      schema: { type: 'string', pattern: '^[\\w.-]{1,100}$' },
      example: 'manifest.json',
    },
    {
      name: 'If-None-Match',
      in: 'header',
      description: 'The `ETag` of the bytes that are there already.',
      schema: { type: 'string' },
    },
  ],
  answers: {
    200: {
      description: 'The file, as its hash in the manifest says.',
      content: { 'text/csv': text, 'text/plain': text, 'application/json': { schema: { type: 'object' } } },
      headers: { ETag: etag, 'Content-Disposition': attachment },
    },
    304: { description: 'It is still the same.', headers: { ETag: etag } },
  },
  problems: { not_found: true, report_changed: true, storage_failed: true, storage_away: true },
} as const satisfies Operation;

export const attemptsFile = {
  id: 'attemptsFile',
  method: 'get',
  path: '/reports/{period}/attempts.csv',
  summary: 'The attempts behind a number, with the columns of the detail file',
  description: 'All attempts of the month that every given parameter selects. Unknown parameters are refused.',
  means: 'bearer or session',
  roles: readers,
  parameters: [
    periodParameter,
    ...filterNames.map((name): Parameter => ({
      name,
      in: 'query',
      description: `${filterTakes(name)}.`,
      schema: { type: 'string' },
    })),
  ],
  answers: {
    200: {
      description: 'The attempts. What was begun and cannot be ended is cut off.',
      content: { 'text/csv': text },
      headers: { 'Content-Disposition': attachment },
    },
  },
  problems: { not_found: true, database_unavailable: true },
} as const satisfies Operation;
