// Packs what is published, as tarballs: procward, and one package for each platform with its addon. The release workflow
// publishes them, and the install test installs them.
//
//   node scripts/pack-release.mjs --addons DIR --out DIR [--stand-ins]
//
// DIR of --addons holds `procward.<platform>.node`, at any depth. One that is missing is an error, unless --stand-ins puts
// a file in its place that is no addon: for trying out what is not meant for this platform anyway.

import { createHash } from 'node:crypto';
import { spawnSync } from 'node:child_process';
import { copyFileSync, cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: { addons: { type: 'string' }, out: { type: 'string' }, 'stand-ins': { type: 'boolean', default: false } },
});
const root = fileURLToPath(new URL('..', import.meta.url));
const addons = resolve(values.addons ?? root);
const out = resolve(values.out ?? 'release');
const napi = join(root, 'node_modules/@napi-rs/cli/dist/cli.js');
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

const stage = mkdtempSync(join(tmpdir(), 'procward-release-'));
process.on('exit', () => rmSync(stage, { recursive: true, force: true }));
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => process.exit(1));

for (const path of [...manifest.files, 'package.json', 'README.md']) {
  cpSync(join(root, path), join(stage, path), { recursive: true });
}

// What platforms there are, and what their packages say of themselves, is napi's business.
run(process.execPath, [napi, 'create-npm-dirs', '--cwd', stage]);
mkdirSync(join(stage, 'artifacts'));
for (const path of addonsBelow(addons)) copyFileSync(path, join(stage, 'artifacts', basename(path)));
const platforms = readdirSync(join(stage, 'npm'));
const missing = platforms.filter((platform) => !existsSync(join(stage, 'artifacts', addonOf(platform))));
if (missing.length > 0 && !values['stand-ins']) fail(`there is no addon for ${missing.join(', ')} in ${addons}`);
for (const platform of missing) writeFileSync(join(stage, 'artifacts', addonOf(platform)), 'a stand-in, and no addon\n');
run(process.execPath, [napi, 'artifacts', '--cwd', stage, '--output-dir', 'artifacts', '--npm-dir', 'npm']);
run(process.execPath, [napi, 'pre-publish', '--cwd', stage, '--tag-style', 'npm', '--skip-optional-publish', '--no-gh-release']);

// What only this repository needs is nobody else's business.
const published = JSON.parse(readFileSync(join(stage, 'package.json'), 'utf8'));
for (const field of ['scripts', 'devDependencies', 'ava', 'napi']) delete published[field];
writeFileSync(join(stage, 'package.json'), `${JSON.stringify(published, null, 2)}\n`);

mkdirSync(out, { recursive: true });
// Platform packages come first: they must be there when procward is published.
const directories = [...platforms.map((platform) => join(stage, 'npm', platform)), stage];
const packing = ['pack', ...directories, '--ignore-scripts', '--json', '--pack-destination', out, '--loglevel=error'];
const packed = Object.values(JSON.parse(run('npm', packing))).map(({ filename }) => filename);
const sums = packed.map((name) => `${createHash('sha256').update(readFileSync(join(out, name))).digest('hex')}  ${name}\n`);
writeFileSync(join(out, 'SHA256SUMS'), sums.join(''));
console.log(sums.join(''));

function addonOf(platform) {
  return `${manifest.napi.binaryName}.${platform}.node`;
}

function addonsBelow(directory) {
  const skipped = ['node_modules', 'target', '.git'];
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) return skipped.includes(entry.name) ? [] : addonsBelow(path);
    return entry.name.endsWith('.node') ? [path] : [];
  });
}

function run(command, args) {
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd: stage, encoding: 'utf8' });
  if (status !== 0) fail(`${basename(command)} ${args.join(' ')} failed: ${error?.message ?? stdout + stderr}`);
  return stdout;
}

function fail(message) {
  console.error(`pack-release: ${message}`);
  process.exit(1);
}
