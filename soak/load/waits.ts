// Waiting: for strangers, for the first of many, for all of them, and again by identity.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { features, Process, spawn, waitAll, waitAny } from 'procward';
import type { Works } from './work.ts';

/** Its child waits for a line, so that it lives until it was found. */
const PARENT = 'exec 3<&0; sh -c "read line <&3; exit 7" & echo $!; wait';
const tellsOfStrangers = features().pidfd_exit_info.status === 'yes';

export const waits: Works = {
  'wait for a stranger': {
    share: 10,
    async work({ random }) {
      const parent = await spawn('sh', ['-c', PARENT], { stdio: ['pipe', 'pipe', 'inherit'] });
      assert(parent.stdin && parent.stdout);
      const [line] = await once(parent.stdout, 'data');
      const stranger = Process.open(Number(line));
      const end = stranger.wait();
      parent.stdin.end('\n');
      const exit = await end;
      if (tellsOfStrangers) assert.equal(exit.type === 'exited' && exit.code, 7);
      await parent.wait();
      await parent[Symbol.asyncDispose]();
      if (random.chance(50)) stranger.close();
    },
  },
  'wait for the first of many': {
    share: 6,
    async work() {
      const start = (seconds: string) => spawn('sleep', [seconds], { stdio: 'ignore' });
      const children = await Promise.all([start('1000'), start('0.01'), start('1000')]);
      const { process } = await waitAny(children);
      assert.equal(process, children[1]);
      for (const child of children) if (child.alive) child.signal('SIGKILL');
      const exits = await waitAll(children);
      assert.deepEqual(
        exits.map(({ type }) => type),
        ['signaled', 'exited', 'signaled'],
      );
      for (const child of children) child.close();
    },
  },
  'find again by identity': {
    share: 6,
    async work() {
      const child = await spawn('sleep', ['1000'], { stdio: 'ignore' });
      const identity = structuredClone(child.identity);
      const again = Process.fromIdentity(identity);
      again.signal('SIGTERM');
      assert.equal((await child.wait()).type, 'signaled');
      assert.throws(() => Process.fromIdentity(identity), { kind: 'Gone' });
      again.close();
      child.close();
    },
  },
  'stopped and continued': {
    share: 3,
    async work() {
      await using child = await spawn('sleep', ['1000'], { stdio: 'ignore' });
      child.signal('SIGSTOP');
      child.signal('SIGCONT');
      child.pollState();
      child.signal('SIGKILL');
      assert.equal(child.waitSync()?.type, 'signaled');
    },
  },
};
