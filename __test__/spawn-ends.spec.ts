// How children end: by signal, by time, by disposal; and that nothing is left of them.

import { once } from 'node:events';
import test from 'ava';
import { spawn } from 'procward';
import { census, growth } from './census.ts';
import { lineOf, present } from './children.ts';
import { rejectionOf } from './failure.ts';
import { answer, answerOf, fixture, runNode } from './fixture.ts';

const SLEEP = ['sleep', ['1000'], { stdio: 'ignore' }] as const;

test('an AbortSignal ends the child, and wait tells the true exit', async (t) => {
  const controller = new AbortController();
  const child = await spawn('sleep', ['1000'], { stdio: 'ignore', signal: controller.signal });
  controller.abort();
  t.like(await child.wait(), { type: 'signaled', signal: 'SIGTERM' });
  child.close();
});

test('the signal that ends it can be chosen', async (t) => {
  const controller = new AbortController();
  const child = await spawn('sleep', ['1000'], {
    stdio: 'ignore',
    signal: controller.signal,
    killSignal: 'SIGUSR1',
  });
  controller.abort();
  t.like(await child.wait(), { type: 'signaled', signal: 'SIGUSR1' });
  child.close();
});

test('a child may survive the signal, and its own exit is told', async (t) => {
  const controller = new AbortController();
  const child = await spawn('sh', [fixture('ignores-sigterm.sh')], { signal: controller.signal });
  t.is(await lineOf(child.stdout), 'ready');
  controller.abort();
  child.stdin?.end();
  t.like(await child.wait(), { type: 'exited', code: 0 });
  child.close();
});

test('a signal that had fired before starts nothing', async (t) => {
  const starting = spawn('sh', ['-c', 'exit 1'], { signal: AbortSignal.abort('no') });
  const error = await t.throwsAsync(starting, { name: 'AbortError', code: 'ABORT_ERR' });
  t.is(error?.cause, 'no');
});

test('a signal that fires while the child is being started ends it', async (t) => {
  const controller = new AbortController();
  const starting = spawn('sleep', ['1000'], { stdio: 'ignore', signal: controller.signal });
  controller.abort();
  const child = await starting;
  t.like(await child.wait(), { type: 'signaled', signal: 'SIGTERM' });
  child.close();
});

test('a signal that fires after the exit does nothing', async (t) => {
  const controller = new AbortController();
  const child = await spawn('true', [], { stdio: 'ignore', signal: controller.signal });
  const exit = await child.wait();
  controller.abort();
  t.deepEqual(await child.wait(), exit);
  child.close();
});

test('a child whose time is over is ended', async (t) => {
  const child = await spawn('sleep', ['1000'], { stdio: 'ignore', timeoutMs: 1, killSignal: 'SIGINT' });
  t.like(await child.wait(), { type: 'signaled', signal: 'SIGINT' });
  child.close();
});

test('a child that ends in time is left alone, for ever if there is no limit', async (t) => {
  for (const timeoutMs of [60_000, Number.POSITIVE_INFINITY, 2 ** 40]) {
    const child = await spawn('true', [], { stdio: 'ignore', timeoutMs });
    t.like(await child.wait(), { type: 'exited', code: 0 });
    child.close();
  }
});

test('disposing of a child ends it, even one that ignores SIGTERM, and closes its streams', async (t) => {
  const child = await spawn('sh', [fixture('ignores-sigterm.sh')]);
  t.is(await lineOf(child.stdout), 'ready');
  const exit = child.wait();
  await child[Symbol.asyncDispose]();
  t.like(await exit, { type: 'signaled', signal: 'SIGKILL' });
  for (const stream of child.stdio) t.true(stream?.destroyed);
  t.is((await rejectionOf(Promise.resolve().then(() => child.wait()))).kind, 'Closed');
});

test('disposing of a child that has ended is quiet', async (t) => {
  const child = await spawn('true');
  await child.wait();
  await child[Symbol.asyncDispose]();
  t.pass();
});

test('disposing of a child twice, or after closing it, is quiet', async (t) => {
  const child = await spawn(...SLEEP);
  await child[Symbol.asyncDispose]();
  await t.notThrowsAsync(async () => child[Symbol.asyncDispose]());
});

test('disposing of its handle alone leaves a child running', async (t) => {
  const child = await spawn('cat', [], { stdio: ['pipe', 'pipe', 'inherit'] });
  const exit = child.wait();
  child[Symbol.dispose]();
  child.stdin?.end('alive\n');
  const [echo] = (await once(present(child.stdout), 'data')) as [Buffer];
  t.is(echo.toString(), 'alive\n');
  t.like(await exit, { type: 'exited', code: 0 });
});

test('a child is reaped although nobody waits', async (t) => {
  const child = await spawn('true', [], { stdio: 'ignore' });
  t.like(child.waitSync(), { type: 'exited', code: 0 });
  child.close();
});

test.serial('a hundred children and fifty failures leave no descriptor, thread or zombie', async (t) => {
  const run = async (file: string) => {
    await using child = await spawn(file);
    child.stdout?.resume();
    child.stderr?.resume();
    await child.wait();
  };
  const fail = async () => t.is((await rejectionOf(spawn('/no/such/program'))).code, 'ENOENT');
  await run('true');
  await fail();
  const before = census();
  for (let batch = 0; batch < 10; batch += 1) await Promise.all(Array.from({ length: 10 }, () => run('true')));
  for (let batch = 0; batch < 5; batch += 1) await Promise.all(Array.from({ length: 10 }, fail));
  t.deepEqual(await growth(before), {});
});

test('children of procward and of node:child_process live side by side, and every exit is told once', async (t) => {
  const { ours, theirs } = (await answerOf('spawns-both-ways.mjs')) as { ours: number[]; theirs: number[] };
  const all = Array.from({ length: 50 }, (_, code) => code);
  const sorted = (codes: number[]) => codes.sort((a, b) => a - b);
  t.deepEqual(sorted(ours), all);
  t.deepEqual(sorted(theirs), all);
});

test('thousands of programs, started in every way, are each told once, and leave nothing', async (t) => {
  const { PROCWARD_SPAWNS = '5000' } = process.env;
  const ended = await runNode(['--expose-gc', fixture('spawns-a-storm.mjs'), PROCWARD_SPAWNS]);
  t.deepEqual(answer(ended), { wrong: [], left: {} });
});

test('a stop and a continuation are told once each, to whoever asks', async (t) => {
  await using child = await spawn('sh', ['-c', 'kill -STOP $$; read -r _'], { stdio: ['pipe', 'ignore', 'ignore'] });
  const next = async () => {
    for (;;) {
      const state = child.pollState();
      if (state !== null) return state;
      await new Promise(setImmediate);
    }
  };
  t.deepEqual(await next(), { type: 'stopped', signal: 'SIGSTOP', trapCause: null });
  t.is(child.pollState(), null);
  child.signal('SIGCONT');
  t.deepEqual(await next(), { type: 'continued' });
  t.is(child.pollState(), null);
});
