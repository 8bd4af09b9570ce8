/** What a transaction is created with, as the vendor documents it. Settings that it does not document pass through. */
export type TransactionRequest = {
  readonly tasks: readonly string[];
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly locale?: string;
  readonly mobileOnly?: boolean;
  /** Seconds until it expires. */
  readonly expiresIn?: number;
};

/** What was found in a request. */
export type CheckedRequest = {
  readonly request: TransactionRequest;
  /** Every mistake, with its place. Such a request is not sent. */
  readonly mistakes: readonly string[];
  /** Settings that the vendor does not document. They are sent as they are. */
  readonly unknown: readonly string[];
};

/** The sets of tasks that can be created (DOC). */
const taskSets = [
  ['document_scan'],
  ['document_scan', 'face_liveness'],
  ['document_scan', 'face_liveness', 'face_match'],
];
const expiresInSeconds = { min: 3_600, max: 86_400 };
const ages = { min: 0, max: 150 };

type Check = (value: unknown) => string | null;

const isText: Check = (value) => (typeof value === 'string' && value !== '' ? null : 'must be a text');
const isYesOrNo: Check = (value) => (typeof value === 'boolean' ? null : 'must be true or false');
const isTexts: Check = (value) =>
  Array.isArray(value) && value.every((one) => isText(one) === null) ? null : 'must be a list of texts';
const isWhole =
  (min: number, max: number): Check =>
  (value) =>
    Number.isInteger(value) && Number(value) >= min && Number(value) <= max
      ? null
      : `must be a whole number from ${min} to ${max}`;
const isAnything: Check = () => null;

/** The settings of a document scan (DOC), and what is known of their values. */
const scanSettings: Readonly<Record<string, Check>> = {
  allowedExpiration: isAnything,
  redactFields: isTexts,
  captureSources: isTexts,
  level: isText,
  minimumAge: isWhole(ages.min, ages.max),
  maximumAge: isWhole(ages.min, ages.max),
  validateFields: isAnything,
  extractFields: isAnything,
};

const fields: Readonly<Record<string, Check>> = {
  locale: isText,
  mobileOnly: isYesOrNo,
  expiresIn: isWhole(expiresInSeconds.min, expiresInSeconds.max),
};

/** Checks what somebody wants to create, before it costs a call. Total: whatever is given, it answers. */
export function checkTransactionRequest(given: unknown): CheckedRequest {
  if (!isObject(given)) return { request: { tasks: [] }, mistakes: ['the request must be an object'], unknown: [] };
  const mistakes: string[] = [];
  const unknown: string[] = [];
  const note = (place: string, problem: string | null): void => {
    if (problem !== null) mistakes.push(`${place} ${problem}`);
  };
  note('tasks', tasksProblem(given['tasks']));
  for (const [name, value] of Object.entries(given)) {
    if (name === 'tasks' || name === 'settings') continue;
    const check = fields[name];
    if (check) note(name, check(value));
    else unknown.push(name);
  }
  checkSettings(given['settings'], note, unknown);
  return { request: given as TransactionRequest, mistakes, unknown };
}

function tasksProblem(tasks: unknown): string | null {
  const isSet = taskSets.some(
    (set) => Array.isArray(tasks) && set.length === tasks.length && set.every((task, index) => tasks[index] === task),
  );
  return isSet ? null : `must be one of ${taskSets.map((set) => set.join(' + ')).join('; ')}`;
}

function checkSettings(
  settings: unknown,
  note: (place: string, problem: string | null) => void,
  unknown: string[],
): void {
  if (settings === undefined) return;
  if (!isObject(settings)) {
    note('settings', 'must be an object');
    return;
  }
  for (const [name, value] of Object.entries(settings))
    if (name !== 'documentScan') unknown.push(`settings.${name}`);
    else if (!isObject(value)) note('settings.documentScan', 'must be an object');
    else checkScan(value, note, unknown);
}

function checkScan(
  scan: Readonly<Record<string, unknown>>,
  note: (place: string, problem: string | null) => void,
  unknown: string[],
): void {
  for (const [name, value] of Object.entries(scan)) {
    const check = Object.hasOwn(scanSettings, name) ? scanSettings[name] : undefined;
    if (check) note(`settings.documentScan.${name}`, check(value));
    else unknown.push(`settings.documentScan.${name}`);
  }
  const [least, most] = [scan['minimumAge'], scan['maximumAge']];
  if (typeof least === 'number' && typeof most === 'number' && least > most)
    note('settings.documentScan.minimumAge', 'must not be above maximumAge');
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** A reference of the caller's: a cost centre, product or customer group. It holds no personal data. */
export const isReference = (text: string): boolean => /^[A-Za-z0-9._:-]{1,64}$/.test(text);
