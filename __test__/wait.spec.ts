// Waiting for processes: children and strangers, many waiters, waits given up.

import { once } from 'node:events';
import test from 'ava';
import { Process, spawn } from 'procward';
import { census, growth, threadNames } from './census.ts';
import { lineOf, startSleeper, startStranger } from './children.ts';
import { isTrueExit } from './exits.ts';
import { fixture } from './fixture.ts';

const KILLED = { type: 'signaled', signal: 'SIGKILL', coreDumped: false, raw: 9 } as const;

test("a stranger's exit is told when its parent reaps it", async (t) => {
  const shell = await startStranger(t, 'sh', [fixture('starts-a-grandchild.sh')]);
  using grandchild = Process.open(Number(await lineOf(shell.stdout)));
  const waiting = grandchild.wait();
  shell.stdin.write('\n');
  isTrueExit(t, await waiting, { type: 'exited', code: 7, raw: 0x700 });
});

test('waiting for a child of node:child_process takes nothing away from it', async (t) => {
  const child = await startStranger(t, 'sh', ['-c', 'read -r line; exit 3']);
  using handle = Process.open(child.pid);
  const both = Promise.all([handle.wait(), once(child, 'exit')]);
  child.stdin.end('\n');
  const [ours, theirs] = await both;
  isTrueExit(t, ours, { type: 'exited', code: 3, raw: 0x300 });
  t.deepEqual(theirs, [3, null]);
});

test('the exit is told after it happened too, as often as it is asked for', async (t) => {
  const child = await startStranger(t, 'sh', ['-c', 'read -r line; exit 4']);
  using handle = Process.open(child.pid);
  child.stdin.end('\n');
  await once(child, 'exit');
  const exit = await handle.wait();
  isTrueExit(t, exit, { type: 'exited', code: 4, raw: 0x400 });
  t.deepEqual(await handle.wait(), exit);
  t.deepEqual(handle.waitSync({ timeoutMs: 0 }), exit);
});

test('a child of ours is told with its usage, to all who wait, before and after', async (t) => {
  const child = await spawn('sh', ['-c', 'read -r line; exit 5'], { stdio: ['pipe', 'ignore', 'inherit'] });
  const waits = Array.from({ length: 20 }, () => child.wait());
  child.stdin?.end('\n');
  const exits = await Promise.all(waits);
  t.like(exits[0], { type: 'exited', code: 5, raw: 0x500 });
  for (const exit of [...exits, await child.wait(), child.waitSync()]) t.deepEqual(exit, exits[0]);
  const usage = exits[0]?.type === 'exited' ? exits[0].usage : null;
  t.true(usage !== null && usage.maxRssBytes > 100_000 && usage.userMs >= 0 && usage.minorFaults > 0);
  child.close();
});

test('two handles of one child are told the same', async (t) => {
  const child = await spawn('sleep', ['1000'], { stdio: 'ignore' });
  using handle = Process.open(child.pid);
  const both = Promise.all([child.wait(), handle.wait()]);
  child.signal('SIGKILL');
  const [ours, theirs] = await both;
  t.like(ours, KILLED);
  isTrueExit(t, theirs, KILLED);
  child.close();
});

test('giving up one wait of many leaves the others', async (t) => {
  const sleeper = await startSleeper(t);
  using handle = Process.open(sleeper.pid);
  const controller = new AbortController();
  const others = [handle.wait(), handle.wait({ signal: new AbortController().signal })];
  const given = handle.wait({ signal: controller.signal });
  controller.abort('enough');
  const error = await t.throwsAsync(given, { name: 'AbortError', code: 'ABORT_ERR' });
  t.is(error?.cause, 'enough');
  sleeper.kill('SIGKILL');
  for (const exit of await Promise.all(others)) isTrueExit(t, exit, KILLED);
});

test('after the last wait was given up, a new one is told', async (t) => {
  const sleeper = await startSleeper(t);
  using handle = Process.open(sleeper.pid);
  const controllers = [new AbortController(), new AbortController()];
  const waits = controllers.map(({ signal }) => handle.wait({ signal }));
  for (const controller of controllers) controller.abort();
  for (const wait of waits) await t.throwsAsync(wait, { name: 'AbortError' });
  const again = handle.wait();
  t.true(handle.alive);
  sleeper.kill('SIGKILL');
  isTrueExit(t, await again, KILLED);
});

test('one thread serves all who wait', async (t) => {
  const sleepers = await Promise.all(Array.from({ length: 10 }, () => startSleeper(t)));
  const handles = sleepers.map(({ pid }) => Process.open(pid));
  const waits = handles.map((handle) => handle.wait());
  t.is(threadNames().filter((name) => name === 'procward').length, 1);
  for (const handle of handles) handle.signal('SIGKILL');
  for (const exit of await Promise.all(waits)) isTrueExit(t, exit, KILLED);
  for (const handle of handles) handle.close();
});

test('a signal that had fired before rejects at once', async (t) => {
  using self = Process.self();
  const error = await t.throwsAsync(self.wait({ signal: AbortSignal.abort() }), { name: 'AbortError' });
  t.like(error?.cause, { name: 'AbortError' });
});

test('a signal that fires after the exit changes nothing', async (t) => {
  const child = await spawn('true', [], { stdio: 'ignore' });
  const controller = new AbortController();
  const exit = await child.wait({ signal: controller.signal });
  controller.abort();
  t.like(exit, { type: 'exited', code: 0 });
  t.deepEqual(await child.wait(), exit);
  child.close();
});

test('closing a handle lets waits under way finish', async (t) => {
  const sleeper = await startSleeper(t);
  const handle = Process.open(sleeper.pid);
  const waiting = handle.wait();
  handle.close();
  sleeper.kill('SIGKILL');
  isTrueExit(t, await waiting, KILLED);
});

test('waiting on this thread ends with the exit, or with null when the time passed', async (t) => {
  const child = await spawn('cat', [], { stdio: ['pipe', 'ignore', 'ignore'] });
  t.is(child.waitSync({ timeoutMs: 0 }), null);
  t.is(child.waitSync({ timeoutMs: 1.5 }), null);
  child.signal('SIGKILL');
  const exit = child.waitSync();
  t.like(exit, KILLED);
  t.deepEqual(await child.wait(), exit);
  child.close();
});

test('waiting on this thread for a stranger', async (t) => {
  const shell = await startStranger(t, 'sh', [fixture('starts-a-grandchild.sh')]);
  using grandchild = Process.open(Number(await lineOf(shell.stdout)));
  t.is(grandchild.waitSync({ timeoutMs: 0 }), null);
  grandchild.signal('SIGKILL');
  isTrueExit(t, grandchild.waitSync(), KILLED);
});

test.serial('waits given up leave no descriptor', async (t) => {
  const sleeper = await startSleeper(t);
  using handle = Process.open(sleeper.pid);
  const giveUp = async () => {
    const controller = new AbortController();
    const wait = handle.wait({ signal: controller.signal });
    controller.abort();
    await t.throwsAsync(wait, { name: 'AbortError' });
  };
  await giveUp(); // Starts the background thread.
  const before = census();
  for (let round = 0; round < 50; round += 1) await giveUp();
  sleeper.kill('SIGKILL');
  await handle.wait();
  t.deepEqual(await growth(before), {});
});
