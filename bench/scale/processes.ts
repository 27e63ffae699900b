// Thousands of children that sleep: started, waited for, listed and ended at once, in a group that bounds them.

import { type Cgroup, type Child, spawn, waitAll } from 'procward';
import { listProcesses } from '../../src/cli/processes.ts';
import { UNIFIED, withScratch } from '../scratch.ts';
import { type Curve, curves } from './curve.ts';

export function processes(counts: readonly number[]): Promise<Curve[]> {
  return withScratch([UNIFIED], ({ group }) => curves('processes', counts, async (count) => stepsIn(group, count)));
}

function stepsIn(cgroup: Cgroup, count: number) {
  const children: Child[] = [];
  let ends: Promise<unknown> = Promise.resolve();
  return {
    'spawn into a group': async () => {
      for (let at = 0; at < count; at += 1) {
        children.push(await spawn('sleep', ['1000'], { stdio: 'ignore', cgroup }));
      }
    },
    'begin to wait': () => {
      ends = waitAll(children);
    },
    'list all processes': async () => {
      const { length } = await listProcesses();
      if (length < count) throw new Error(`${length} processes instead of ${count}`);
    },
    'pids of the group': async () => {
      const { length } = await cgroup.pids();
      if (length !== count) throw new Error(`${length} processes in the group instead of ${count}`);
    },
    'freeze and thaw the group': async () => {
      const lease = await cgroup.freeze({ timeoutMs: 120_000 });
      await lease.release();
    },
    'kill, until all ends are told': async () => {
      await cgroup.kill({ timeoutMs: 120_000 });
      await ends;
    },
    close: () => {
      for (const child of children) child.close();
    },
  };
}
