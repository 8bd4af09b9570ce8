import { defineConfig } from 'vitest/config';

/** Opens the copies for spreadsheets in LibreOffice, which has to be installed: no part of `npm test`. */
export default defineConfig({
  test: {
    include: ['test/spreadsheets/**/*.spreadsheet.ts'],
    testTimeout: 300_000,
    hookTimeout: 300_000,
    allowOnly: false,
  },
});
