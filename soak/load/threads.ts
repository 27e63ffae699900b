// Workers that start, work, and are terminated in the middle of it.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { Process } from 'procward';
import type { Works } from './work.ts';

export const threads: Works = {
  'a worker that is terminated': {
    share: 2,
    async work({ random, room }) {
      const group = room.has('unified') ? room.create('unified') : undefined;
      const worker = new Worker(new URL('worker.mjs', import.meta.url), { workerData: group?.path });
      const failed = new Promise<never>((_, reject) => worker.once('error', reject));
      const [pid] = await Promise.race([once(worker, 'message'), failed]);
      await delay(random.below(10));
      await worker.terminate();
      // Nobody here is its parent by handle, and still it is reaped and told of.
      using sleeper = Process.open(pid);
      sleeper.signal('SIGKILL');
      assert.equal((await sleeper.wait()).type, 'signaled');
      await group?.kill({ timeoutMs: 20_000 });
      await group?.remove();
      group?.close();
    },
  },
};
