import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { withRelease } from './changelog.ts';
import { Refused } from './refused.ts';
import { checkVersion } from './version.ts';

export type ReleaseOptions = {
  /** The checkout. */
  readonly root: string;
  readonly version: string;
  /** `YYYY-MM-DD` */
  readonly date: string;
  /** A command for the shell. It has to succeed before anything is committed. */
  readonly check: string;
  readonly isDryRun: boolean;
  readonly say: (line: string) => void;
};

type Step = { readonly says: string; readonly run: () => void };

const edited = ['package.json', 'package-lock.json', 'CHANGELOG.md'];

/** @throws Refused before anything is changed. @throws Error when a step failed; before the commit everything is put back. */
export function release({ root, version, date, check, isDryRun, say }: ReleaseOptions): void {
  const changelogFile = path.join(root, 'CHANGELOG.md');
  const tag = `v${version}`;
  checkVersion(version, presentVersion(root));
  checkCheckout(root, tag);
  const changelog = withRelease(readFileSync(changelogFile, 'utf8'), version, date);
  const run =
    (command: string, ...args: string[]) =>
    (): void => {
      execFileSync(command, args, { cwd: root, stdio: 'inherit' });
    };

  const untilCommit: Step[] = [
    {
      says: `set the version ${version} in package.json and package-lock.json`,
      run: run('npm', 'version', version, '--no-git-tag-version', '--ignore-scripts'),
    },
    {
      says: `give what is unreleased in CHANGELOG.md the heading [${version}] - ${date}`,
      run: () => {
        writeFileSync(changelogFile, changelog);
      },
    },
    { says: `run the check: ${check}`, run: run('sh', '-c', check) },
    {
      says: `commit ${edited.join(', ')} as "chore(release): ${tag}"`,
      run: run('git', 'commit', '--quiet', '--message', `chore(release): ${tag}`, '--', ...edited),
    },
  ];
  const afterwards: Step[] = [
    { says: `tag it ${tag}`, run: run('git', 'tag', '--annotate', tag, '--message', tag) },
    { says: 'write sbom.cdx.json: npm run sbom', run: run('npm', 'run', '--silent', 'sbom') },
    { says: `build, and write idscan-ledger-${version}.tgz: npm pack`, run: run('npm', 'pack', '--silent') },
  ];

  if (isDryRun) {
    for (const { says } of [...untilCommit, ...afterwards]) say(`would ${says}`);
    say('Nothing was changed.');
    return;
  }
  try {
    take(untilCommit, say);
  } catch (error) {
    run('git', 'restore', '--staged', '--worktree', '--', ...edited)();
    throw new Error(
      `${messageOf(error)}\nNothing is committed, and the files are as before. Put right what is said above, and repeat.`,
      { cause: error },
    );
  }
  try {
    take(afterwards, say);
  } catch (error) {
    const left = afterwards.map(({ says }) => says).join('; ');
    throw new Error(
      `${messageOf(error)}\nThe commit is made. Put it right, and do by hand what is missing of: ${left}.`,
      {
        cause: error,
      },
    );
  }
  say(`${tag} is committed and tagged here. To publish it: git push --follow-tags origin main`);
}

function take(steps: readonly Step[], say: (line: string) => void): void {
  for (const { says, run } of steps) {
    say(says);
    try {
      run();
    } catch (error) {
      throw new Error(`This failed: ${says}: ${messageOf(error)}`, { cause: error });
    }
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

function presentVersion(root: string): string {
  const { version } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as { version: string };
  return version;
}

/** @throws Refused where a release would hold something else than `main` has. */
function checkCheckout(root: string, tag: string): void {
  const git = (...args: string[]): string => execFileSync('git', args, { cwd: root, encoding: 'utf8' }).trim();
  const branch = git('branch', '--show-current');
  if (branch !== 'main')
    throw new Refused(`A release is made on main; this is ${branch || 'no branch'}. Run: git switch main`);
  const changes = git('status', '--porcelain');
  if (changes !== '') throw new Refused(`There are changes that are not committed. Commit or stash them:\n${changes}`);
  if (git('tag', '--list', tag) !== '') throw new Refused(`The tag ${tag} is there already. Give another version.`);
}
