// What is given up, runs out of time, or fails to begin.

import assert from 'node:assert/strict';
import { run, type SpawnOptions, spawn } from 'procward';
import type { Works } from './work.ts';

const failures: readonly [file: string, options: SpawnOptions, expected: object][] = [
  ['/no/such/program', {}, { code: 'ENOENT', stage: 'exec' }],
  ['/etc/passwd', {}, { code: 'EACCES', stage: 'exec' }],
  ['true', { cwd: '/no/such/directory' }, { code: 'ENOENT', stage: 'cwd' }],
  ['true', { seccomp: new Uint8Array(8).fill(0xff), noNewPrivileges: true }, { stage: 'seccomp' }],
  ['true', { processGroup: 2 ** 22 }, { stage: 'process-group' }],
];

export const cutShort: Works = {
  'spawn that fails': {
    share: 12,
    async work({ random }) {
      const [file, options, expected] = random.one(failures);
      const stdio = random.one(['ignore', 'pipe'] as const);
      await assert.rejects(spawn(file, [], { stdio, ...options }), { kind: 'SpawnFailed', ...expected });
    },
  },
  'a wait that is given up': {
    share: 8,
    async work({ random }) {
      await using child = await spawn('sleep', ['1000'], { stdio: 'ignore' });
      await assert.rejects(child.wait({ signal: AbortSignal.timeout(random.below(5)) }));
      child.signal('SIGKILL');
      assert.equal((await child.wait()).type, 'signaled');
    },
  },
  'a child that runs out of time': {
    share: 6,
    async work({ random }) {
      const limit = { timeoutMs: 1 + random.below(20), killSignal: 'SIGKILL' } as const;
      const child = await spawn('sleep', ['1000'], { stdio: 'ignore', ...limit });
      assert.equal((await child.wait()).type, 'signaled');
      const { exit } = await run('sleep', ['1000'], limit);
      assert.equal(exit.type, 'signaled');
      child.close();
    },
  },
  'a child that is aborted': {
    share: 6,
    async work({ random }) {
      const controller = new AbortController();
      const child = await spawn('sleep', ['1000'], { stdio: 'ignore', signal: controller.signal });
      const ran = run('sleep', ['1000'], { signal: controller.signal });
      setTimeout(() => controller.abort(), random.below(10));
      await assert.rejects(ran, { name: 'AbortError' });
      assert.equal((await child.wait()).type, 'signaled');
      child.close();
    },
  },
};
