// A child in the shape of node:child_process: side by side with one of Node's own.

import { ChildProcess, spawn as nodeSpawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import test from 'ava';
import { spawn } from 'procward';
import { present } from './children.ts';
import { collectFrom } from './collect.ts';

/** Each event with its arguments, in the order in which they come, until the last. */
async function eventsOf(child: ChildProcess): Promise<unknown[][]> {
  const events: unknown[][] = [];
  for (const name of ['spawn', 'exit', 'close', 'error']) child.on(name, (...args) => events.push([name, ...args]));
  child.stdout?.on('data', (chunk) => events.push(['data', String(chunk)]));
  await once(child, 'close');
  return events;
}

const both = (script: string) =>
  [
    ['ours', async () => (await spawn('sh', ['-c', script])).toChildProcess()],
    ['theirs', async () => nodeSpawn('sh', ['-c', script])],
  ] as const;

for (const [script, exit] of [
  ['echo out; exit 23', [23, null]],
  ['kill -s TERM $$', [null, 'SIGTERM']],
] as const) {
  for (const [whose, start] of both(script)) {
    test(`${whose}: events and fields of \`${script}\``, async (t) => {
      const child = await start();
      t.true(child instanceof ChildProcess);
      t.is(typeof child.pid, 'number');
      t.deepEqual([child.exitCode, child.signalCode, child.killed, child.connected], [null, null, false, false]);
      t.deepEqual([child.spawnfile, child.spawnargs], ['sh', ['sh', '-c', script]]);
      t.deepEqual(child.stdio.slice(0, 3), [child.stdin, child.stdout, child.stderr]);
      const output = script.startsWith('echo') ? [['data', 'out\n']] : [];
      const [first, ...rest] = await eventsOf(child);
      t.deepEqual([first, rest.pop()], [['spawn'], ['close', ...exit]]);
      // Output may come before or after the exit.
      t.deepEqual(rest.sort(), [...output, ['exit', ...exit]]);
      t.deepEqual([child.exitCode, child.signalCode], [...exit]);
      t.false(child.kill());
      t.false(child.killed);
    });
  }
}

for (const [whose, start] of both('exec sleep 1000')) {
  test(`${whose}: a signal that was sent is remembered`, async (t) => {
    const child = await start();
    t.false(child.killed);
    t.true(child.kill('SIGKILL'));
    t.true(child.killed);
    t.deepEqual(await once(child, 'exit'), [null, 'SIGKILL']);
    t.throws(() => child.kill('SIGNOTHING' as never));
  });
}

for (const [whose, start] of both('exec 0<&-; sleep 1000 & echo $!; exit 3')) {
  test(`${whose}: a grandchild that keeps a stream open delays the close and not the exit`, async (t) => {
    const child = await start();
    const [[grandchild], exit] = await Promise.all([once(present(child.stdout), 'data'), once(child, 'exit')]);
    t.deepEqual(exit, [3, null]);
    const closed = once(child, 'close');
    process.kill(Number(grandchild), 'SIGKILL');
    t.deepEqual(await closed, [3, null]);
  });
}

for (const [whose, start] of both('i=0; while [ $i -lt 20000 ]; do echo "line $i"; i=$((i + 1)); done')) {
  test(`${whose}: nothing of the output is lost, and what is not read does not hang`, async (t) => {
    const read = await start();
    const [output] = await Promise.all([text(present(read.stdout)), once(read, 'close')]);
    t.is(output.trimEnd().split('\n').length, 20_000);
    const unread = await start();
    unread.stdout?.once('data', () => {});
    await once(unread, 'close');
  });
}

test('it is the same each time, and the child is still ours', async (t) => {
  const child = await spawn('cat', []);
  const adapter = child.toChildProcess();
  t.is(child.toChildProcess(), adapter);
  t.is(adapter.pid, child.pid);
  adapter.ref();
  adapter.unref();
  adapter.ref();
  adapter.stdin?.end('through');
  const [{ exit, stdout }] = await Promise.all([collectFrom(child), once(adapter, 'exit')]);
  t.is(stdout, 'through');
  t.like(exit, { type: 'exited', code: 0 });
});

test('a further pipe goes both ways', async (t) => {
  const child = await spawn('sh', ['-c', 'read line <&3; echo "$line back" >&3'], {
    stdio: ['ignore', 'ignore', 'inherit', 'pipe'],
  });
  const pipe = child.stdio[3] as import('node:stream').Duplex;
  pipe.write('there\n');
  t.is(await text(pipe), 'there back\n');
  t.like(await child.wait(), { code: 0 });
});
