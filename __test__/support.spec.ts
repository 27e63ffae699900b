// What it costs to load the package, and what it does where it cannot work.

import {
  copyFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { isSupported, run, version } from 'procward';
import { answer, answerOf, fixture, runNode } from './fixture.ts';
import { packagePath, readSource } from './source.ts';

interface Holdings {
  readonly descriptors: number;
  readonly threads: number;
  readonly ours: number;
}

interface Load {
  readonly extraMs: number;
  readonly before: Holdings;
  readonly after: Holdings;
}

interface Failures {
  readonly isSupported: boolean;
  readonly version: string;
  readonly exported: readonly string[];
  /** How many different error objects. */
  readonly errors: number;
  readonly failures: Record<string, { isOurs: boolean; kind: string; code: string; hint?: string; message: string }>;
}

const LIMIT_MS = 20;
/** The least of several counts: whatever else this machine does can only add to a run. */
const RUNS = 25;

/** These ask nothing of the kernel, so they work everywhere. */
const PURE = [
  ...['decodeWaitStatus', 'isExist', 'isNotExist', 'isPermission', 'isTemporary', 'isTimeout', 'isUnsupported'],
  ...['mockFreezing', 'mockCgroupVersion'],
];
const CLASSES_THAT_ARE_ONLY_RETURNED = ['ProcFile', 'Child', 'ProcwardError'];
/** They take objects that nobody can make without the addon. */
const OUT_OF_REACH = ['freezeAll'];

test('it is supported here, and says its version', (t) => {
  t.true(isSupported);
  t.is(version, (JSON.parse(readSource('package.json')) as { version: string }).version);
});

for (const how of ['import', 'require']) {
  test.serial(`${how} costs less than 20 ms and leaves no thread and no descriptor`, async (t) => {
    let best = Number.POSITIVE_INFINITY;
    // The runtime's own loader opens and closes things at its leisure; what procward left would be there in every run.
    let left = Number.POSITIVE_INFINITY;
    for (let run = 0; run < RUNS && (best >= LIMIT_MS || left > 0); run += 1) {
      const { extraMs, before, after } = (await answerOf('measures-a-load.mjs', how)) as Load;
      t.is(after.ours, 0);
      best = Math.min(best, extraMs);
      left = Math.min(left, after.descriptors - before.descriptors + Math.max(0, after.threads - before.threads));
    }
    t.true(left <= 0, `${left} descriptors or threads`);
    t.true(best < LIMIT_MS, `${best} ms`);
  });
}

test('on another platform it loads, and every function says which platform it is', async (t) => {
  const pretend = 'data:text/javascript,Object.defineProperty(process,"platform",{value:"darwin"})';
  const result = answer(await runNode(['--import', pretend, fixture('calls-everything.mjs')])) as Failures;
  refusesEverything(t, result, /^procward works on Linux only, and this is darwin$/);
});

test('without its addon it loads, and every function tells about optional dependencies', async (t) => {
  const result = await callCopy(t, () => {});
  refusesEverything(t, result, /^The platform package of procward is missing: procward-linux-\w+-(gnu|musl);/);
  const repair = new RegExp(`optional dependency.*\`npm install procward-linux-\\w+-(gnu|musl)@${version}\``);
  for (const { hint } of Object.values(result.failures)) t.regex(hint ?? '', repair);
});

test('a broken addon is told from a missing one', async (t) => {
  const result = await callCopy(t, (copy) => writeFileSync(join(copy, addonName()), 'this is no addon\n'.repeat(100)));
  t.true(result.isSupported, 'it is there, and only use tells that it is broken');
  refusesEverything(t, { ...result, isSupported: false }, /addon cannot be used \(.*\.node: .*invalid ELF header/);
});

test('an addon of another version is refused by a message that names both', async (t) => {
  const result = await callCopy(t, (copy) => {
    copyFileSync(packagePath(addonName()), join(copy, addonName()));
    const dist = join(copy, 'dist');
    for (const name of readdirSync(dist).filter((entry) => entry.endsWith('.js'))) {
      const text = readFileSync(join(dist, name), 'utf8');
      writeFileSync(join(dist, name), text.replaceAll(`"${version}"`, '"9.9.9"'));
    }
  });
  t.is(result.version, '9.9.9');
  const named = new RegExp(`^procward 9\\.9\\.9 .*is version ${version.replaceAll('.', '\\.')}`);
  refusesEverything(t, { ...result, isSupported: false }, named);
});

const onDeno = 'deno' in process.versions ? test : test.skip;
onDeno('what Deno does not permit is said by every function, and what would', async (t) => {
  const program = ['run', '--no-prompt', '--allow-read', '--allow-env', fixture('calls-everything.mjs')];
  const { stdout } = await run(process.execPath, program);
  const result = JSON.parse(stdout.toString()) as Failures;
  t.true(result.isSupported, 'it may be read');
  refusesEverything(t, { ...result, isSupported: false }, /^Deno does not permit this program .* ffi .*--allow-all/);
});

function refusesEverything(t: ExecutionContext, result: Failures, message: RegExp): void {
  t.false(result.isSupported);
  const called = Object.keys(result.failures).map((name) => name.split('.')[0] ?? '');
  const accounted = new Set([...called, ...PURE, ...CLASSES_THAT_ARE_ONLY_RETURNED, ...OUT_OF_REACH]);
  t.deepEqual([...accounted].sort(), [...result.exported].sort());
  t.is(result.errors, Object.keys(result.failures).length, 'an error that was thrown is not thrown again');
  for (const [name, failure] of Object.entries(result.failures)) {
    t.like(failure, { isOurs: true, kind: 'Unsupported', code: 'ERR_PROCWARD_UNSUPPORTED' }, name);
    t.regex(failure.message, message, name);
  }
}

/** Calls everything in a copy of the package that was installed without its addon, and then changed. */
async function callCopy(t: ExecutionContext, change: (copy: string) => void): Promise<Failures> {
  const directory = mkdtempSync(join(tmpdir(), 'procward-copy-'));
  t.teardown(() => rmSync(directory, { recursive: true }));
  const copy = join(directory, 'node_modules', 'procward');
  mkdirSync(copy, { recursive: true });
  for (const entry of ['dist', 'package.json', 'index.d.ts']) {
    cpSync(packagePath(entry), join(copy, entry), { recursive: true });
  }
  change(copy);
  const entry = pathToFileURL(join(copy, 'dist', 'index.js')).href;
  return answer(await runNode([fixture('calls-everything.mjs'), entry])) as Failures;
}

function addonName(): string {
  const name = readdirSync(packagePath()).find((entry) => entry.endsWith('.node'));
  if (name === undefined) throw new Error('the addon was not built');
  return name;
}
