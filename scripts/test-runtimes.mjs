// Runs the facade's tests on other runtimes than the one that runs this, and prints TAP. The runtimes are packages, fetched
// into a directory that is removed in the end; under Node the tests run by ava, elsewhere by __test__/runtimes.
//
//   npm run test:runtimes                       everything on every runtime
//   npm run test:runtimes -- bun deno           on these
//   npm run test:runtimes -- --short            what every change is tried with: a few files, on the newest of each
//   npm run test:runtimes -- bun wait spawn     these test files
//   PROCWARD_RUNTIMES=DIR npm run …             keeps the runtimes there, and uses what is there

import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, delimiter, dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const home = '__test__/runtimes';
process.chdir(root);

const NODES = ['node20', 'node22', 'node24', 'node26'];
const SHORT = { runtimes: ['node26', 'bun', 'deno'], files: ['features', 'procfs', 'process', 'wait', 'spawn', 'cgroup', 'child-process'] };
/** What says how things are printed, which each runtime does in its own way. */
const NODE_ONLY = ['snippets'];
/** For one file on a runtime without ava; a hanging one must not hang the rest. */
const LIMIT_MS = 420_000;
/** There are two processors on the smallest machine that this is run on. */
const AT_ONCE = 2;

const words = process.argv.slice(2);
const short = words.includes('--short');
const known = JSON.parse(readFileSync(join(home, 'known-failures.json'), 'utf8'));
const named = words.filter((word) => [...NODES, 'bun', 'deno'].includes(word));
const runtimes = named.length > 0 ? named : short ? SHORT.runtimes : [...NODES, 'bun', 'deno'];
const wanted = words.filter((word) => !word.startsWith('--') && !named.includes(word));
const files = readdirSync('__test__')
  .filter((name) => name.endsWith('.spec.ts'))
  .filter((name) => {
    const subject = basename(name, '.spec.ts');
    return wanted.length > 0 ? wanted.includes(subject) : !short || SHORT.files.includes(subject);
  })
  .map((name) => join('__test__', name));

const kept = process.env.PROCWARD_RUNTIMES;
const scratch = mkdtempSync(join(tmpdir(), 'procward-runtimes-'));
// Some tests run it as somebody else.
chmodSync(scratch, 0o755);
const directory = kept ?? scratch;
const running = new Set();
process.on('exit', () => rmSync(scratch, { recursive: true, force: true }));
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () => {
    for (const child of running) endGroup(child);
    process.exit(1);
  });
}

let passed = 0;
let failed = 0;
let skipped = 0;
fetchRuntimes();
for (const runtime of runtimes) {
  const started = performance.now();
  if (runtime.startsWith('node')) report(runtime, [await runNode(runtime)]);
  else report(runtime, await runEach(runtime));
  console.log(`# ${runtime}: ${((performance.now() - started) / 1000).toFixed(1)} s`);
}
console.log(`# ${passed} passed, ${failed} failed, ${skipped} skipped or known to fail`);
process.exitCode = failed > 0 || passed === 0 ? 1 : 0;

/** As the lock file has them, whole or not at all. */
function fetchRuntimes() {
  if (runtimes.every((runtime) => existsSync(programOf(runtime)))) return;
  for (const name of ['package.json', 'package-lock.json']) cpSync(join(home, name), join(directory, name));
  cpSync('.npmrc', join(directory, '.npmrc'));
  const extra = runtimes.every((runtime) => SHORT.runtimes.includes(runtime)) ? ['--omit=dev'] : [];
  const npm = ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error', ...extra];
  const { status } = spawnSync('npm', npm, { cwd: directory, stdio: ['ignore', 2, 2] });
  if (status !== 0) throw new Error('the runtimes could not be fetched');
}

function programOf(runtime) {
  const inside = { bun: '@oven/bun-linux-x64/bin/bun', deno: '@deno/linux-x64-glibc/deno' }[runtime] ?? `${runtime}/bin/node`;
  return join(directory, 'node_modules', inside);
}

/** All files by ava itself, which the runtime runs. */
function runNode(runtime) {
  const ava = join(root, 'node_modules/ava/entrypoints/cli.mjs');
  return run(runtime, [ava, '--tap', ...files], 3 * LIMIT_MS);
}

/** File by file, a few at once. */
async function runEach(runtime) {
  const before = {
    bun: ['--no-install', `--tsconfig-override=${home}/bun.json`],
    deno: ['run', '--allow-all', '--no-lock', '--no-config', '--no-remote', '--node-modules-dir=manual', `--import-map=${home}/deno.json`],
  }[runtime];
  const outputs = [];
  const left = files.filter((file) => !NODE_ONLY.includes(basename(file, '.spec.ts')));
  const worker = async () => {
    for (let file = left.shift(); file !== undefined; file = left.shift()) {
      outputs.push(await run(runtime, [...before, join(home, 'runs-a-file.ts'), file], LIMIT_MS));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return outputs;
}

async function run(runtime, args, limitMs) {
  const program = programOf(runtime);
  const env = {
    ...process.env,
    // A test that starts `node` gets this one.
    PATH: `${dirname(program)}${delimiter}${process.env.PATH}`,
    DENO_DIR: join(scratch, 'deno'),
    DENO_NO_UPDATE_CHECK: '1',
    NO_COLOR: '1',
  };
  // A group of its own: what a hanging test started would keep our ends of the pipes waiting.
  const child = spawn(program, args, { env, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  const timer = setTimeout(() => endGroup(child), limitMs);
  running.add(child);
  const ended = new Promise((resolve, reject) => {
    child.once('error', reject).once('close', (code, signal) => resolve(signal ?? code));
  });
  const [stdout, stderr, status] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  running.delete(child);
  clearTimeout(timer);
  return { subject: args.at(-1), stdout, stderr, status };
}

function endGroup(child) {
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    // It has ended.
  }
}

/**
 * What is known to fail must fail, unless it does so only sometimes: or what the documentation says of this runtime is out of
 * date.
 */
function report(runtime, outputs) {
  const causes = new Map(Object.entries(known[runtime] ?? {}));
  for (const { subject, stdout, stderr, status } of outputs) {
    let counted = 0;
    for (const line of stdout.split('\n')) {
      const [, not, title] = /^(not )?ok \d+ - (.*)$/.exec(line) ?? [];
      if (title === undefined) {
        if (/^ {2}/.test(line)) console.log(line);
        continue;
      }
      counted += 1;
      const cause = causes.get(title);
      if (/# (SKIP|TODO)/.test(title)) tell('skipped', 'ok', runtime, title);
      else if (not !== undefined && cause !== undefined) tell('skipped', 'not ok', runtime, `${title} # TODO ${cause}`);
      else if (not !== undefined) tell('failed', 'not ok', runtime, title);
      else if (cause !== undefined && !cause.startsWith('sometimes: ')) tell('failed', 'not ok', runtime, `${title}: passes, and is listed in ${home}/known-failures.json`);
      else tell('passed', 'ok', runtime, title);
    }
    const explained = counted > 0 && (status === 0 || /^not ok/m.test(stdout));
    if (!explained) {
      tell('failed', 'not ok', runtime, `${subject} ended with ${status} after ${counted} tests`);
      console.log(stderr.slice(-4000).replaceAll(/^/gm, '    '));
    }
  }
}

function tell(what, result, runtime, title) {
  if (what === 'passed') passed += 1;
  if (what === 'failed') failed += 1;
  if (what === 'skipped') skipped += 1;
  console.log(`${result} ${passed + failed + skipped} - ${runtime}: ${title}`);
}
