import { gzipSync } from 'node:zlib';
import type { HostileCase } from './support-hostile-manners.ts';
import { type Account, sendFile, sendJson } from './support-hostile-vendor.ts';

type Scan = Record<string, unknown>;
type Task = Record<string, unknown> & { documentScans?: Scan[] };
type Details = Record<string, unknown> & { tasks: [Task, ...Task[]] };

/** The details with something changed in them. */
const changed = (account: Account, change: (details: Details, task: Task, scan: Scan) => void): Details => {
  const details = account.details() as Details;
  const [task] = details.tasks;
  change(details, task, task.documentScans?.[0] ?? {});
  return details;
};

const invalid = (name: string, change: Parameters<typeof changed>[1]): HostileCase => ({
  name,
  place: 'details',
  end: 'vendor_answer_invalid',
  respond: (account) => sendJson(changed(account, change)),
});

const accepted = (
  name: string,
  change: Parameters<typeof changed>[1],
  lines?: (line: string) => string | readonly string[],
): HostileCase => ({
  name,
  place: 'details',
  end: 'accepted',
  respond: (account) => sendJson(changed(account, change)),
  ...(lines ? { lines: ({ invoice }: Account) => invoice.flatMap(lines) } : {}),
});

/** The text of the details as sent, for what no object can say. */
const text = (
  name: string,
  end: HostileCase['end'],
  change: (json: string, account: Account) => string | Buffer,
): HostileCase => ({
  name,
  place: 'details',
  end,
  respond: (account) => sendJson(change(JSON.stringify(account.details()), account)),
});

const depth = 100_000;
const nested = '['.repeat(depth) + ']'.repeat(depth);
const nestedObjects = '{"a":'.repeat(depth) + '1' + '}'.repeat(depth);
const other = '99999999-2222-4333-8444-555555555555';
const firstScan = / \| document_scan \| 1 \| .*/;
const face = / \| face_liveness \| 1 \| .*/;

export const textCases: readonly HostileCase[] = [
  text('invalid UTF-8', 'vendor_answer_invalid', (json) =>
    Buffer.from(json.replace('camera', 'cam\u00ffera'), 'latin1'),
  ),
  text('UTF-16', 'vendor_answer_invalid', (json) => Buffer.from(`\ufeff${json}`, 'utf16le')),
  text('a byte order mark', 'accepted', (json) => `\ufeff${json}`),
  text('a key twice', 'vendor_answer_invalid', (json) =>
    json.replace('"attemptsInvoiced"', '"attemptsInvoiced":0,"attemptsInvoiced"'),
  ),
  text('a key twice, one of them escaped', 'vendor_answer_invalid', (json) =>
    json.replace('"code"', '"code":"processing","\\u0063ode"'),
  ),
  text('depth 100,000 in an unknown field', 'accepted', (json) => json.replace('{', `{"x":${nested},`)),
  text('depth 100,000 of objects in an unknown field', 'accepted', (json) =>
    json.replace('{', `{"x":${nestedObjects},`),
  ),
  text('depth 100,000 where scans belong', 'vendor_answer_invalid', (json) =>
    json.replace('"documentScans":[', `"documentScans":${nested},"y":[`),
  ),
  text('depth 100,000, never closed', 'vendor_answer_truncated', () => '['.repeat(depth)),
  text('nothing', 'vendor_answer_invalid', () => ''),
  text('null', 'vendor_answer_invalid', () => 'null'),
  text('a list', 'vendor_answer_invalid', (json) => `[${json}]`),
  text('two answers in one', 'vendor_answer_invalid', (json) => json + json),
  text('HTML as JSON', 'vendor_answer_invalid', () => '<!doctype html><h1>Scheduled maintenance</h1>'),
  text('a bomb that is not announced', 'vendor_answer_invalid', () => gzipSync(Buffer.alloc(1_024 ** 2, ' '))),
  text('a figure that is no number', 'vendor_answer_invalid', (json) =>
    json.replace(/"attemptsInvoiced":\d/, '"attemptsInvoiced":1e999'),
  ),
  {
    name: 'HTML with status 200',
    place: 'details',
    end: 'vendor_answer_invalid',
    respond: () => sendFile(Buffer.from('<!doctype html><h1>Scheduled maintenance</h1>'), 'text/html'),
  },
  {
    name: 'HTML with status 200',
    place: 'result',
    end: 'vendor_answer_invalid',
    respond: () => sendFile(Buffer.from('<!doctype html><h1>Scheduled maintenance</h1>'), 'text/html'),
  },
];

export const shapeCases: readonly HostileCase[] = [
  {
    name: 'the ID of another transaction',
    place: 'details',
    end: 'vendor_answer_mismatch',
    respond: (account) => sendJson({ ...account.details(), id: other }),
  },
  {
    name: 'the ID of another result',
    place: 'result',
    end: 'vendor_answer_mismatch',
    respond: (account) => sendJson({ ...account.result(), id: other }),
  },
  invalid('no ID', (details) => delete details['id']),
  invalid('a number as ID', (details) => (details['id'] = 12)),
  invalid('a number as code', (_, __, scan) => (scan['code'] = 7)),
  invalid('a number as state', (details) => (details['state'] = 1)),
  invalid('a number as time', (_, __, scan) => (scan['created'] = 1_790_000_000)),
  invalid('a text as counter', (_, task) => (task['attemptsInvoiced'] = '1')),
  invalid('a negative counter', (_, task) => (task['attemptsInvoiced'] = -1)),
  invalid('a broken counter', (_, task) => (task['attempts'] = 1.5)),
  invalid('a huge counter', (_, task) => (task['attempts'] = 4_000_000_000)),
  invalid('a text as list of scans', (_, task) => Object.assign(task, { documentScans: 'none' })),
  invalid('a time without a zone', (_, __, scan) => (scan['created'] = '2026-10-05T10:01:00')),
  invalid('completed without a zone', (details) => (details['completed'] = '2026-10-05T10:30:00')),
  invalid('a day that does not exist', (_, __, scan) => (scan['created'] = '2026-02-30T10:01:00Z')),
  invalid('U+0000 in a code', (_, __, scan) => (scan['code'] = 'expired\u0000')),
  invalid('U+0000 in a state', (details) => (details['state'] = '\u0000')),
  invalid('U+0000 in a type', (_, task) => (task['type'] = 'document_scan\u0000')),
  invalid('half a character in a code', (_, __, scan) => (scan['code'] = 'a\ud800')),
  invalid('a task twice', (details) => details.tasks.push({ ...details.tasks[0] })),
  invalid('10,001 scans', (_, task, scan) => (task.documentScans = Array.from({ length: 10_001 }, () => scan))),
  accepted('a state never seen', (details) => (details['state'] = 'on_hold')),
  accepted(
    'a code never seen',
    (_, __, scan) => (scan['code'] = 'hologram_missing'),
    (line) => line.replace(firstScan, ' | document_scan | 1 | hologram_missing |  | advanced'),
  ),
  accepted(
    'no code at all',
    (_, __, scan) => delete scan['code'],
    (line) => line.replace(firstScan, ' | document_scan | 1 | (missing) |  | advanced'),
  ),
  accepted(
    'a face task in a state never seen',
    ({ tasks }) => tasks.filter(({ type }) => type === 'face_liveness').forEach((task) => (task['state'] = 'spoofed')),
    (line) => line.replace(face, ' | face_liveness | 1 | spoofed | true | '),
  ),
  accepted(
    'a task never seen',
    ({ tasks }) => tasks.push({ type: 'palm_scan', state: 'completed' }),
    (line) => (firstScan.test(line) ? [line, line.replace(firstScan, ' | palm_scan | 1 |  |  | ')] : line),
  ),
];

const resultFiles = (name: string, files: unknown, end: HostileCase['end'], count: number): HostileCase => ({
  name,
  place: 'result',
  end,
  files: count,
  respond: (account) => {
    const { tasks, ...rest } = account.result() as { tasks: [object] };
    return sendJson({ ...rest, tasks: [{ ...tasks[0], files }] });
  },
});

export const fileListCases: readonly HostileCase[] = [
  resultFiles('files null', null, 'accepted', 0),
  resultFiles('files missing', undefined, 'accepted', 0),
  resultFiles('files empty', [], 'accepted', 0),
  resultFiles('a URL that is null', [{ category: 'image', type: 'portrait', url: null }], 'accepted', 1),
  resultFiles('a text as files', 'none', 'vendor_answer_invalid', 1),
  resultFiles('a number as URL', [{ type: 'portrait', url: 5 }], 'vendor_answer_invalid', 1),
  {
    name: 'U+0000 and numbers in labels',
    place: 'result',
    end: 'accepted',
    respond: (account) => {
      account.files = account.files.map((file) => ({ ...file, category: 7, type: 'a\u0000b', name: '\u0000' }));
      return sendJson(account.result());
    },
  },
];
