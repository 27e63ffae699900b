// Packages of Debian's suites, unpacked into directories of the cache. apt gets a state of its own for each suite: what is
// installed and configured on this machine neither matters nor changes, and no privilege is asked for.

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

const MIRROR = process.env.PROCWARD_DEBIAN ?? 'http://deb.debian.org/debian';
const KEYS = '/usr/share/keyrings/debian-archive-keyring.gpg';

/** Where everything is kept that was fetched. */
export const cache = process.env.PROCWARD_KERNELS ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'procward-kernels');

/**
 * The directory `name` of the cache, with packages of `suite` in it: `wanted` gives their names, from the names that the suite
 * has. `whole`: with all that they depend on. What is there is not fetched again.
 */
export function unpacked(name, suite, wanted, whole = false) {
  const directory = join(cache, name);
  if (existsSync(directory)) return directory;
  const packages = wanted(whole ? [] : namesOf(suite));
  process.stderr.write(`# fetching ${packages.join(', ')} from ${suite}\n`);
  mkdirSync(cache, { recursive: true });
  // Beside it first: what was interrupted is never taken for whole.
  const scratch = mkdtempSync(join(cache, 'fetching-'));
  const archives = download(suite, packages, scratch, whole);
  const content = join(scratch, 'content');
  mkdirSync(content);
  for (const archive of archives) run('dpkg-deb', ['--extract', archive, content]);
  renameSync(content, directory);
  rmSync(scratch, { recursive: true });
  return directory;
}

/** The newest of the names that match. */
export function newest(names, pattern) {
  const [found] = names.filter((name) => pattern.test(name)).sort((a, b) => b.localeCompare(a, 'en', { numeric: true }));
  if (found === undefined) throw new Error(`no package matches ${pattern}`);
  return found;
}

function download(suite, packages, scratch, whole) {
  const state = updated(suite);
  if (!whole) {
    run('apt-get', [...options(suite), 'download', ...packages], scratch);
    return archivesIn(scratch);
  }
  const archives = join(state, 'var/cache/apt/archives');
  run('apt-get', [...options(suite), '--yes', '--no-install-recommends', '--download-only', 'install', ...packages], scratch);
  return archivesIn(archives);
}

function archivesIn(directory) {
  return readdirSync(directory).filter((name) => name.endsWith('.deb')).map((name) => join(directory, name));
}

function namesOf(suite) {
  updated(suite);
  return run('apt-cache', [...options(suite), 'pkgnames']).split('\n');
}

/** apt's state for that suite, with its lists. */
function updated(suite) {
  const state = join(cache, 'apt', suite);
  if (existsSync(join(state, 'updated'))) return state;
  for (const part of ['etc/sources', 'etc/preferences', 'var/lib/apt/lists/partial', 'var/cache/apt/archives/partial']) {
    mkdirSync(join(state, part), { recursive: true });
  }
  const source = `Types: deb\nURIs: ${MIRROR}\nSuites: ${suite}\nComponents: main\nSigned-By: ${KEYS}\n`;
  writeFileSync(join(state, 'etc/sources/debian.sources'), source);
  for (const empty of ['etc/sources.list', 'status']) writeFileSync(join(state, empty), '');
  run('apt-get', [...options(suite), 'update']);
  writeFileSync(join(state, 'updated'), '');
  return state;
}

function options(suite) {
  const state = join(cache, 'apt', suite);
  const settings = {
    'Dir::State': join(state, 'var/lib/apt'),
    'Dir::State::status': join(state, 'status'),
    'Dir::Cache': join(state, 'var/cache/apt'),
    'Dir::Etc::sourcelist': join(state, 'etc/sources.list'),
    'Dir::Etc::sourceparts': join(state, 'etc/sources'),
    'Dir::Etc::preferences': '/dev/null',
    'Dir::Etc::preferencesparts': join(state, 'etc/preferences'),
    'APT::Architecture': 'amd64',
    'APT::Architectures': 'amd64',
    'APT::Sandbox::User': '',
    'Acquire::Languages': 'none',
    // Old suites are not signed anew.
    'Acquire::Check-Valid-Until': 'false',
  };
  return ['--quiet=2', ...Object.entries(settings).flatMap(([name, value]) => ['--option', `${name}=${value}`])];
}

function run(command, args, cwd = cache) {
  mkdirSync(cwd, { recursive: true });
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd, encoding: 'utf8', maxBuffer: 2 ** 28, timeout: 600_000 });
  if (status !== 0) throw new Error(`${command} ${args.slice(-3).join(' ')}: ${error?.message ?? stderr.trim().slice(-2000)}`);
  return stdout;
}
