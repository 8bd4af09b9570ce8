import { afterAll, vi } from 'vitest';
import { endAll } from './at-end.ts';

/**
 * Runs for every test file. Files share a process, so each gives it back as it was: this ends what a file opened and
 * undoes what it changed of the process.
 */
const environment = { ...process.env };
const folder = process.cwd();
const signals = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGXFSZ'] as const;
const listeners = signals.map((signal) => ({ signal, known: process.listeners(signal) }));

afterAll(async () => {
  vi.useRealTimers();
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  vi.unstubAllGlobals();
  try {
    await endAll();
  } finally {
    process.chdir(folder);
    for (const name of Object.keys(process.env)) if (!(name in environment)) Reflect.deleteProperty(process.env, name);
    Object.assign(process.env, environment);
    for (const { signal, known } of listeners)
      for (const listener of process.listeners(signal)) if (!known.includes(listener)) process.off(signal, listener);
  }
  // A long campaign has opened much.
}, 600_000);
