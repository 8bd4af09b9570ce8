/** `document_scan/blurred or document_scan/too_dark` → `blurred or too_dark`, with the language's word for `or`. */
export const subjectIn = (subject: string, or: string): string =>
  subject
    .split(' or ')
    .map((one) => /^\w+\/(.+)/.exec(one)?.[1] ?? one)
    .join(` ${or} `);

/** Whether the subject of a rule is one outcome or several, not a kind of attempt such as `linked billed`. */
export const isOutcome = (subject: string): boolean => subject !== 'all' && !/ billed$/.test(subject);

/** Whether the subject of a tax is a line that its rate does not lead to. */
export const isOfRate = (subject: string): boolean => subject.includes('≠');

/** Whether the subject of a rounding is the price of every attempt. Otherwise it is a line, or the net. */
export const isOfEveryAttempt = (subject: string): boolean => subject.includes('of every attempt');

/** The subject of a rounding or tax of the whole invoice. */
export const netOfInvoice = 'net of the invoice';
