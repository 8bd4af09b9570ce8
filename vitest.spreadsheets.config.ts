import { defineConfig } from 'vitest/config';

/** Opens the copies for spreadsheets in LibreOffice and reads them with Python, which have to be installed: no part of `npm test`. */
export default defineConfig({
  test: {
    include: ['test/spreadsheets/**/*.spreadsheet.ts'],
    globalSetup: ['test/spreadsheets/needs.ts'],
    setupFiles: ['test/support/each-file.ts'],
    testTimeout: 300_000,
    hookTimeout: 300_000,
    allowOnly: false,
  },
});
