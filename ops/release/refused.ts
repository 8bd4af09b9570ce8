/** Nothing was done: the message says why, and what to do next. */
export class Refused extends Error {}
