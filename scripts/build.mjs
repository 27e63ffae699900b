// Makes a checkout ready to use: dependencies, addon, TypeScript, public types. What is up to date is left alone.

import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync, statSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
process.chdir(root);

const rust = ['Cargo.toml', 'Cargo.lock', 'crates'];
const typescript = ['src', 'tsconfig.json'];
const { version } = JSON.parse(readFileSync('package.json', 'utf8'));
const addon = `procward.linux-${process.arch}-gnu.node`;

const bundled = ['--bundle', '--splitting', '--format=esm', '--platform=node', '--target=node20', '--packages=external', '--sourcemap', '--keep-names',
  '--log-level=warning', `--define:PROCWARD_VERSION=${JSON.stringify(version)}`, '--outdir=dist'];

/** Each step: what it makes, from what, and how. A step runs when something it is made from is newer than what it makes. */
const steps = [
  { name: 'dependencies', makes: 'node_modules/.package-lock.json', from: ['package-lock.json'], run: ['npm', 'install', '--no-audit', '--no-fund'] },
  {
    name: 'addon (Rust)',
    makes: addon,
    from: rust,
    run: ['npx', 'napi', 'build', '--platform', '--release', '--no-js', '--no-const-enum', '--dts', 'src/addon.d.ts',
      '--manifest-path', 'crates/node/Cargo.toml', '--package', 'procward-node', '--output-dir', '.', '--', '--locked'],
  },
  {
    // Few files instead of one for each concern: a module costs half a millisecond to load.
    name: 'TypeScript',
    makes: 'dist/index.js',
    replaces: 'dist',
    from: [...typescript, 'package.json', 'node_modules/.package-lock.json'],
    run: ['npx', 'esbuild', 'src/index.ts', 'src/snap.ts', 'src/testing.ts', ...bundled],
  },
  {
    // By itself, or the library would be cut into as many pieces as there are commands. A command is loaded when it is asked for.
    name: 'command line',
    makes: 'dist/cli/main.js',
    from: [...typescript, 'dist/index.js'],
    run: ['npx', 'esbuild', 'src/cli/main.ts', '--outbase=src', ...bundled],
  },
  {
    // One program for the types of every entry: making it is what takes the time.
    name: 'public types',
    makes: 'index.d.ts',
    from: [...typescript, 'scripts/types.json', 'node_modules/.package-lock.json'],
    run: ['npx', 'dts-bundle-generator', '--silent', '--config', 'scripts/types.json'],
  },
];

const only = process.argv.slice(2);
for (const step of steps) {
  if (only.length > 0 && !only.some((word) => step.name.startsWith(word))) continue;
  if (existsSync(step.makes) && statSync(step.makes).mtimeMs >= newest(step.from)) continue;
  build(step);
}

function build({ name, makes, replaces, run: [command, ...args] }) {
  const started = performance.now();
  console.error(`procward: building ${name} …`);
  if (replaces !== undefined) rmSync(replaces, { recursive: true, force: true });
  const { status, error } = spawnSync(command, args, { stdio: ['ignore', 2, 2] });
  if (status !== 0) {
    console.error(`procward: building ${name} failed (${error?.message ?? `${command} ended with ${status}`})`);
    process.exit(1);
  }
  // Tools leave an output alone that would not change; the date says that it is current all the same.
  const now = new Date();
  utimesSync(makes, now, now);
  console.error(`procward: built ${name} in ${((performance.now() - started) / 1000).toFixed(1)} s`);
}

function newest(paths) {
  return Math.max(0, ...paths.filter((path) => existsSync(path)).map(newestBelow));
}

function newestBelow(path) {
  const stats = statSync(path);
  if (!stats.isDirectory()) return stats.mtimeMs;
  // The addon's declarations are written by its own build.
  const entries = readdirSync(path).filter((entry) => entry !== 'addon.d.ts');
  return Math.max(0, ...entries.map((entry) => newestBelow(join(path, entry))));
}
