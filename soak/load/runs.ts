// Programs run to their ends: what they wrote, on this thread and beside it.

import assert from 'node:assert/strict';
import { run, runSync } from 'procward';
import type { Works } from './work.ts';

export const runs: Works = {
  'run with input': {
    share: 10,
    async work({ random }) {
      const input = 'y'.repeat(random.one([0, 10, 300_000]));
      const { exit, stdout, stderr } = await run('sh', ['-c', 'cat; echo also >&2; exit 3'], { input });
      assert.equal(exit.type === 'exited' && exit.code, 3);
      assert.equal(String(stdout), input);
      assert.equal(String(stderr), 'also\n');
    },
  },
  'run that writes too much': {
    share: 3,
    async work() {
      const ran = run('head', ['-c', '500000', '/dev/zero'], { maxBufferBytes: 1000 });
      await assert.rejects(ran, { code: 'ENOBUFS' });
    },
  },
  runSync: {
    share: 3,
    async work({ random }) {
      const code = random.below(256);
      const { exit, stdout } = runSync('sh', ['-c', `echo ${code}; exit ${code}`]);
      assert.equal(exit.type === 'exited' && exit.code, code);
      assert.equal(String(stdout), `${code}\n`);
    },
  },
};
