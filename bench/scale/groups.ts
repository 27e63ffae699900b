// Thousands of control groups below one, made, listed, frozen as one, thawed, ended and removed.

import { type Cgroup, type FreezeLease, freezeAll } from 'procward';
import { UNIFIED, withScratch } from '../scratch.ts';
import { type Curve, curves, type Steps } from './curve.ts';

const LONG = { timeoutMs: 120_000 };

export function groups(counts: readonly number[]): Promise<Curve[]> {
  return withScratch([UNIFIED], ({ group }) => curves('groups', counts, async (count) => stepsBelow(group, count)));
}

function stepsBelow(scratch: Cgroup, count: number): Steps {
  const parent = scratch.createChild(`of-${count}`);
  const made: Cgroup[] = [];
  let lease: FreezeLease | undefined;
  return {
    'create, and hold': () => {
      for (let at = 0; at < count; at += 1) made.push(parent.createChild(String(at)));
    },
    'list, by the one above': async () => {
      const { length } = await parent.children();
      if (length !== count) throw new Error(`${length} groups instead of ${count}`);
    },
    // It holds a further descriptor of each.
    'freezeAll, of every second one': async () => {
      const half = made.filter((_, at) => at % 2 === 0);
      lease = await freezeAll(half, LONG);
      return half.length;
    },
    'thaw these': async () => {
      await lease?.release();
      return made.length / 2;
    },
    'freeze the one above': async () => {
      lease = await parent.freeze(LONG);
    },
    'thaw the one above': () => lease?.release(),
    'pids of all, by the one above': () => parent.pids({ recursive: true }),
    'kill, one by one': async () => {
      for (const group of made) await group.kill(LONG);
    },
    'remove, by the one above': () => parent.remove({ recursive: true, ...LONG }),
    close: () => {
      for (const group of made) group.close();
      parent.close();
    },
  };
}
