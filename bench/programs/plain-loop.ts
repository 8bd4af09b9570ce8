import { openWork, peerInput } from './one-result.ts';

/** The ceiling: as many loops as there may be results at once, without any queue. What breaks is lost. */
const input = peerInput();
const work = openWork(input);
let next = 0;
const loop = async (): Promise<void> => {
  while (next < input.count) await work.one(next++);
};
await Promise.all(Array.from({ length: input.concurrency }, loop));
await work.close();
