// How processes of somebody else end, against what their true parent was told. The core's tests have every code and signal.

import { once } from 'node:events';
import { constants } from 'node:os';
import test from 'ava';
import { Process } from 'procward';
import { lineOf, startStranger } from './children.ts';
import { exitsAreTold, isTrueExit } from './exits.ts';
import { fixture } from './fixture.ts';

/** Their default is not to end a process, or nothing can be said of them. */
const HARMLESS = /^SIG(CHLD|CONT|STOP|TSTP|TTIN|TTOU|URG|WINCH)$/;
const fatal = Object.keys(constants.signals).filter((name) => !HARMLESS.test(name)) as NodeJS.Signals[];

for (const code of [0, 1, 2, 42, 126, 127, 128, 254, 255]) {
  test(`exit code ${code} of a stranger is the one that its parent got`, async (t) => {
    const stranger = await startStranger(t, 'sh', ['-c', `read -r line; exit ${code}`]);
    using handle = Process.open(stranger.pid);
    const parent = once(stranger, 'exit');
    const waiting = handle.wait();
    stranger.stdin.end();
    t.deepEqual(await parent, [code, null]);
    isTrueExit(t, await waiting, { type: 'exited', code, raw: code << 8 });
  });
}

test('every signal that ends a stranger is the one that its parent got', async (t) => {
  for (const signal of fatal) {
    // No core is to be left where the tests run.
    const stranger = await startStranger(t, 'sh', ['-c', 'ulimit -c 0; echo; exec cat']);
    await lineOf(stranger.stdout);
    using handle = Process.open(stranger.pid);
    const parent = once(stranger, 'exit');
    const waiting = handle.wait();
    handle.signal(signal);
    const [code, told] = (await parent) as [number | null, NodeJS.Signals];
    t.is(code, null);
    // Two names may be one signal: SIGIOT is SIGABRT.
    t.is(constants.signals[told], constants.signals[signal]);
    const exit = await waiting;
    isTrueExit(t, exit, { type: 'signaled' });
    if (exit.type === 'signaled') t.is(exit.raw & 0x7f, constants.signals[signal]);
  }
});

test('a stranger whose parent does not reap it stays pending, and can be given up', async (t) => {
  const shell = await startStranger(t, 'sh', [fixture('starts-a-grandchild.sh')]);
  using grandchild = Process.open(Number(await lineOf(shell.stdout)));
  // A parent that is stopped does not reap.
  process.kill(shell.pid ?? 0, 'SIGSTOP');
  const waiting = grandchild.wait();
  const controller = new AbortController();
  const given = grandchild.wait({ signal: controller.signal });
  shell.stdin.write('\n');
  while (grandchild.alive) await new Promise(setImmediate);
  const first = grandchild.waitSync({ timeoutMs: 1 });
  if (exitsAreTold) {
    t.is(first, null);
    controller.abort();
    await t.throwsAsync(given, { name: 'AbortError' });
  }
  t.is(await grandchild.readFile('comm', 'utf8'), 'sh\n', 'it still exists');
  process.kill(shell.pid ?? 0, 'SIGCONT');
  isTrueExit(t, await waiting, { type: 'exited', code: 7, raw: 0x700 });
});
