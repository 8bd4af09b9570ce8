import type { KnipConfig } from 'knip';
import packageFile from './package.json' with { type: 'json' };

/**
 * Exports, files and packages that nobody uses are refused. With `--production` tests do not count: an export that only
 * they import must be used in its own file, else it is dead and its test with it.
 */
export default ({ production = false }: { production?: boolean }): KnipConfig => ({
  // Programs that are started by themselves. Vitest's configurations name the suites. `!` marks what is production.
  entry: [
    'bin/*.js!',
    // What the package exports.
    'src/{producer,id-scan,simulator}/index.ts!',
    'src/simulator/main.ts!',
    // Served to browsers.
    'src/simulator/frame/frame.js!',
    'examples/website/server.js!',
    'examples/website/public/*.js!',
    'ops/*.ts',
    'bench/programs/*.ts',
    'bench/vendor/main.ts',
    'test/chaos/{naive-downloader,naive-worker,names-to-trap}.ts',
    'test/embedded/holder.ts',
    'test/privileged/open-store-as.ts',
    'test/support/erase-and-die.ts',
    // Stryker names it.
    'vitest.mutation.config.ts',
    'test/mutation/*.ts',
  ],
  project: ['{bin,examples,migrations,src}/**!', '{bench,ops,test}/**', '*.ts'],
  // What the example's server serves under this name.
  paths: { '/embed.js': ['./src/browser/embed.js'] },
  ignoreExportsUsedInFile: production,
  // --strict takes what is optional for missing. Whether all of it is used, the run without it finds.
  ignoreDependencies: production ? Object.keys(packageFile.optionalDependencies) : [],
  ignoreIssues: {
    // migrations/index.ts takes each as a whole module.
    'migrations/2*.ts': ['exports'],
    // Tests of layouts are on their way.
    'src/invoices/layout/{layout-file,line-rules}.ts': ['exports'],
    'test/invoices/support.ts': ['exports'],
  },
  // Programs of the system.
  ignoreBinaries: ['mount', 'prlimit', 'psql', 'setpriv', 'soffice', 'umount'],
});
