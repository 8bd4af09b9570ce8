/** The sets of tasks that can be created (DOC). */
export type TaskSet =
  | readonly ['document_scan']
  | readonly ['document_scan', 'face_liveness']
  | readonly ['document_scan', 'face_liveness', 'face_match'];

/** The settings of a document scan, as the vendor documents them. Others pass through. */
export type DocumentScanSettings = {
  readonly allowedExpiration?: unknown;
  readonly redactFields?: readonly string[] | undefined;
  readonly captureSources?: readonly string[] | undefined;
  readonly level?: string | undefined;
  readonly minimumAge?: number | undefined;
  readonly maximumAge?: number | undefined;
  readonly validateFields?: unknown;
  readonly extractFields?: unknown;
  readonly [other: string]: unknown;
};

/** What a transaction is created with, as the vendor documents it. Settings that it does not document pass through. */
export type TransactionRequest = {
  readonly tasks: TaskSet;
  readonly settings?:
    | { readonly documentScan?: DocumentScanSettings | undefined; readonly [other: string]: unknown }
    | undefined;
  readonly locale?: string | undefined;
  readonly mobileOnly?: boolean | undefined;
  /** Seconds until it expires, 3600 to 86400. */
  readonly expiresIn?: number | undefined;
};

/** What was found in a request. */
export type CheckedRequest = {
  readonly request: TransactionRequest;
  /** Every mistake, with its place. Such a request is not sent. */
  readonly mistakes: readonly string[];
  /** Settings that the vendor does not document. They are sent as they are. */
  readonly unknown: readonly string[];
};

export const taskSets: readonly TaskSet[] = [
  ['document_scan'],
  ['document_scan', 'face_liveness'],
  ['document_scan', 'face_liveness', 'face_match'],
];

/** What is known of a field's values; bounds are those of a whole number. */
export type FieldForm = 'text' | 'texts' | 'yes or no' | 'anything' | { readonly min: number; readonly max: number };

const age = { min: 0, max: 150 };

/** The settings of a document scan (DOC). */
export const scanForms: Readonly<Record<string, FieldForm>> = {
  allowedExpiration: 'anything',
  redactFields: 'texts',
  captureSources: 'texts',
  level: 'text',
  minimumAge: age,
  maximumAge: age,
  validateFields: 'anything',
  extractFields: 'anything',
};

/** The other fields of a request (DOC). */
export const requestForms: Readonly<Record<string, FieldForm>> = {
  locale: 'text',
  mobileOnly: 'yes or no',
  expiresIn: { min: 3_600, max: 86_400 },
};

/** Checks what somebody wants to create, before it costs a call. Total: whatever is given, it answers. */
export function checkTransactionRequest(given: unknown): CheckedRequest {
  if (!isObject(given))
    return { request: { tasks: ['document_scan'] }, mistakes: ['the request must be an object'], unknown: [] };
  const mistakes: string[] = [];
  const unknown: string[] = [];
  const note = (place: string, problem: string | null): void => {
    if (problem !== null) mistakes.push(`${place} ${problem}`);
  };
  const tasks = taskSetOf(given['tasks']);
  if (!tasks) note('tasks', `must be one of ${taskSets.map((set) => set.join(' + ')).join('; ')}`);
  for (const [name, value] of fieldsOf(given)) {
    if (name === 'tasks' || name === 'settings') continue;
    checkField('', name, value, note, unknown);
  }
  checkSettings(given['settings'], note, unknown);
  return { request: { ...given, tasks: tasks ?? ['document_scan'] }, mistakes, unknown };
}

/** Notes what is wrong with a field below a place (`''`, or one that ends with a point), or that it is not documented. */
function checkField(below: string, name: string, value: unknown, note: Note, unknown: string[]): void {
  const place = `${below}${name}`;
  const documented = placeOf(name);
  if (ours.includes(name)) note(place, 'is nothing of the vendor’s: docs/producers.md says where it belongs');
  else if (documented === undefined) unknown.push(place);
  else if (documented !== place) note(place, `must be in ${documented}, where the vendor looks for it`);
  else note(place, problemOf(formIn(requestForms, name) ?? formIn(scanForms, name) ?? 'anything', value));
}

/** What goes beside a request, or is taken from it before. */
const ours = ['reference', 'browserOrigin', 'idempotencyKey'];

type Note = (place: string, problem: string | null) => void;

/** Where a field of that name is documented. At another place the vendor would not see it. */
function placeOf(name: string): string | undefined {
  if (name === 'tasks' || name === 'settings' || formIn(requestForms, name)) return name;
  if (name === 'documentScan') return 'settings.documentScan';
  return formIn(scanForms, name) ? `settings.documentScan.${name}` : undefined;
}

/** What `undefined` stands in is not sent. */
const fieldsOf = (given: object): [string, unknown][] =>
  Object.entries(given).filter(([, value]) => value !== undefined);

const formIn = (forms: Readonly<Record<string, FieldForm>>, name: string): FieldForm | undefined =>
  Object.hasOwn(forms, name) ? forms[name] : undefined;

function problemOf(form: FieldForm, value: unknown): string | null {
  if (typeof form === 'object') {
    const isWithin = Number.isInteger(value) && Number(value) >= form.min && Number(value) <= form.max;
    return isWithin ? null : `must be a whole number from ${form.min} to ${form.max}`;
  }
  switch (form) {
    case 'text':
      return isText(value) ? null : 'must be a text of 1 to 255 characters, without control characters';
    case 'texts':
      return Array.isArray(value) && value.every(isText)
        ? null
        : 'must be a list of texts of 1 to 255 characters, without control characters';
    case 'yes or no':
      return typeof value === 'boolean' ? null : 'must be true or false';
    case 'anything':
      return value === null ? 'must not be null' : null;
    default:
      return form satisfies never;
  }
}

/** No control characters and no halves of a character. */
export const settingPattern = /^[^\p{Cc}\p{Cs}]{1,255}$/u;
const isText = (value: unknown): boolean => typeof value === 'string' && settingPattern.test(value);

/** The set that is meant, in the documented order, whatever the order given. */
const taskSetOf = (tasks: unknown): TaskSet | undefined =>
  taskSets.find(
    (set) => Array.isArray(tasks) && set.length === tasks.length && set.every((task) => tasks.includes(task)),
  );

function checkSettings(settings: unknown, note: Note, unknown: string[]): void {
  if (settings === undefined) return;
  if (!isObject(settings)) {
    note('settings', 'must be an object');
    return;
  }
  for (const [name, value] of fieldsOf(settings))
    if (name !== 'documentScan') checkField('settings.', name, value, note, unknown);
    else if (!isObject(value)) note('settings.documentScan', 'must be an object');
    else checkScan(value, note, unknown);
}

function checkScan(scan: Readonly<Record<string, unknown>>, note: Note, unknown: string[]): void {
  for (const [name, value] of fieldsOf(scan)) checkField('settings.documentScan.', name, value, note, unknown);
  const [least, most] = [scan['minimumAge'], scan['maximumAge']];
  if (typeof least === 'number' && typeof most === 'number' && least > most)
    note('settings.documentScan.minimumAge', 'must not be above maximumAge');
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** A reference of the caller's: a cost centre, product or customer group. It holds no personal data. */
export const referencePattern = /^[A-Za-z0-9._:-]{1,64}$/;
export const isReference = (text: string): boolean => referencePattern.test(text);
