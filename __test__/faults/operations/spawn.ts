// What starts programs, and what can be asked of a child.

import { once } from 'node:events';
import { closeSync, writeSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { type Child, type Exit, pipe, type RunResult, run, runSync, type SpawnOptions, spawn } from 'procward';
import { type Operation, operation } from '../operation.ts';

const SILENT = { stdio: 'ignore' } as const;
const nothing = () => undefined;
const sleeper = (options: SpawnOptions = SILENT) => spawn('sleep', ['1000'], options);
/** Who waits since its birth may have been told of a fault; whoever waits anew is told its end. */
const end = (child: Child) => child[Symbol.asyncDispose]().catch(() => child[Symbol.asyncDispose]());
const runs = (child: Child) => child.alive;
const onSleeper = { before: () => sleeper(), after: end };
const hasSucceeded = (exit: Exit) => exit.type === 'exited' && exit.code === 0;
const isEcho = ({ exit, stdout }: RunResult) => hasSucceeded(exit) && stdout.toString() === 'there and back';
const INPUT = { input: 'there and back' };

/** Not reaped yet: what is asked of it is asked of one that has ended by itself. */
const ending = () => spawn('true', [], SILENT);

export const ofSpawn: Operation[] = [
  // One that fails must not run: who has no handle cannot end it.
  operation({ covers: ['spawn'], before: nothing, act: () => sleeper(), right: runs, release: end }),
  operation({
    covers: ['spawn'],
    how: 'with pipes',
    before: nothing,
    act: () => sleeper({}),
    right: runs,
    release: end,
  }),
  operation({
    covers: ['spawn'],
    how: 'with a fourth pipe, limits and rights',
    before: nothing,
    act: () =>
      sleeper({
        stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
        resourceLimits: { core: { soft: 0n } },
        noNewPrivileges: true,
        session: true,
        cwd: '/',
      }),
    right: runs,
    release: end,
  }),
  operation({
    covers: ['spawn'],
    how: 'that the kernel is asked about first',
    before: nothing,
    act: () => sleeper({ ...SILENT, oomScoreAdjust: 500 }),
    right: runs,
    release: end,
  }),
  operation({
    covers: ['spawn'],
    how: 'of what is not there',
    before: nothing,
    act: () => spawn('/nonexistent', [], SILENT),
    expects: 'SpawnFailed',
  }),
  operation({ covers: ['run'], before: nothing, act: () => run('cat', [], INPUT), right: isEcho }),
  operation({ covers: ['runSync'], before: nothing, act: () => runSync('cat', [], INPUT), right: isEcho }),
  operation({
    covers: ['pipe'],
    before: nothing,
    act: () => pipe(),
    right: ({ writeFd }) => writeSync(writeFd, 'x') === 1,
    release: ({ readFd, writeFd }) => {
      closeSync(readFd);
      closeSync(writeFd);
    },
  }),
  operation({
    covers: ['Child.pollState'],
    ...onSleeper,
    act: (child) => child.pollState(),
    right: (state) => state === null,
  }),
  operation({ covers: ['Process.signal'], how: 'of a child', ...onSleeper, act: (child) => child.signal('SIGSTOP') }),
  operation({
    covers: ['Process.waitSync'],
    how: 'of a child',
    before: ending,
    act: (child) => child.waitSync({ timeoutMs: 10_000 }),
    right: (exit) => exit !== null && hasSucceeded(exit),
    after: end,
  }),
  operation({
    covers: ['Process.wait'],
    how: 'of a child',
    before: ending,
    act: (child) => child.wait(),
    right: hasSucceeded,
    after: end,
  }),
  operation({
    covers: ['Child.toChildProcess'],
    before: nothing,
    act: async () => {
      const child = await spawn('cat', [], { stdio: ['pipe', 'pipe', 'inherit'] });
      try {
        const asNode = child.toChildProcess();
        const closed = once(asNode, 'close');
        asNode.stdin?.end('x');
        const [written, [code]] = await Promise.all([buffer(child.stdout as Readable), closed]);
        return { written, code };
      } finally {
        await end(child);
      }
    },
    right: ({ written, code }) => written.toString() === 'x' && code === 0,
  }),
  operation({ covers: ['Child.close'], before: ending, act: (child) => child.close() }),
  operation({
    covers: ['Child.[Symbol.asyncDispose]'],
    before: () => sleeper(),
    act: (child) => child[Symbol.asyncDispose](),
    after: end,
  }),
];
