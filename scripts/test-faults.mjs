// Has every system call of every public operation fail, and prints what became of it: __test__/faults, bundled into one plain
// program, so that nothing but Node and procward runs, below the program `faults` of the testkit.
//
//   npm run test:faults                       each call in one way, and the next one in the next
//   PROCWARD_FAULTS=1 npm run test:faults     each call in every way, with the table of calls and errors
//   npm run test:faults -- freeze run         what has one of these in its title

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

process.chdir(fileURLToPath(new URL('..', import.meta.url)));
const directory = 'target/faults';
await build({
  entryPoints: ['__test__/faults/main.ts', '__test__/faults/first.ts'],
  outdir: directory,
  outExtension: { '.js': '.mjs' },
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  external: ['procward', 'procward/snap'],
  sourcemap: 'inline',
  logLevel: 'warning',
});
const supervised = ['run', '--quiet', '--locked', '--bin', 'faults', '--'];
const program = [process.execPath, '--enable-source-maps', `${directory}/main.mjs`, ...process.argv.slice(2)];
// Mounts of others come and go; in a namespace of our own only ours do.
const apart = process.getuid() === 0 ? ['unshare', '--mount', '--propagation', 'private'] : [];
const [command, ...args] = [...apart, 'cargo', ...supervised, ...program];
const { status, error } = spawnSync(command, args, { stdio: 'inherit' });
if (error !== undefined) throw error;
process.exitCode = status ?? 1;
