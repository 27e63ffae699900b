// The changelog says what the next version is: "Unreleased" becomes a version, and the manifests follow.
//
//   node scripts/prepare-release.mjs           makes the release of what stands under "Unreleased"; commit what it changed
//   node scripts/prepare-release.mjs --check   prints the version that was released last, if the manifests agree
//   node scripts/prepare-release.mjs --notes   prints what it says about that
//
// A section "Removed", or an entry that starts with "**Break:**", makes a new major version (before 1.0: minor); "Added",
// "Changed" and "Deprecated" a minor one; anything else a patch. The first release is the version that the manifests have.

import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

process.chdir(fileURLToPath(new URL('..', import.meta.url)));
const UNRELEASED = '## [Unreleased]\n';
const changelog = readFileSync('CHANGELOG.md', 'utf8');
const manifest = JSON.parse(readFileSync('package.json', 'utf8'));
const releases = [...changelog.matchAll(/^## \[(\d+\.\d+\.\d+)\] - \d{4}-\d{2}-\d{2}\n(.*?)(?=^## |(?![^]))/gms)];

const [mode] = process.argv.slice(2);
if (mode === '--check') check();
else if (mode === '--notes') console.log(latest()[2].trim());
else prepare();

function latest() {
  return releases[0] ?? fail('CHANGELOG.md has released nothing: run scripts/prepare-release.mjs, and commit');
}

function check() {
  const [, version] = latest();
  const cargo = /^version = "(.*)"$/m.exec(readFileSync('Cargo.toml', 'utf8'))?.[1];
  if (manifest.version !== version || cargo !== version) {
    fail(`CHANGELOG.md has ${version}, package.json ${manifest.version}, Cargo.toml ${cargo}`);
  }
  console.log(version);
}

function prepare() {
  const from = changelog.indexOf(UNRELEASED);
  const rest = changelog.slice(from + UNRELEASED.length);
  const changes = rest.split(/^## /m)[0];
  if (from < 0 || !/^- /m.test(changes)) fail('nothing stands under "Unreleased"');
  const version = releases.length === 0 ? manifest.version : next(manifest.version, changes);
  const date = new Date().toISOString().slice(0, 10);
  writeFileSync('CHANGELOG.md', `${changelog.slice(0, from)}${UNRELEASED}\n## [${version}] - ${date}\n${rest}`);
  const cargo = readFileSync('Cargo.toml', 'utf8');
  writeFileSync('Cargo.toml', cargo.replace(`version = "${manifest.version}"`, `version = "${version}"`));
  if (version !== manifest.version) must('npm', ['version', version, '--no-git-tag-version']);
  must('cargo', ['update', '--workspace', '--offline']);
  // The fuzzers are a workspace of their own, whose dependencies need not be here: cargo could not resolve them offline.
  const fuzz = readFileSync('fuzz/Cargo.lock', 'utf8');
  writeFileSync('fuzz/Cargo.lock', fuzz.replaceAll(/(?<=^name = "procward-(?!fuzz").*"\nversion = ").*(?="$)/gm, version));
  console.log(version);
}

function next(version, changes) {
  const [major, minor, patch] = version.split('.').map(Number);
  if (/^### Removed$/m.test(changes) || /^- \*\*Break:\*\*/m.test(changes)) {
    return major === 0 ? `0.${minor + 1}.0` : `${major + 1}.0.0`;
  }
  return /^### (Added|Changed|Deprecated)$/m.test(changes) ? `${major}.${minor + 1}.0` : `${major}.${minor}.${patch + 1}`;
}

function must(command, args) {
  const { status } = spawnSync(command, args, { stdio: ['ignore', 2, 2] });
  if (status !== 0) fail(`${command} ${args.join(' ')} failed`);
}

function fail(message) {
  console.error(`prepare-release: ${message}`);
  process.exit(1);
}
