import { Refused } from './refused.ts';

const unreleased = '## [Unreleased]\n';

/**
 * Gives what is unreleased a version, and leaves an empty section for what comes next.
 *
 * @param date `YYYY-MM-DD`
 * @throws Refused when nothing is unreleased, or the version is there already.
 */
export function withRelease(changelog: string, version: string, date: string): string {
  const [before, after, ...more] = changelog.split(unreleased);
  if (before === undefined || after === undefined || more.length > 0)
    throw new Refused('CHANGELOG.md has to have one heading "## [Unreleased]". Put it above the newest version.');
  if (changelog.includes(`\n## [${version}]`))
    throw new Refused(`CHANGELOG.md has a section [${version}] already. Give another version.`);
  const next = after.search(/^## /m);
  const changes = next === -1 ? after : after.slice(0, next);
  if (!/^- /m.test(changes))
    throw new Refused(
      'Nothing is unreleased in CHANGELOG.md. Say below "## [Unreleased]" what changes for its readers.',
    );
  const older = next === -1 ? '' : `\n${after.slice(next)}`;
  return `${before}${unreleased}\n## [${version}] - ${date}\n\n${changes.trim()}\n${older}`;
}
