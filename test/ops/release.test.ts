import { describe, expect, test } from 'vitest';
import { withRelease } from '../../ops/release/changelog.ts';
import { Refused } from '../../ops/release/refused.ts';
import { checkVersion, compareVersions } from '../../ops/release/version.ts';

const changelog = (unreleased: string, older = ''): string => `# Changelog\n\n## [Unreleased]\n${unreleased}${older}`;
const older = '\n## [0.1.0] - 2026-11-01\n\n### Added\n- `demo`.\n';

describe('the changelog of a release', () => {
  test('has what was unreleased under the version, and an empty section above it', () => {
    const changes = '\n### Changed\n- One.\n\n### Fixed\n- Two.\n';
    const released = '\n\n## [0.2.0] - 2026-12-01\n\n### Changed\n- One.\n\n### Fixed\n- Two.\n';
    expect(withRelease(changelog(changes, older), '0.2.0', '2026-12-01')).toBe(
      `# Changelog\n\n## [Unreleased]${released}${older}`,
    );
    expect(withRelease(changelog(changes), '0.2.0', '2026-12-01')).toBe(`# Changelog\n\n## [Unreleased]${released}`);
  });

  test('can be followed by another one as soon as something is unreleased again', () => {
    const once = withRelease(changelog('\n### Added\n- One.\n'), '0.2.0', '2026-12-01');
    expect(() => withRelease(once, '0.3.0', '2026-12-02')).toThrow(Refused);
    const twice = withRelease(once.replace('d]\n', 'd]\n\n### Added\n- Two.\n'), '0.3.0', '2026-12-02');
    expect(twice.match(/^(## .*|- .*)/gm)).toEqual([
      '## [Unreleased]',
      '## [0.3.0] - 2026-12-02',
      '- Two.',
      '## [0.2.0] - 2026-12-01',
      '- One.',
    ]);
  });

  test.each([
    ['nothing is unreleased', changelog('\n', older)],
    ['there are headings alone', changelog('\n### Added\n\n### Fixed\n', older)],
    ['there is no section for it', '# Changelog\n\n### Added\n- One.\n'],
    ['there are two', changelog('\n- One.\n', '\n## [Unreleased]\n- Two.\n')],
    ['the version is there', changelog('\n- One.\n', '\n## [0.2.0] - 2026-11-01\n')],
  ])('is refused when %s', (_, text) => {
    expect(() => withRelease(text, '0.2.0', '2026-12-01')).toThrow(Refused);
  });
});

describe('the version of a release', () => {
  // The order that semver.org gives as its example, between plain ones.
  const ordered = ['0.9.10', '1.0.0-alpha', '1.0.0-alpha.1', '1.0.0-alpha.beta', '1.0.0-beta', '1.0.0-beta.2']
    .concat(['1.0.0-beta.11', '1.0.0-rc.1', '1.0.0', '1.0.1', '1.2.0', '1.10.0', '2.0.0-0', '2.0.0'])
    .concat('9007199254740993.0.0');

  test.each(ordered.map((version, place) => [version, place] as const))('%s has its place', (version, place) => {
    expect(ordered.map((other) => Math.sign(compareVersions(version, other)))).toEqual(
      ordered.map((_, other) => Math.sign(place - other)),
    );
  });

  test.each(['1.0.0', '0.9.0', '1.0.0-rc.1'])('%s is refused after 1.0.0', (version) => {
    expect(() => {
      checkVersion(version, '1.0.0');
    }).toThrow(Refused);
  });

  test.each([
    '',
    '1',
    '1.1',
    'v1.1.0',
    '1.1.0.0',
    '01.1.0',
    '1.1.0-',
    '1.1.0-01',
    '1.1.0+build',
    ' 1.1.0',
    '1.1.0\n',
    'next',
  ])('%j is none', (version) => {
    expect(() => {
      checkVersion(version, '0.0.1');
    }).toThrow(Refused);
  });

  test.each(['1.0.1', '1.1.0-rc.1', '2.0.0'])('%s may come after 1.0.0', (version) => {
    expect(() => {
      checkVersion(version, '1.0.0');
    }).not.toThrow();
  });
});
