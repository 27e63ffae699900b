// Starting programs: streams, descriptors, and how a start fails.

import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { pathToFileURL } from 'node:url';
import test from 'ava';
import { Child, Process, spawn } from 'procward';
import { present } from './children.ts';
import { collect, collectFrom } from './collect.ts';
import { rejectionOf } from './failure.ts';
import { answerOf, fixture, runNode } from './fixture.ts';

test('by default a child has three pipes', async (t) => {
  const child = await spawn('sh', ['-c', 'cat; echo err >&2']);
  t.true(child instanceof Child && child instanceof Process);
  t.deepEqual(child.stdio, [child.stdin, child.stdout, child.stderr]);
  child.stdin?.end('in\n');
  t.like(await collectFrom(child), { stdout: 'in\n', stderr: 'err\n' });
});

test('input of many pages goes through a child whole', async (t) => {
  const child = await spawn('cat', [], { stdio: ['pipe', 'pipe', 'inherit'] });
  const input = 'a line of it\n'.repeat(100_000);
  child.stdin?.end(input);
  t.is((await collectFrom(child)).stdout, input);
});

test('a child is ours', async (t) => {
  t.is((await collect('sh', ['-c', 'echo $PPID'])).stdout, `${process.pid}\n`);
});

test('writing to a child that has gone away does not end the program', async (t) => {
  const child = await spawn('true', [], { stdio: ['pipe', 'ignore', 'ignore'] });
  await child.wait();
  const stdin = present(child.stdin);
  stdin.write('too late\n');
  if (!stdin.closed) await new Promise((resolve) => stdin.once('close', resolve));
  t.true(stdin.destroyed);
});

test("'ignore' is /dev/null, and leaves no stream", async (t) => {
  const child = await spawn('sh', ['-c', 'test "$(readlink /proc/$$/fd/0)" = /dev/null'], { stdio: 'ignore' });
  t.deepEqual(child.stdio, [null, null, null]);
  t.like(await child.wait(), { type: 'exited', code: 0 });
});

test("'inherit' is the descriptor of the same number", async (t) => {
  const ended = await runNode([fixture('inherits-its-streams.mjs')]);
  t.deepEqual(ended, { code: 6, signal: null, stdout: 'out\n', stderr: 'err\n' });
});

test('a descriptor can be given by number, bare or as an object, and stays ours', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'procward-'));
  t.teardown(() => rmSync(directory, { recursive: true }));
  const path = join(directory, 'out');
  const fd = openSync(path, 'w');
  const { exit } = await collect('sh', ['-c', 'echo out; echo err >&2'], { stdio: ['ignore', fd, { fd }] });
  t.like(exit, { code: 0 });
  closeSync(fd);
  t.is(readFileSync(path, 'utf8'), 'out\nerr\n');
});

test('descriptors above 2 can be pipes, which are read', async (t) => {
  const child = await spawn('sh', ['-c', 'echo three >&3; echo five >&5'], {
    stdio: ['ignore', 'ignore', 'inherit', 'pipe', 'ignore', 'pipe'],
  });
  t.deepEqual(
    child.stdio.map((stream) => stream !== null),
    [false, false, false, true, false, true],
  );
  const read = (at: number) => text(child.stdio[at] as NodeJS.ReadableStream);
  t.deepEqual(await Promise.all([read(3), read(5)]), ['three\n', 'five\n']);
  child.close();
});

test('descriptors can trade places', async (t) => {
  const ended = await runNode([fixture('trades-its-streams.mjs')]);
  t.deepEqual(ended, { code: 0, signal: null, stdout: 'err\n', stderr: 'out\n' });
});

test('a child has the descriptors that it was given, and no others', async (t) => {
  const leak = openSync('/dev/null', 'r');
  const { stdout } = await collect('sh', [fixture('lists-its-descriptors.sh')], {
    stdio: ['ignore', 'pipe', 'inherit', 'ignore', leak],
  });
  closeSync(leak);
  // A shell that was given a script holds it open at 10 or above.
  const given = stdout
    .trim()
    .split('\n')
    .map(Number)
    .filter((fd) => fd < 10);
  t.deepEqual(given, [0, 1, 2, 3, 4]);
});

test('a child ignores and blocks no signals', async (t) => {
  const { stdout } = await collect('cat', ['/proc/self/status']);
  for (const set of ['SigBlk', 'SigIgn', 'SigCgt']) t.regex(stdout, new RegExp(`^${set}:\\s+0+$`, 'm'));
});

for (const code of [0, 1, 255]) {
  test(`the exit code ${code} is told`, async (t) => {
    const { exit } = await collect(fixture('exits-with.sh'), [String(code)]);
    t.like(exit, { type: 'exited', code, raw: code << 8 });
  });
}

test('the signal that ended a child is told', async (t) => {
  const { exit } = await collect('sh', ['-c', 'kill -s KILL $$']);
  t.like(exit, { type: 'signaled', signal: 'SIGKILL', coreDumped: false, raw: 9 });
});

test('what a child used is told', async (t) => {
  const busy = 'i=0; while [ $i -lt 20000 ]; do i=$((i + 1)); done';
  const { exit, stdout } = await collect('sh', ['-c', `${busy}; cat /proc/$$/stat /proc/$$/status`]);
  const usage = exit.type === 'exited' ? exit.usage : null;
  if (usage === null) return t.fail('nothing is told');
  t.true(usage.userMs + usage.systemMs > 0);
  for (const [name, value] of Object.entries(usage)) t.true(Number.isFinite(value) && value >= 0, name);
  // Shortly before its end it had used nearly as much: fields 10 and 12 of stat, and the lines of status.
  const fields = stdout.slice(stdout.indexOf(') ') + 2).split(' ');
  const line = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(stdout)?.[1]);
  t.true(usage.minorFaults >= Number(fields[7]) && Number(fields[7]) > 0, `${usage.minorFaults}: ${stdout}`);
  t.true(usage.majorFaults >= Number(fields[9]), `${usage.majorFaults}: ${stdout}`);
  t.true(usage.maxRssBytes >= line('VmHWM') * 1024, `${usage.maxRssBytes}: ${stdout}`);
  t.true(usage.voluntarySwitches >= line('voluntary_ctxt_switches'), `${usage.voluntarySwitches}: ${stdout}`);
  t.true(usage.involuntarySwitches >= line('nonvoluntary_ctxt_switches'), `${usage.involuntarySwitches}: ${stdout}`);
});

test("a program is looked for in the PATH of the child's environment", async (t) => {
  const directory = fixture('');
  const { exit } = await collect('exits-with.sh', ['9'], { env: { PATH: `/nonexistent:${directory}:/usr/bin:/bin` } });
  t.like(exit, { type: 'exited', code: 9 });
  const error = await rejectionOf(spawn('exits-with.sh', [], { env: { PATH: '/nonexistent' } }));
  t.like(error, { kind: 'SpawnFailed', stage: 'exec', code: 'ENOENT' });
});

test('a program sees the name that it is given', async (t) => {
  t.is((await collect('sh', ['-c', 'echo $0'], { argv0: 'another' })).stdout, 'another\n');
  t.is((await collect('cat', ['/proc/self/cmdline', ''], { argv0: 'x y' })).stdout.split('\0')[0], 'x y');
});

test('the working directory is a path or a URL', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'procward-'));
  t.teardown(() => rmSync(directory, { recursive: true }));
  for (const cwd of [directory, pathToFileURL(directory)]) {
    t.is((await collect('pwd', [], { cwd })).stdout, `${directory}\n`);
  }
  t.is((await collect('pwd', ['-P'])).stdout, `${process.cwd()}\n`);
});

const failures = [
  ['a missing program', 'no-such-program', { env: { PATH: '/usr/bin:/bin' } }, 'exec', 'ENOENT', 'no-such-program'],
  ['a missing path', '/no/such/program', {}, 'exec', 'ENOENT', '/no/such/program'],
  ['a file without the right to be executed', fixture('empty.mjs'), {}, 'exec', 'EACCES', fixture('empty.mjs')],
  ['a directory', tmpdir(), {}, 'exec', 'EACCES', tmpdir()],
  ['a path through a file', `${fixture('empty.mjs')}/x`, {}, 'exec', 'ENOTDIR', `${fixture('empty.mjs')}/x`],
  ['a file that is no program', fixture('not-a-program'), {}, 'exec', 'ENOEXEC', fixture('not-a-program')],
  [
    'a program whose interpreter is missing',
    fixture('names-a-missing-interpreter'),
    {},
    'exec',
    'ENOENT',
    fixture('names-a-missing-interpreter'),
  ],
  ['a missing directory', 'true', { cwd: '/no/such/directory' }, 'cwd', 'ENOENT', '/no/such/directory'],
  ['a file as directory', 'true', { cwd: fixture('empty.mjs') }, 'cwd', 'ENOTDIR', fixture('empty.mjs')],
  ['a missing process group', 'true', { processGroup: 2 ** 22 }, 'process-group', 'EPERM', undefined],
  [
    'a descriptor that is not open',
    'true',
    { stdio: ['ignore', 'ignore', 'ignore', 12345] },
    'descriptors',
    'EBADF',
    undefined,
  ],
] as const;

for (const [title, file, options, stage, code, path] of failures) {
  test(`${title} fails at stage ${stage} with ${code}`, async (t) => {
    const error = await rejectionOf(spawn(file, [], options));
    t.like(error, { kind: 'SpawnFailed', stage, code, errno: -constants.errno[code] });
    t.is(error.path, path);
    t.regex(error.syscall ?? '', /^[a-z]/);
  });
}

test('what the kernel has one answer for is told apart by the message', async (t) => {
  const messageFor = async (file: string) => (await rejectionOf(spawn(file))).message;
  t.regex(await messageFor(fixture('names-a-missing-interpreter')), /is there, .* first line names/);
  t.notRegex(await messageFor('/no/such/program'), /is there/);
  t.regex(await messageFor(tmpdir()), /it is a directory/);
  t.notRegex(await messageFor(fixture('empty.mjs')), /directory/);
});

test('running out of descriptors fails one start, and the next succeeds', async (t) => {
  t.deepEqual(await answerOf('runs-out-of-descriptors.mjs'), {
    failed: { kind: 'SpawnFailed', code: 'EMFILE' },
    left: 0,
    next: { type: 'exited', code: 0 },
  });
});
