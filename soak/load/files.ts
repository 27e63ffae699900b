// The safe /proc: files read, links read, handles opened and left, and what it refuses.

import assert from 'node:assert/strict';
import { Procfs, procfs } from 'procward';
import type { Works } from './work.ts';

export const files: Works = {
  'read files of /proc': {
    share: 20,
    async work({ random }) {
      const proc = procfs();
      assert.match(await proc.readFile('self', 'status', 'utf8'), /^Name:/);
      assert.match(String(proc.readFileSync('thread-self', 'stat')), /^\d+ \(/);
      assert((await proc.readFile('root', random.one(['uptime', 'meminfo', 'sys/kernel/pid_max']))).length > 0);
      await proc.readFile('self', random.one(['maps', 'limits', 'mountinfo']));
    },
  },
  'open files of /proc': {
    share: 15,
    async work({ random }) {
      for (let count = 0; count < 10; count += 1) {
        const file = random.chance(50) ? procfs().openSync('self', 'stat') : await procfs().open('self', 'status');
        assert(file.stat().ino > 0n);
        assert((await file.read(new Uint8Array(64))) > 0);
        if (random.chance(50)) file.close();
      }
    },
  },
  'links of /proc': {
    share: 10,
    async work() {
      assert.match(await procfs().readlink('self', 'exe'), /^\//);
      assert.match(procfs().readlinkSync('self', 'ns/pid'), /^pid:\[\d+\]$/);
    },
  },
  'a Procfs of its own': {
    share: 4,
    async work({ random }) {
      const proc = random.chance(50) ? Procfs.openSync() : await Procfs.open({ unmasked: random.chance(50) });
      assert((await proc.readFile('self', 'comm')).length > 0);
      if (random.chance(50)) proc.close();
    },
  },
  'what /proc refuses': {
    share: 8,
    async work() {
      const proc = procfs();
      await assert.rejects(proc.readFile('self', 'no-such-file'), { kind: 'NotFound' });
      await assert.rejects(proc.readFile('self', 'exe'), { kind: 'MagicLink' });
      assert.throws(() => proc.readFileSync('self', '../version'), { kind: 'Escape' });
    },
  },
};
