// Children that are not procward's: those of Node and of execa, in the same program, must be told of as ever.

import assert from 'node:assert/strict';
import * as node from 'node:child_process';
import { once } from 'node:events';
import { promisify } from 'node:util';
import { execa } from 'execa';
import { Process } from 'procward';
import type { Works } from './work.ts';

const execFile = promisify(node.execFile);

export const others: Works = {
  'child_process.spawn': {
    share: 8,
    async work({ random }) {
      const code = random.below(256);
      const child = node.spawn('sh', ['-c', `exit ${code}`], { stdio: random.one(['ignore', 'pipe'] as const) });
      assert.deepEqual(await once(child, 'close'), [code, null]);
    },
  },
  'child_process.execFile': {
    share: 3,
    async work() {
      assert.equal((await execFile('echo', ['said'])).stdout, 'said\n');
    },
  },
  'a handle of a child of Node': {
    share: 5,
    async work() {
      const child = node.spawn('sleep', ['1000'], { stdio: 'ignore' });
      const told = once(child, 'exit');
      await once(child, 'spawn');
      using handle = Process.open(child.pid ?? Number.NaN);
      const end = handle.wait();
      handle.signal('SIGTERM');
      // Node reaps it; procward only looks.
      assert.deepEqual(await told, [null, 'SIGTERM']);
      await end;
    },
  },
  execa: {
    share: 4,
    async work() {
      assert.equal((await execa('cat', { input: 'said' })).stdout, 'said');
    },
  },
};
