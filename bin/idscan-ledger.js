#!/usr/bin/env node
// Plain JavaScript that any Node can read: it says what is wrong where the Node in use can't run the program.
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);

if (major < 22 || (major === 22 && minor < 22)) {
  console.error(`idscan-ledger needs Node 22.22 or newer; this is ${process.version} (${process.execPath}).`);
  console.error(
    'In a checkout, npx puts the Node that npm installed with it first: run  npx idscan-ledger  after npm ci.',
  );
  process.exitCode = 2;
} else {
  // No command holds more than some 40 MB at once. Left to itself, V8 lets garbage pile up to a multiple of that before it
  // looks, the more so the more memory the machine has.
  const { setFlagsFromString } = await import('node:v8');
  setFlagsFromString('--semi-space-growth-factor=1');
  setFlagsFromString('--heap-growing-percent=30');
  // Keeps what Node makes of the TypeScript sources between runs: commands start in half the time.
  (await import('node:module')).enableCompileCache();
  // Node strips no types below node_modules: an installed package runs what was built when it was packed.
  const isInstalled = import.meta.filename.split(/[\\/]/).includes('node_modules');
  const built = '../dist/src/cli/main.js';
  const loaded = isInstalled ? import(built) : import('../src/cli/main.ts');
  const { main } = /** @type {typeof import('../src/cli/main.ts')} */ (await loaded);
  process.exitCode = await main(process.argv.slice(2));
  // Everything is closed by now; a connection that would not close, to a server that is away, keeps nobody waiting.
  setTimeout(() => process.exit(), 1_000).unref();
}
