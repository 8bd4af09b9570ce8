/** The responses of the fast vendor, prepared once. A request costs it two copies, and no JSON. */
export type Answers = {
  /** @returns the parts of a complete response, including its head; `undefined` = 404. */
  readonly to: (path: string) => readonly Buffer[] | undefined;
};

export type AnswersInput = {
  readonly basePath: string;
  readonly baseUrl: string;
  readonly files: number;
  readonly fileBytes: number;
};

const idLength = 36;
/** Stands for an ID, and is as long as one. */
const placeholder = '@'.repeat(idLength);
const jpegStart = Buffer.from('ffd8ffe000104a46494600010100000100010000', 'hex');

/** Details with two scans and both face tasks (four attempts), a result with files, files, and audit reports. */
export function prepareAnswers(input: AnswersInput): Answers {
  const { basePath, files, fileBytes } = input;
  const details = template('application/json', JSON.stringify(detailsBody()));
  const result = template('application/json', JSON.stringify(resultBody(input)));
  const filler = Buffer.alloc(fileBytes, 'identity document ');
  const jpegHead = (name: string) => Buffer.concat([jpegStart, Buffer.from(name)]);
  const pdfHead = (name: string) => Buffer.from(`%PDF-1.4\n% audit report ${name}\n`);
  const pdfEnd = Buffer.from('\ntrailer\n<< >>\n%%EOF\n');
  const route = new RegExp(
    `^${basePath}(?:transactions/(?<id>[^/]{${idLength}})(?<rest>/results/[^/]+(?<audit>/audit-report)?)?|downloads/(?<file>.+))$`,
  );
  return {
    to(path) {
      const found = route.exec(path)?.groups;
      if (!found) return undefined;
      const { id, rest, audit, file } = found;
      if (file !== undefined) return files > 0 ? whole('image/jpeg', [jpegHead(file), filler]) : undefined;
      if (id === undefined) return undefined;
      if (audit !== undefined) return whole('application/pdf', [pdfHead(id), filler, pdfEnd]);
      return [filled(rest === undefined ? details : result, id)];
    },
  };
}

const head = (contentType: string, length: number): Buffer =>
  Buffer.from(`HTTP/1.1 200 OK\r\ncontent-type: ${contentType}\r\ncontent-length: ${length}\r\n\r\n`);

function whole(contentType: string, parts: readonly Buffer[]): Buffer[] {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  return [head(contentType, length), ...parts];
}

type Template = { readonly bytes: Buffer; readonly places: readonly number[] };

/** A body's length does not depend on the ID, so the head is a part of the template. */
function template(contentType: string, body: string): Template {
  const bytes = Buffer.concat([head(contentType, Buffer.byteLength(body)), Buffer.from(body)]);
  const places: number[] = [];
  for (let at = bytes.indexOf(placeholder); at !== -1; at = bytes.indexOf(placeholder, at + idLength)) places.push(at);
  return { bytes, places };
}

function filled({ bytes, places }: Template, id: string): Buffer {
  const copy = Buffer.from(bytes);
  for (const place of places) copy.write(id, place, 'latin1');
  return copy;
}

function detailsBody() {
  const scan = (created: string, code: string | null) => ({
    created,
    code,
    score: 0.98,
    source: 'camera',
    linked: false,
    files: [],
  });
  return {
    id: placeholder,
    state: 'completed',
    created: '2026-10-05T10:00:00+00:00',
    expires: '2026-10-05T12:00:00+00:00',
    completed: '2026-10-05T10:10:00+00:00',
    tasks: [
      {
        type: 'document_scan',
        state: 'completed',
        level: 'advanced',
        attempts: 2,
        attemptsInvoiced: 1,
        documentScans: [
          scan('2026-10-05T10:05:00+00:00', 'unknown_type_front'),
          scan('2026-10-05T10:07:00+00:00', null),
        ],
      },
      { type: 'face_liveness', state: 'completed' },
      { type: 'face_match', state: 'completed' },
    ],
  };
}

/** Contains personal data, as the vendor's results do. The product drops it while parsing. */
function resultBody({ baseUrl, files }: AnswersInput) {
  const field = (name: string, value: string) => ({ name, values: [{ value, source: 'visual' }], score: 0.97 });
  return {
    id: placeholder,
    state: 'completed',
    tasks: [
      {
        type: 'document_scan',
        state: 'completed',
        attempts: 2,
        score: 0.97,
        result: Array.from({ length: 12 }, (_, index) => field(`field_${index}`, 'A VALUE OF A PERSON')),
        files: Array.from({ length: files }, (_, index) => ({
          category: 'document',
          type: `page_${index}`,
          name: `page ${index}.jpg`,
          url: `${baseUrl}downloads/${placeholder}-${index}`,
        })),
      },
      { type: 'face_liveness', state: 'completed' },
      { type: 'face_match', state: 'completed' },
    ],
  };
}
