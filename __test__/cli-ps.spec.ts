// The command line: `procward ps`, `tree`, `info`, `proc`.

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import test, { type ExecutionContext } from 'ava';
import { Process, run, spawn as start } from 'procward';
import { procward, procwardJson, running, WORDS } from './command-line.ts';
import { fixture } from './fixture.ts';
import { needing } from './needs.ts';
import { scratchGroup } from './scratch.ts';

interface Row {
  pid: number;
  ppid: number;
  startTime: string;
  user: string | null;
  uid: number;
  state: string;
  kernelThread: boolean;
  reparented: boolean;
  name: string;
  args: string[];
  residentBytes: number;
  cpuMs: number;
  startedAt: string;
  children?: Row[];
}

/** A program that shows whatever it is told to as its arguments. */
async function sleeper(t: ExecutionContext, ...words: string[]) {
  const child = spawn('sh', ['-c', 'echo started; read -r _', ...words], { stdio: ['pipe', 'pipe', 'ignore'] });
  t.teardown(() => child.kill('SIGKILL'));
  await once(child.stdout, 'data');
  return child;
}

test('ps --json tells of a process what /proc says of it', async (t) => {
  const child = await sleeper(t, 'two words', '');
  const rows = await procwardJson<Row[]>('ps');
  const row = rows.find(({ pid }) => pid === child.pid);
  const stat = readFileSync(`/proc/${child.pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  t.like(row, {
    ppid: process.pid,
    startTime: fields[19],
    uid: process.getuid?.() ?? -1,
    kernelThread: false,
    reparented: false,
    name: 'sh',
    args: ['sh', '-c', 'echo started; read -r _', 'two words', ''],
  });
  t.true((row?.residentBytes ?? 0) > 4096);
  t.true(Math.abs(Date.parse(row?.startedAt ?? '') - Date.now()) < 60_000);
  // A procfs that hides whom we may not trace hides init from root in some virtual machines.
  t.is(
    rows.some(({ pid }) => pid === 1),
    readdirSync('/proc').includes('1'),
  );
  t.deepEqual(
    rows.map(({ pid }) => pid),
    rows.map(({ pid }) => pid).toSorted((a, b) => a - b),
  );
});

test('ps prints a row for each, and only those that are asked for', async (t) => {
  const [one, two] = [await sleeper(t, 'one'), await sleeper(t, 'two')];
  const { startTime } = Process.open(one.pid ?? 0).identity;
  const ended = await procward(['ps', `${one.pid}@${startTime}`, String(two.pid)]);
  t.like(ended, { code: 0, stderr: '' });
  const [title, ...rows] = ended.stdout.trimEnd().split('\n');
  t.regex(title ?? '', /^ *PID@START +PARENT +USER +S +CPU +MEMORY +AGE +COMMAND$/);
  t.is(rows.length, 2);
  t.regex(rows.join('\n'), new RegExp(`\\b${one.pid}@${startTime} +${process.pid} .* sh -c .* one$`, 'm'));
  const others = await procwardJson<Row[]>('ps', '--user', '12345', String(one.pid));
  t.deepEqual(others, []);
});

test('a hostile command line, name and directory are shown and not obeyed', async (t) => {
  const hostile = '\x1b]0;owned\x07\x1b[2J\nfake line\u202E';
  const child = await sleeper(t, hostile);
  const outputs = await Promise.all([
    procward(['ps', String(child.pid)]),
    procward(['tree', String(child.pid)]),
    procward(['info', String(child.pid)]),
    procward(['proc', 'cat', '--escape', `${child.pid}/cmdline`]),
  ]);
  for (const { code, stdout } of outputs) {
    t.is(code, 0);
    t.true(stdout.includes(String.raw`\x1b]0;owned\x07\x1b[2J`), stdout);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not be there
    t.notRegex(stdout, /[\x00-\x08\x0b-\x1f\x7f\u0080-\u009f\u202e]/);
  }
  const [row] = await procwardJson<Row[]>('ps', String(child.pid));
  t.is(row?.args.at(-1), hostile);
});

test('threads of the kernel are marked, and left out when they are not wanted', async (t) => {
  const all = await procwardJson<Row[]>('ps');
  const programs = await procwardJson<Row[]>('ps', '--no-kernel');
  t.true(programs.every(({ kernelThread }) => !kernelThread));
  // In a pid namespace there are none.
  for (const { kernelThread, args, ppid } of all)
    if (kernelThread) t.deepEqual([args, ppid === 0 || ppid === 2], [[], true]);
});

test('ps needs 32 descriptors at most, those of node included', async (t) => {
  const { exit, stdout, stderr } = await run(WORDS[0], [...WORDS.slice(1), 'ps', '--json'], {
    resourceLimits: { nofile: { soft: 32n, hard: 32n } },
  });
  t.like(exit, { type: 'exited', code: 0 }, stderr.toString());
  const rows = JSON.parse(stdout.toString()) as Row[];
  t.true(rows.some(({ pid }) => pid === process.pid));
});

needing('root', 'pidns')('ps lists its own pid namespace, also where /proc is of another', async (t) => {
  const { exit, stdout, stderr } = await run(WORDS[0], [...WORDS.slice(1), 'ps', '--json'], { namespaces: ['pid'] });
  t.like(exit, { type: 'exited', code: 0 }, stderr.toString());
  const rows = JSON.parse(stdout.toString()) as Row[];
  t.deepEqual(
    rows.map(({ pid }) => pid),
    [1],
  );
  t.deepEqual(rows[0]?.args.slice(1), [...WORDS.slice(1), 'ps', '--json']);
});

test('tree shows who descends from whom, and who was left behind', async (t) => {
  const marker = `${1_000_000 + process.pid}`;
  const root = spawn('setsid', ['sh', fixture('leaves-its-parent.sh'), marker], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  t.teardown(async () => {
    for (const pid of await running(marker)) process.kill(pid, 'SIGKILL');
  });
  await once(root.stdout, 'data');
  const below = await procwardJson<Row[]>('tree', String(root.pid));
  t.is(below.length, 1);
  t.is(below[0]?.pid, root.pid);
  t.true(below[0]?.children?.every(({ reparented, args }) => !reparented && args.includes(marker)));
  t.true((below[0]?.children?.length ?? 0) >= 2);
  // Left by its parent, in the session of the root, whose new parent is in another one.
  const rows = await procwardJson<Row[]>('ps', '--no-kernel');
  const orphan = rows.find(
    ({ ppid, args, pid }) => args[0] === 'sleep' && args[1] === marker && ppid !== root.pid && pid !== root.pid,
  );
  t.not(orphan, undefined);
  const { stdout } = await procward(['ps', String(orphan?.pid)]);
  t.regex(stdout, new RegExp(` ${orphan?.ppid}\\* `));
  const text = (await procward(['tree'])).stdout;
  t.regex(text, new RegExp(`${orphan?.pid} \\(reparented\\) .* sleep ${marker}`));
  t.regex(text, new RegExp(`[├└]─ \\d+ \\S+ sleep ${marker}`));
});

needing('cgroup2')('ps and tree of a group list what is in it and below', async (t) => {
  const group = scratchGroup(t);
  const below = group.createChild('below');
  await using one = await start('sleep', ['1000'], { stdio: 'ignore', cgroup: group });
  await using two = await start('sleep', ['1000'], { stdio: 'ignore', cgroup: below });
  const rows = await procwardJson<Row[]>('ps', group.path);
  t.deepEqual(rows.map(({ pid }) => pid).sort(), [one.pid, two.pid].sort());
  const forest = await procwardJson<Row[]>('tree', group.path);
  t.is(forest.length, 2);
  below.close();
});

test('info tells all of a process, and what may not be read', async (t) => {
  const child = await sleeper(t, 'info');
  const described = await procwardJson<Record<string, unknown>>('info', String(child.pid));
  t.like(described, {
    pid: child.pid,
    ppid: process.pid,
    exe: readlinkSync(`/proc/${child.pid}/exe`),
    cwd: process.cwd(),
    root: '/',
    denied: [],
    identity: JSON.parse(JSON.stringify(Process.open(child.pid ?? 0).identity)),
  });
  t.is((described['namespaces'] as Record<string, string>)['pid'], readlinkSync('/proc/self/ns/pid'));
  t.is(described['descriptors'], readdirSync(`/proc/${child.pid}/fd`).length);
  const groups = readFileSync(`/proc/${child.pid}/cgroup`, 'utf8').trim().split('\n');
  t.deepEqual(
    (described['groups'] as { hierarchy: string; path: string }[]).map(({ hierarchy, path }) => `${hierarchy}:${path}`),
    groups.map((line) => line.replace(/^\d+:/, '')),
  );
  const text = await procward(['info', String(child.pid)]);
  t.like(text, { code: 0, stderr: '' });
  for (const [name, value] of [
    ['parent', process.pid],
    ['cwd', process.cwd()],
    ['descriptors', described['descriptors']],
  ])
    t.regex(text.stdout, new RegExp(`^${name} +${value}$`, 'm'));
});

needing('root')('info says what an ordinary user may not read', async (t) => {
  const { exit, stdout } = await run(WORDS[0], [...WORDS.slice(1), 'info', '1', '--json'], {
    credentials: { uid: 65534, gid: 65534 },
  });
  t.like(exit, { code: 0 });
  t.like(JSON.parse(stdout.toString()), {
    pid: 1,
    exe: null,
    denied: ['exe', 'cwd', 'root', 'descriptors', 'namespaces'],
  });
});

test('proc cat and readlink read what /proc has', async (t) => {
  const child = await sleeper(t, 'proc');
  const release = await procward(['proc', 'cat', '/proc/sys/kernel/osrelease']);
  t.like(release, { code: 0, stderr: '', stdout: readFileSync('/proc/sys/kernel/osrelease', 'utf8') });
  const cmdline = await procward(['proc', 'cat', `${child.pid}/cmdline`]);
  t.is(cmdline.stdout, readFileSync(`/proc/${child.pid}/cmdline`, 'utf8'));
  const { startTime } = Process.open(child.pid ?? 0).identity;
  const exe = readlinkSync(`/proc/${child.pid}/exe`);
  t.is((await procward(['proc', 'readlink', `${child.pid}@${startTime}/exe`])).stdout, `${exe}\n`);
  t.deepEqual(await procwardJson('proc', 'readlink', `${child.pid}/exe`), { path: `${child.pid}/exe`, text: exe });
  const text = readFileSync('/proc/self/oom_score_adj', 'utf8');
  t.deepEqual(await procwardJson('proc', 'cat', 'self/oom_score_adj'), { path: 'self/oom_score_adj', text });
});

test('proc does not follow magic links', async (t) => {
  const ended = await procward(['proc', 'cat', 'self/exe', '--json']);
  t.is(ended.code, 125);
  t.like(JSON.parse(ended.stderr), { error: { kind: 'MagicLink' } });
});

needing('mounts')('proc cat is not lied to by what is mounted over a file', (t) => {
  const script = 'mount --bind /dev/null /proc/version; cat /proc/version; "$@" proc cat version';
  const { stdout, stderr, status } = spawnSync('unshare', ['--mount', 'sh', '-c', script, 'sh', ...WORDS], {
    encoding: 'utf8',
  });
  // Read through a procfs of our own, or refused: never the empty file.
  if (status === 0) t.regex(stdout, /^Linux version/);
  else t.regex(stderr, /mounted over|Overmount|EXDEV/);
});
