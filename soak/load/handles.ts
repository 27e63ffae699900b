// Handles of processes, opened in every way, asked, and closed or left to the collector.

import assert from 'node:assert/strict';
import { closeSync } from 'node:fs';
import { getResourceLimit, Process, pipe } from 'procward';
import type { Works } from './work.ts';

export const handles: Works = {
  'Process handles': {
    share: 20,
    async work({ random }) {
      for (let count = 0; count < 20; count += 1) {
        const handle = random.one([() => Process.self(), () => Process.open(process.ppid)])();
        assert(handle.alive);
        assert.equal(handle.info().pid, handle.pid);
        assert.equal(handle.identity.pid, handle.pid);
        handle.getResourceLimit('nofile');
        if (random.chance(50)) handle.close();
      }
    },
  },
  'descriptors of others': {
    share: 5,
    async work() {
      using self = Process.self();
      const { readFd, writeFd } = pipe();
      for (const fd of [self.duplicateFd(readFd), readFd, writeFd]) closeSync(fd);
      getResourceLimit('nofile');
    },
  },
  'files of a process': {
    share: 10,
    async work({ random }) {
      const handle = Process.open(process.ppid);
      assert.match(await handle.readFile('status', 'utf8'), /^Name:/);
      assert.match(handle.readFileSync('stat', 'utf8'), /^\d+ \(/);
      await handle.readlink('exe');
      const file = await handle.open('cmdline');
      assert((await file.bytes()).length > 0);
      if (random.chance(50)) file.close();
      if (random.chance(50)) handle.close();
    },
  },
};
