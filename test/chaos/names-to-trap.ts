/**
 * Preloaded into a process: every name there is leads to TRAP_ADDRESS. Without it a request for `evil.example` would come
 * to nothing because nobody answers to that name, and a test could not tell it from a request that was never made.
 */
import dns from 'node:dns';

type Found = (error: Error | null, address: string | { address: string; family: number }[], family?: number) => void;

const { TRAP_ADDRESS = '' } = process.env;
const known = /^(localhost|[\d.]+|[\da-f:]*:[\da-f:.]*)$/i;
const ask = dns.lookup.bind(dns) as (name: string, options: unknown, found: Found) => void;

const lookup = (name: string, options: { all?: boolean }, found: Found): void => {
  if (known.test(name)) ask(name, options, found);
  else if (options.all) process.nextTick(found, null, [{ address: TRAP_ADDRESS, family: 4 }]);
  else process.nextTick(found, null, TRAP_ADDRESS, 4);
};
Object.assign(dns, { lookup });
