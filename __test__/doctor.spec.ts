// The command line: `procward doctor`.

import test from 'ava';
import { cgroupLayout, features, procfs, version } from 'procward';
import { answer, runNode } from './fixture.ts';
import { packagePath } from './source.ts';

const MAIN = packagePath('dist/cli/main.js');
const ESCAPE = String.fromCharCode(27);

function procward(args: readonly string[], colours: Record<string, string> = {}) {
  const { NO_COLOR: _no, FORCE_COLOR: _force, ...env } = process.env;
  return runNode([MAIN, ...args], { env: { ...env, ...colours } });
}

test('doctor --json prints what the library says', async (t) => {
  const ended = await procward(['doctor', '--json']);
  t.is(ended.stderr, '');
  const diagnosis = answer(ended) as Record<'user' | 'features' | 'procfs' | 'cgroups', unknown>;
  t.deepEqual(Object.keys(diagnosis), [
    'procward',
    'runtime',
    'platform',
    'kernel',
    'container',
    'supported',
    'user',
    'procfs',
    'cgroups',
    'features',
  ]);
  t.like(diagnosis, { procward: version, platform: `linux ${process.arch}`, supported: true });
  t.like(diagnosis.user, { uid: process.getuid?.() ?? -1 });
  t.deepEqual(diagnosis.features, features());
  t.deepEqual(diagnosis.procfs, JSON.parse(JSON.stringify(procfs().info)));
  t.deepEqual(diagnosis.cgroups, cgroupLayout());
});

test('doctor prints facts and features, aligned, with reasons where something is missing', async (t) => {
  const ended = await procward(['doctor']);
  t.like(ended, { code: 0, stderr: '' });
  const lines = ended.stdout.split('\n');
  for (const fact of ['procward', 'kernel', 'container', 'user', 'procfs', 'cgroups']) {
    t.true(
      lines.some((line) => line.startsWith(fact.padEnd(11))),
      fact,
    );
  }
  const report = Object.entries(features());
  const rows = lines.filter((line) => /^[✔◐✖] /.test(line));
  t.deepEqual(
    rows.map((row) => row.split(/\s+/)[1]),
    report.map(([name]) => name),
  );
  const column = 4 + Math.max(...report.map(([name]) => name.length));
  for (const [at, [name, { status, since, reason = '', fallback = '', fix = '' }]] of report.entries()) {
    t.is(rows[at]?.slice(column, column + since.length), since, name);
    t.is(rows[at]?.[0], { yes: '✔', degraded: '◐', no: '✖' }[status], name);
    for (const text of [reason, fallback, fix]) t.true(ended.stdout.includes(text), name);
  }
  const working = report.filter(([, { status }]) => status === 'yes').length;
  t.regex(ended.stdout, new RegExp(`^${working} work, \\d+ have a fallback, \\d+ are missing$`, 'm'));
});

test('colours are for terminals, unless they are asked for or refused', async (t) => {
  t.false((await procward(['doctor'])).stdout.includes(ESCAPE));
  t.true((await procward(['doctor'], { FORCE_COLOR: '1' })).stdout.includes(`${ESCAPE}[`));
  t.false((await procward(['doctor'], { FORCE_COLOR: '1', NO_COLOR: '1' })).stdout.includes(ESCAPE));
  t.false((await procward(['doctor', '--json'], { FORCE_COLOR: '1' })).stdout.includes(ESCAPE));
});

test('on another platform doctor says so, and fails', async (t) => {
  const pretend = 'data:text/javascript,Object.defineProperty(process,"platform",{value:"darwin"})';
  const ended = await runNode(['--import', pretend, MAIN, 'doctor', '--json']);
  t.is(ended.code, 1);
  t.like(JSON.parse(ended.stdout), { supported: false, features: null, procfs: null, cgroups: null });
  t.regex(ended.stdout, /works on Linux only, and this is darwin/);
});

for (const args of [['docter'], ['doctor', '--jsno'], ['doctor', 'extra'], []]) {
  test(`procward ${args.join(' ')} fails, and shows how it is used`, async (t) => {
    const ended = await procward(args);
    t.not(ended.code, 0);
    t.is(ended.stdout, '');
    t.regex(ended.stderr, /^Usage: procward/m);
  });
}

test('--version and --help answer', async (t) => {
  t.like(await procward(['--version']), { code: 0, stdout: `${version}\n`, stderr: '' });
  const help = await procward(['--help']);
  t.like(help, { code: 0, stderr: '' });
  t.regex(help.stdout, /^ +doctor /m);
});
