// Waiting for many processes at once: the first, or all.

import test from 'ava';
import { Process, spawn, waitAll, waitAny } from 'procward';
import { census, growth } from './census.ts';
import { startSleeper } from './children.ts';
import { thrownBy } from './failure.ts';

const sleeper = () => spawn('sleep', ['1000'], { stdio: 'ignore' });
const three = () => Promise.all([sleeper(), sleeper(), sleeper()]);
const KILLED = { type: 'signaled', signal: 'SIGKILL' };

function endAll(processes: readonly Process[]): void {
  for (const process of processes) {
    if (process.alive) process.signal('SIGKILL');
    process.close();
  }
}

test('the first to exit is told with its exit, and the others go on', async (t) => {
  const children = await three();
  const [, second] = children;
  const first = waitAny(children);
  second.signal('SIGKILL');
  const { process, exit } = await first;
  t.is(process, second);
  t.like(exit, KILLED);
  t.deepEqual(
    children.map(({ alive }) => alive),
    [true, false, true],
  );
  endAll(children);
});

test('of those that have ended already, the first of the list is told', async (t) => {
  const children = await Promise.all([spawn('false'), spawn('true')]);
  await waitAll(children);
  t.like(await waitAny([...children].reverse()), { process: children[1], exit: { type: 'exited', code: 0 } });
  endAll(children);
});

test('all are told in the order of the list, any iterable will do, and one may be given twice', async (t) => {
  const children = await Promise.all([3, 1, 2].map((code) => spawn('sh', ['-c', `exit ${code}`])));
  const [first] = children;
  const exits = await waitAll(new Set(children));
  t.deepEqual(
    exits.map((exit) => exit.type === 'exited' && exit.code),
    [3, 1, 2],
  );
  t.deepEqual(await waitAll([first as Process, first as Process]), [exits[0], exits[0]]);
  t.deepEqual(await waitAll([]), []);
  endAll(children);
});

test('an abortion ends the waiting and nothing else', async (t) => {
  const children = await three();
  for (const wait of [waitAny, waitAll]) {
    const controller = new AbortController();
    const waiting = wait(children, { signal: controller.signal });
    controller.abort('enough');
    const error = await t.throwsAsync(waiting, { name: 'AbortError', code: 'ABORT_ERR' });
    t.is(error?.cause, 'enough');
    await t.throwsAsync(wait(children, { signal: AbortSignal.abort() }), { name: 'AbortError' });
  }
  t.true(children.every(({ alive }) => alive));
  const others = waitAll(children);
  for (const child of children) child.signal('SIGKILL');
  for (const exit of await others) t.like(exit, KILLED);
  endAll(children);
});

test('what can never be waited for is refused at once', (t) => {
  const closed = Process.self();
  closed.close();
  using self = Process.self();
  for (const wait of [waitAny, waitAll]) {
    t.is(thrownBy(() => wait([self, closed])).kind, 'Closed');
    for (const [value, name] of [
      [undefined, '"processes"'],
      [7, '"processes"'],
      [[self, 7], '"processes[1]"'],
    ] as const) {
      const error = thrownBy(() => wait(value as never));
      t.is(error.kind, 'InvalidArgument');
      t.true(error.message.startsWith(name), error.message);
    }
    t.is(thrownBy(() => wait([self], { timeoutMs: 1 } as never)).kind, 'InvalidArgument');
  }
  t.regex(thrownBy(() => waitAny([])).message, /at least one Process; received \[\]/);
});

test.serial('the watches of those that lost are given up', async (t) => {
  const stranger = await startSleeper(t);
  using handle = Process.open(stranger.pid);
  const race = async () => {
    const child = await spawn('true', [], { stdio: 'ignore' });
    const { process } = await waitAny([handle, child]);
    t.is(process, child);
    child.close();
  };
  await race(); // Starts the background thread.
  const before = census();
  for (let round = 0; round < 20; round += 1) await race();
  t.deepEqual(await growth(before), {});
});
