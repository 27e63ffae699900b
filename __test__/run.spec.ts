// Running programs to their end: input, output, bounds, and what is left of them.

import { closeSync, fstatSync, readFileSync, writeSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import test from 'ava';
import { cloneFlags, exec, pipe, type RunOptions, type RunResult, run, runSync } from 'procward';
import { census, growth } from './census.ts';
import { rejectionOf, thrownBy } from './failure.ts';
import { fixture, runNode } from './fixture.ts';
import { needing } from './needs.ts';
import { scratchGroup } from './scratch.ts';

/** Both, with the error of the one as the rejection of the other. */
const ways: readonly (readonly [
  string,
  (file: string, args?: readonly string[], options?: RunOptions) => Promise<RunResult>,
])[] = [
  ['run', (...call) => run(...call)],
  ['runSync', async (...call) => runSync(...call)],
];

for (const [name, way] of ways) {
  test(`${name}: input goes in, output comes out, the exit is told`, async (t) => {
    const ran = await way('sh', ['-c', 'cat; echo err >&2; exit 3'], { input: 'grün\n' });
    t.deepEqual([ran.stdout.toString(), ran.stderr.toString()], ['grün\n', 'err\n']);
    t.like(ran.exit, { type: 'exited', code: 3 });
    t.true('usage' in ran.exit && ran.exit.usage !== null);
    const bytes = await way('cat', [], { input: new Uint8Array([0, 255]) });
    t.deepEqual([...bytes.stdout], [0, 255]);
  });

  test(`${name}: megabytes go through, also when they are not read`, async (t) => {
    const input = Buffer.alloc(5_000_000, 'a line\n');
    t.true((await way('cat', [], { input })).stdout.equals(input));
    t.is((await way('true', [], { input })).stdout.length, 0);
  });

  test(`${name}: without input a program reads the end`, async (t) => {
    t.is((await way('cat')).stdout.length, 0);
  });

  test(`${name}: other descriptors can be given`, async (t) => {
    const ran = await way('sh', ['-c', 'echo out; echo err >&2; echo three >&3'], {
      stdio: ['ignore', 'pipe', 'ignore', 'ignore'],
    });
    t.deepEqual([ran.stdout.toString(), ran.stderr.toString()], ['out\n', '']);
  });

  test(`${name}: a grandchild that keeps the pipes open delays nothing`, async (t) => {
    const { stdout } = await way('sh', ['-c', 'sleep 1000 & echo $!']);
    process.kill(Number(stdout), 'SIGKILL');
    t.pass();
  });

  test(`${name}: the time that it is given ends it, and its exit says so`, async (t) => {
    const { exit, stdout } = await way('sh', ['-c', 'echo here; exec sleep 1000'], {
      timeoutMs: 1,
      killSignal: 'SIGKILL',
    });
    t.like(exit, { type: 'signaled', signal: 'SIGKILL' });
    t.true(['', 'here\n'].includes(stdout.toString()));
  });

  test.serial(`${name}: too much output ends it and is an error`, async (t) => {
    // Once before: what serves all operations starts with the first.
    await rejectionOf(way('yes', [], { maxBufferBytes: 1000 }));
    const before = census();
    const error = await rejectionOf(way('yes', [], { maxBufferBytes: 1000 }));
    t.like(error, { kind: 'Os', code: 'ENOBUFS', syscall: 'read' });
    t.regex(error.message, /1000 bytes to stdout/);
    t.is(typeof error.pid, 'number');
    t.deepEqual(await growth(before), {});
    t.is((await way('echo', ['-n', '12345'], { maxBufferBytes: 5 })).stdout.length, 5);
  });

  test(`${name}: a start that fails is told with its stage`, async (t) => {
    const error = await rejectionOf(way('/no/such/program'));
    t.like(error, { kind: 'SpawnFailed', stage: 'exec', code: 'ENOENT', path: '/no/such/program' });
    t.like(await rejectionOf(way('true', [], { cgroup: '/procward-test-nowhere' })), {
      kind: 'SpawnFailed',
      stage: 'cgroup',
    });
    t.regex(error.stack ?? '', /run\.spec\.ts/);
  });

  test(`${name}: what cannot be is refused at once`, (t) => {
    const call = name === 'run' ? run : runSync;
    const refused: readonly (readonly [string, RunOptions])[] = [
      ['options.input', { input: 7 as never }],
      ['options.input', { input: '', stdio: 'ignore' }],
      ['options.maxBufferBytes', { maxBufferBytes: -1 }],
      ['options.stdio[3]', { stdio: ['pipe', 'pipe', 'pipe', 'pipe'] }],
      ['options.timeoutMs', { timeoutMs: -1 }],
      ['options.detached', { detached: true } as never],
    ];
    for (const [option, options] of refused) {
      const error = thrownBy(() => call('true', [], options));
      t.is(error.kind, 'InvalidArgument');
      t.true(error.message.startsWith(`"${option}" must be `), error.message);
    }
  });
}

test('a run that is given up ends its program and rejects', async (t) => {
  const controller = new AbortController();
  const running = run('sh', ['-c', 'echo $$ >&3; exec sleep 1000'], {
    signal: controller.signal,
    stdio: ['pipe', 'pipe', 'pipe', 'ignore'],
  });
  controller.abort();
  await t.throwsAsync(running, { name: 'AbortError' });
  await t.throwsAsync(run('true', [], { signal: AbortSignal.abort() }), { name: 'AbortError' });
  t.like(
    thrownBy(() => runSync('true', [], { signal: controller.signal })),
    { kind: 'InvalidArgument' },
  );
});

test.serial('many at once each get their own output', async (t) => {
  await run('true');
  const before = census();
  const outputs = await Promise.all(Array.from({ length: 50 }, (_, at) => run('echo', [String(at)])));
  t.deepEqual(
    outputs.map(({ stdout }) => Number(stdout)),
    Array.from({ length: 50 }, (_, at) => at),
  );
  t.deepEqual(await growth(before), {});
});

test('a pipe leads from its writing to its reading end', (t) => {
  const { readFd, writeFd } = pipe();
  const flags = (fd: number) =>
    Number.parseInt(/^flags:\s+(\w+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))?.[1] ?? '', 8);
  t.true(fstatSync(readFd).isFIFO());
  t.deepEqual([flags(readFd) & 0o2004000, flags(writeFd) & 0o2004000], [0o2000000, 0o2000000]);
  writeSync(writeFd, 'through');
  closeSync(writeFd);
  t.is(readFileSync(readFd, 'utf8'), 'through');
  closeSync(readFd);
  const open = pipe({ closeOnExec: false, nonBlocking: true });
  t.is(flags(open.readFd) & 0o2004000, 0o4000);
  for (const fd of [open.readFd, open.writeFd]) closeSync(fd);
});

test('a pipe joins two children', async (t) => {
  const { readFd, writeFd } = pipe();
  const last = run('wc', ['-c'], { stdio: [readFd, 'pipe', 'inherit'] });
  const first = run('echo', ['12345'], { stdio: ['ignore', writeFd, 'inherit'] });
  for (const fd of [readFd, writeFd]) closeSync(fd);
  await first;
  t.is(Number((await last).stdout), 6);
});

test('the flags of clone are those of the kernel', (t) => {
  t.is(cloneFlags['CLONE_VM'], 0x100n);
  t.is(cloneFlags['CLONE_IO'], 0x8000_0000n);
  t.is(cloneFlags['CLONE_INTO_CGROUP'], 0x2_0000_0000n);
  t.true(Object.isFrozen(cloneFlags));
  const values = Object.values(cloneFlags);
  t.is(new Set(values).size, values.length);
  for (const flag of values) t.is(flag & (flag - 1n), 0n);
});

test('exec becomes the program, with a clean start', async (t) => {
  const ended = await runNode([fixture('becomes.mjs'), 'sh', '-c', 'echo $$; cat /proc/self/status; exit 5']);
  t.is(ended.code, 5);
  const [before, after] = ended.stdout.split('\n');
  t.is(before, after);
  for (const set of ['SigBlk', 'SigIgn']) t.regex(ended.stdout, new RegExp(`^${set}:\\s+0+$`, 'm'));
});

test('exec that fails throws and leaves everything as it was', async (t) => {
  const ended = await runNode([fixture('becomes.mjs'), '/no/such/program']);
  t.deepEqual(
    [ended.code, ended.stdout.split('\n').slice(1)],
    [0, ['ENOENT execve /no/such/program', 'as it was', '']],
  );
});

test('exec is refused in a worker', async (t) => {
  const worker = new Worker(
    "import('procward').then(({ exec }) => exec('true')).catch((error) => require('node:worker_threads').parentPort.postMessage([error.kind, error.message]))",
    { eval: true },
  );
  const [kind, message] = await new Promise<[string, string]>((resolve, reject) =>
    worker.once('message', resolve).once('error', reject),
  );
  t.is(kind, 'InvalidArgument');
  t.regex(message, /main thread/);
  await worker.terminate();
});

// Alone, or the others that try to become a program are refused for this reason, too.
const alone = needing('cgroup2') === test ? test.serial : test.skip;
alone('exec is refused while a group is kept frozen', async (t) => {
  const group = scratchGroup(t);
  const lease = await group.freeze();
  const error = thrownBy(() => exec('true'));
  t.like(error, { kind: 'Busy', hint: 'release its leases first' });
  await lease.release();
});
