// The command line: `procward run`.

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import test, { type ExecutionContext } from 'ava';
import { Cgroup, features, run, spawn } from 'procward';
import { procward, QUOTED, running, start, WORDS } from './command-line.ts';
import { fixture } from './fixture.ts';
import { needing } from './needs.ts';
import { scratchGroup } from './scratch.ts';

/** Taken from standard error, where the report stands behind what else was said. */
function reportOf({ stderr }: { stderr: string }): Record<string, unknown> {
  return JSON.parse(stderr.trim().split('\n').at(-1) ?? '') as Record<string, unknown>;
}

/** A number of seconds that no other test sleeps. */
let seconds = 2_000_000 + process.pid * 10;
function marker(t: ExecutionContext): string {
  seconds += 1;
  const word = String(seconds);
  t.teardown(async () => {
    for (const pid of await running(word)) process.kill(pid, 'SIGKILL');
  });
  return word;
}

test('the exit code is the command’s, and its streams are ours', async (t) => {
  const ended = await procward(['run', '--', 'sh', '-c', 'echo out; echo err >&2; exit 7']);
  t.is(ended.code, 7);
  t.is(ended.stdout, 'out\n');
  t.regex(ended.stderr, /^err$/m);
});

test('what cannot be run is told apart: killed, not found, not executable, not ours', async (t) => {
  const rows: [string[], number, RegExp][] = [
    [['sh', '-c', 'kill -USR1 $$'], 138, /^$/],
    [['/no/such/program'], 127, /ENOENT.*\/no\/such\/program/],
    [['/etc/passwd'], 126, /EACCES.*\/etc\/passwd/],
    [['--cwd', '/no/such/directory', 'true'], 125, /\/no\/such\/directory/],
  ];
  await Promise.all(
    rows.map(async ([args, code, what]) => {
      const ended = await procward(['run', ...args]);
      t.is(ended.code, code, ended.stderr);
      t.regex(ended.stderr.replace(/^procward: no control group.*\n/, ''), what);
    }),
  );
});

test('options end where the command begins', async (t) => {
  const ended = await procward(['run', 'sh', '-c', 'echo "$@"', 'sh', '--timeout', '--json', '-s']);
  t.like(ended, { code: 0, stdout: '--timeout --json -s\n' });
});

test('--json reports how it went', async (t) => {
  const ended = await procward(['run', '--json', 'sh', '-c', 'exit 3']);
  t.is(ended.code, 3);
  t.like(reportOf(ended), {
    command: ['sh', '-c', 'exit 3'],
    exit: { type: 'exited', code: 3 },
    exitCode: 3,
    timedOut: false,
  });
});

test('limits of a process, directory, new privileges', async (t) => {
  const script = 'ulimit -Sn; ulimit -Hc; pwd; grep NoNewPrivs /proc/self/status';
  const options = ['--limit', 'nofile=77', '--limit', 'core=0', '--cwd', '/', '--no-new-privileges'];
  const { code, stdout } = await procward(['run', ...options, 'sh', '-c', script]);
  t.is(code, 0);
  t.is(stdout, '77\n0\n/\nNoNewPrivs:\t1\n');
});

needing('root')('another user, with the groups of that user', async (t) => {
  const { code, stdout } = await procward(['run', '--user', 'nobody', 'sh', '-c', 'id -u; id -g']);
  t.is(code, 0);
  t.regex(stdout, /^65534\n\d+\n$/);
  t.is((await procward(['run', '--user', '12345:54321', 'sh', '-c', 'id -u; id -G'])).stdout, '12345\n54321\n');
});

needing('userns')('new namespaces, in which everybody is who they are', async (t) => {
  const { code, stdout, stderr } = await procward([
    'run',
    '--namespaces',
    'user,pid,uts',
    'sh',
    '-c',
    'echo $$; id -u',
  ]);
  t.is(code, 0, stderr);
  t.is(stdout, `1\n${process.getuid?.()}\n`);
});

const grouped = needing('cgroup2');

grouped('the command has a group of its own, which is gone afterwards', async (t) => {
  const ended = await procward(['run', '--json', '--require-group', 'cat', '/proc/self/cgroup']);
  const { group } = reportOf(ended) as { group: string };
  t.regex(group, /\/procward-run-\d+-[0-9a-f]{8}$/);
  t.true(ended.stdout.split('\n').includes(`0::${group}`), ended.stdout);
  t.throws(() => Cgroup.open(group), { message: /ENOENT/ });
});

grouped('nothing is left when time is up, however it forked', async (t) => {
  const word = marker(t);
  const ended = await procward(['run', '--timeout', '1s', 'sh', fixture('leaves-its-parent.sh'), word]);
  t.like(ended, { code: 124, stdout: 'started\n', stderr: 'procward: time was up after 1 s\n' });
  t.deepEqual(await running(word), []);
});

grouped('nothing is left when the command ends, nor what does not listen', async (t) => {
  const word = marker(t);
  const script = `(setsid sh -c 'trap "" TERM; sleep ${word}; sleep ${word}' >/dev/null 2>&1 &); (sleep ${word} &); exit 5`;
  const ended = await procward(['run', '--grace', '300ms', 'sh', '-c', script]);
  t.like(ended, { code: 5, stderr: '' });
  t.deepEqual(await running(word), []);
});

grouped('TERM goes to the whole tree and ends it; INT is passed on, and the command decides', async (t) => {
  const word = marker(t);
  const first = start(t, ['run', 'sh', fixture('leaves-its-parent.sh'), word]);
  t.is(await first.line(), 'started');
  first.signal('SIGTERM');
  t.like(await first.end(), { code: 143 });
  t.deepEqual(await running(word), []);
  const script = `trap 'echo caught; exit 9' INT; echo ready; while :; do sleep 0.05; done`;
  const second = start(t, ['run', 'sh', '-c', script]);
  t.is(await second.line(), 'ready');
  second.signal('SIGINT');
  t.like(await second.end(), { code: 9, stdout: 'caught\n' });
});

grouped('who asks twice does not wait for the grace', async (t) => {
  const deaf = start(t, [
    'run',
    '--grace',
    '1h',
    'sh',
    '-c',
    `trap 'echo asked' TERM; echo ready; while :; do sleep 0.05; done`,
  ]);
  t.is(await deaf.line(), 'ready');
  deaf.signal('SIGTERM');
  t.is(await deaf.line(), 'asked');
  deaf.signal('SIGTERM');
  t.like(await deaf.end(), { code: 137 });
});

grouped('the command ends with us, even if we are killed', async (t) => {
  const word = marker(t);
  const child = start(t, ['run', 'sh', '-c', `echo ready; exec sleep ${word}`]);
  t.is(await child.line(), 'ready');
  const group = readFileSync(`/proc/${(await running(word))[0]}/cgroup`, 'utf8').match(/^0::(.*)$/m)?.[1] ?? '';
  child.signal('SIGKILL');
  await child.end();
  const left = Cgroup.open(group);
  await left.kill();
  await left.remove();
  left.close();
  t.deepEqual(await running(word), []);
});

needing('cgroup2', 'memory1')('a command that takes too much memory is killed, and that is said', async (t) => {
  // Of a line that does not end it keeps all.
  const hog = ['tail', '/dev/zero'];
  const ended = await procward(['run', '--memory', '64M', ...hog]);
  t.is(ended.code, 137);
  t.is(ended.stderr, 'procward: out of memory: a process of the command was killed, at the limit of 64 MiB\n');
  const report = reportOf(await procward(['run', '--memory', '64M', '--json', ...hog]));
  t.like(report, { outOfMemoryKills: 1, exitCode: 137, exit: { signal: 'SIGKILL' } });
  t.is(report['memoryPeakBytes'], 64 << 20);
});

needing(
  'cgroup2',
  'pids1',
  'cpu1',
)('limits of version 1 hold for the tree', async (t) => {
  const script = 'cat /proc/self/cgroup; (sleep 0.1 & sleep 0.1 & sleep 0.1 & sleep 0.1 & wait) 2>&1';
  const { stdout } = await procward(['run', '--pids', '4', '--cpu', '0.5', 'sh', '-c', script]);
  t.regex(stdout, /[:,]pids(,\S*)?:.*\/procward-run-/);
  t.regex(stdout, /[:,]cpu(,\S*)?:.*\/procward-run-/);
  t.regex(stdout, /[Cc]annot fork|Resource temporarily unavailable/);
});

needing('cgroup2', 'pids1')('a child begins in one group of each hierarchy', async (t) => {
  const [two, one] = [scratchGroup(t), scratchGroup(t, { controller: 'pids' })];
  await using child = await spawn('sleep', ['1000'], { stdio: 'ignore', cgroup: [two, one] });
  t.deepEqual([two.contains(child.pid), one.contains(child.pid)], [true, true]);
  await t.throwsAsync(spawn('true', [], { cgroup: [two, '/no/such/group'] }), { message: /ENOENT/ });
  t.throws(() => spawn('true', [], { cgroup: [two, 'x'] }), { message: /"options.cgroup\[1\]"/ });
});

/** As somebody who may make no groups: an ordinary user, without systemd. */
const ungrouped = process.getuid?.() === 0 || features().cgroup_v2_write.status !== 'yes' ? test : test.skip;
const asOrdinary = process.getuid?.() === 0 ? { credentials: { uid: 65534, gid: 65534 } } : {};
const asNobody = (args: string[]) =>
  run(WORDS[0], [...WORDS.slice(1), 'run', ...args], { ...asOrdinary, env: { PATH: process.env['PATH'], HOME: '/' } });

ungrouped('without a group that is said once, and what forked away is found all the same', async (t) => {
  const word = marker(t);
  const { exit, stdout, stderr } = await asNobody(['--timeout', '1s', 'sh', fixture('leaves-its-parent.sh'), word]);
  t.like(exit, { code: 124 }, stderr.toString());
  t.is(stdout.toString(), 'started\n');
  t.regex(stderr.toString(), /^procward: no control group, .* can outlive the command: .*\nprocward: time was up/);
  t.deepEqual(await running(word), []);
});

ungrouped('without a group what was left behind ends with the command', async (t) => {
  const word = marker(t);
  const script = `(setsid sleep ${word} >/dev/null 2>&1 &); (sleep ${word} >/dev/null 2>&1 &); exit 6`;
  const { exit } = await asNobody(['sh', '-c', script]);
  t.like(exit, { code: 6 });
  t.deepEqual(await running(word), []);
});

ungrouped('a limit or a group that cannot be had is refused, and nothing runs', async (t) => {
  for (const [option, what] of [
    [['--memory', '64M'], 'the limits'],
    [['--require-group'], 'the group'],
  ] as const) {
    const { exit, stdout, stderr } = await asNobody([...option, 'echo', 'ran']);
    t.like(exit, { code: 125 });
    t.is(stdout.toString(), '');
    t.true(stderr.toString().startsWith(`procward: ${what} cannot be had here: `), stderr.toString());
  }
});

const script = spawnSync('script', ['--version']).status === 0 ? grouped : test.skip;

script('at a terminal ^C reaches the command once', (t) => {
  // Asks the terminal itself for ^C: everybody in its foreground gets the signal, we among them.
  const command = `trap 'echo caught' INT; stty isig; echo ready; sleep 0.3; kill -INT 0; sleep 0.5; exit 4`;
  const { stdout, status } = spawnSync(
    'script',
    // Without the shell between: ^C would end that one.
    ['-qec', `exec ${QUOTED} run sh -c "${command.replaceAll('$', '\\$')}"`, '/dev/null'],
    { encoding: 'utf8' },
  );
  t.is(status, 4);
  t.is(stdout.split('caught').length - 1, 1, stdout);
});
