// Runs the tests of core and addon under what watches memory and threads. What this machine lacks for it is skipped aloud.
//
//   npm run test:sanitizers                    all of it
//   npm run test:sanitizers -- address leaks   these
//
//   address   AddressSanitizer and its search for leaks over the core's tests
//   thread    ThreadSanitizer over tests of processes that race; needs the source of the standard library (rust-src)
//   addon     AddressSanitizer over tests of the facade, with the addon in a node that knows nothing of it
//   leaks     its search for leaks in a node that does each operation many times
//
// The compiler is the usual one, with its unstable options allowed. Each has a directory below target/sanitizers.

import { spawnSync } from 'node:child_process';
import { copyFileSync, cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

process.chdir(fileURLToPath(new URL('..', import.meta.url)));
const scratch = mkdtempSync(join(tmpdir(), 'procward-sanitizers-'));
process.on('exit', () => rmSync(scratch, { recursive: true, force: true }));

const target = output('rustc', ['-vV']).match(/^host: (.*)$/m)[1];
const core = ['kernel', 'procfs', 'process', 'cgroup', 'application'].map((crate) => `--package=procward-${crate}`);
/** It measures memory, of which a sanitizer takes as much as it likes. */
const measures = ['--skip', 'descriptors_and_memory_stay_flat'];
const addonName = `procward.linux-${process.arch}-gnu.node`;
const ROUNDS = process.env.PROCWARD_ROUNDS ?? '20';
const facade = ['features', 'procfs', 'procfile', 'process', 'wait', 'spawn', 'spawn-ends', 'run', 'cgroup', 'freeze', 'membership', 'errors', 'workers'];

const stages = { address, thread, addon, leaks };
const words = process.argv.slice(2);
const unknown = words.filter((word) => !(word in stages));
if (unknown.length > 0) throw new Error(`${unknown.join(', ')}: there are ${Object.keys(stages).join(', ')}`);
let count = 0;
let failed = 0;
for (const name of words.length > 0 ? words : Object.keys(stages)) {
  console.log(`# ${name}`);
  const started = performance.now();
  stages[name]();
  console.log(`# ${name}: ${((performance.now() - started) / 1000).toFixed(0)} s`);
}
process.exitCode = failed > 0 ? 1 : 0;

// --- The core ---------------------------------------------------------------------------------------------------------

function address() {
  // Stacks that outlive their frames belong to a thread; a child is none of those it knows.
  const env = { ASAN_OPTIONS: 'detect_leaks=1:detect_stack_use_after_return=0' };
  test('address', { sanitizer: 'address', env }, [...core, '--lib', '--tests'], measures);
}

function thread() {
  const source = join(output('rustc', ['--print', 'sysroot']).trim(), 'lib/rustlib/src/rust/library');
  // Without it the locks of the standard library are invisible, and all that they guard looks like a race.
  if (!existsSync(source)) return skip('thread', 'rust-src is missing: rustup component add rust-src');
  const env = { TSAN_OPTIONS: 'halt_on_error=0:exitcode=66', PROCWARD_ROUNDS: process.env.PROCWARD_ROUNDS ?? '200' };
  test('thread', { sanitizer: 'thread', env, cargo: ['-Zbuild-std'] }, ['--package=procward-process', '--test=rivals', '--test=wait', '--test=handle']);
}

function test(directory, { sanitizer, env, cargo = [] }, which, options = []) {
  const args = ['test', '--locked', '--no-fail-fast', ...cargo, `--target=${target}`, ...which, '--', ...options];
  check(`${directory} ${which.join(' ')}`, start('cargo', args, { ...building(directory, sanitizer), ...env }));
}

function building(directory, sanitizer) {
  const flags = sanitizer === undefined ? '' : `-Zsanitizer=${sanitizer} --cfg=sanitized`;
  return {
    CARGO_TARGET_DIR: resolve('target/sanitizers', directory),
    CARGO_PROFILE_DEV_DEBUG: 'line-tables-only',
    RUSTC_BOOTSTRAP: '1',
    RUSTFLAGS: `${process.env.RUSTFLAGS ?? ''} ${flags}`.trim(),
  };
}

// --- The addon --------------------------------------------------------------------------------------------------------

function addon() {
  const { tree, env } = sanitizedAddon();
  const files = facade.map((name) => `__test__/${name}.spec.ts`);
  const ava = join(tree, 'node_modules/ava/entrypoints/cli.mjs');
  const status = start(process.execPath, [ava, '--tap', '--timeout=10m', ...files], { ...env, ASAN_OPTIONS: 'detect_leaks=0' }, tree);
  check(`addon ${facade.join(' ')}`, status);
}

/** What counts has the addon on its stack, and was not made by loading it: the classes of an addon stay as long as node does. */
function leaks() {
  const { tree, env } = sanitizedAddon();
  const program = '__test__/repeats-everything.mjs';
  const bundled = ['--bundle', '--packages=external', '--format=esm', '--platform=node', '--target=node20', '--log-level=warning'];
  must('node_modules/.bin/esbuild', ['__test__/repeats-everything.ts', ...bundled, `--outfile=${join(tree, program)}`]);
  const options = {
    ASAN_OPTIONS: `detect_leaks=1:detect_stack_use_after_return=0:fast_unwind_on_malloc=0:log_path=${join(scratch, 'leaks')}`,
    LSAN_OPTIONS: 'exitcode=0',
  };
  check(`leaks: everything ${ROUNDS} times`, start(process.execPath, [program, ROUNDS], { ...env, ...options }, tree));
  const reports = readdirSync(scratch).filter((name) => name.startsWith('leaks.'));
  const records = reports.flatMap((name) => readFileSync(join(scratch, name), 'utf8').split('\n\n'));
  const leaked = records.filter((record) => /^(Direct|Indirect) leak of/m.test(record));
  const ours = leaked.filter((record) => record.includes(addonName) && !record.includes('napi_register_module_v1'));
  for (const record of ours) console.log(record.replaceAll(/^/gm, '    '));
  // Without those there was no search.
  check(`leaks: ours are none of ${leaked.length}`, leaked.length > 0 && ours.length === 0 ? 0 : 1);
}

/** A copy of what the tests need, with an addon that has the sanitizer in it; and what node has to be told to load it. */
function sanitizedAddon() {
  const tree = join(scratch, 'tree');
  // It is the C compiler's: node is no program of Rust's. What compiled code calls in it has the same names.
  const env = { LD_PRELOAD: output('cc', ['-print-file-name=libasan.so']).trim() };
  if (existsSync(tree)) return { tree, env };
  must('cargo', ['build', '--locked', '--package=procward-node', `--target=${target}`], building('addon', 'address'));
  for (const path of ['package.json', 'tsconfig.json', 'index.d.ts', 'snap.d.ts', 'testing.d.ts', 'src', 'dist', '__test__']) {
    cpSync(path, join(tree, path), { recursive: true });
  }
  symlinkSync(resolve('node_modules'), join(tree, 'node_modules'));
  copyFileSync(join('target/sanitizers/addon', target, 'debug/libprocward_node.so'), join(tree, addonName));
  return { tree, env };
}

// --- Running ----------------------------------------------------------------------------------------------------------

function start(command, args, env, cwd = '.') {
  const { status, signal, error } = spawnSync(command, args, { stdio: ['ignore', 'inherit', 'inherit'], env: { ...process.env, ...env }, cwd });
  if (error !== undefined) throw error;
  return status ?? signal;
}

function must(command, args, env) {
  const status = start(command, args, env);
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${status}`);
}

function output(command, args) {
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} failed: ${error?.message ?? stderr}`);
  return stdout;
}

function check(title, status) {
  count += 1;
  if (status !== 0) failed += 1;
  console.log(`${status === 0 ? 'ok' : 'not ok'} ${count} - ${title}${status === 0 ? '' : ` ended with ${status}`}`);
}

function skip(title, reason) {
  count += 1;
  console.log(`ok ${count} - ${title} # SKIP ${reason}`);
}
