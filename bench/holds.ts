// How long the thread that runs the JavaScript is held by what is done to control groups, against the promised millisecond.

import { openSync, readSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import type { Cgroup, GroupMatcher } from 'procward';
import { type Comparison, quantile } from './compare.ts';
import { family } from './kill.ts';
import { withScratch } from './scratch.ts';

const PROMISED_US = 1000;
const MEMBERS = 100;

type Operation = (group: Cgroup) => unknown;

/** A kind of groups, and what is done to them. */
export interface Held {
  readonly name: string;
  readonly hierarchy: GroupMatcher;
  readonly operations: readonly string[];
}

/** What leaves the group as it was. */
const harmless: Record<string, Operation> = {
  freeze: async (group) => void (await group.freeze()),
  'freeze and release': async (group) => (await group.freeze()).release(),
  thaw: (group) => group.thaw(),
  watch: (group) => (group.watch() as AsyncIterableIterator<unknown>).return?.(),
  limits: (group) => group.limits(),
  stats: (group) => group.stats(),
  pids: (group) => group.pids({ recursive: true }),
};

/** What ends the group, or those in it. */
const final: Record<string, Operation> = {
  kill: (group) => group.kill(),
  stop: (group) => group.stop(),
};

/** The longest of many, in groups of a hundred processes. All the time that it is not free is counted, from the call to the answer. */
export async function holds({ name, hierarchy, operations }: Held, rounds: number): Promise<Comparison[]> {
  const held = new Map<string, number[]>();
  const measure = async (title: string, operation: Operation, group: Cgroup) => {
    const us = await heldUs(() => operation(group));
    held.set(title, [...(held.get(title) ?? []), us]);
  };
  await withScratch([hierarchy], async ({ group }) => {
    await using _parent = await family(group, MEMBERS);
    for (const [title, operation] of Object.entries(harmless)) {
      if (!operations.includes(title)) continue;
      for (let round = 0; round <= rounds; round += 1) {
        await measure(title, operation, group);
        if (title === 'freeze') await group.thaw();
      }
    }
    await group.kill();
  });
  for (const [title, operation] of Object.entries(final)) {
    if (!operations.includes(title)) continue;
    for (let round = 0; round <= rounds / 10; round += 1) {
      await withScratch([hierarchy], async ({ group }) => {
        await using _parent = await family(group, MEMBERS);
        await measure(title, operation, group);
        await measure('remove', () => group.remove(), group);
      });
    }
  }
  return [...held].map(([title, [_first, ...us]]) => toRow(`${name} ${title}`, us));
}

function toRow(what: string, us: readonly number[]): Comparison {
  const longest = Math.max(...us);
  return {
    title: `${what} holds the JavaScript thread at most, against 1 ms`,
    oursUs: longest,
    theirsUs: PROMISED_US,
    ratio: longest / PROMISED_US,
    spread: [quantile(us, 0.25) / PROMISED_US, quantile(us, 0.75) / PROMISED_US],
    p90: { oursUs: quantile(us, 0.9), theirsUs: PROMISED_US },
  };
}

async function heldUs(operation: () => unknown): Promise<number> {
  await delay(2);
  const before = clocks();
  const started = performance.now();
  const answer = operation();
  const calledUs = (performance.now() - started) * 1000;
  const called = clocks();
  await answer;
  // The call may wait in the kernel, and what it starts may not. While others had the processor, nobody here held the thread.
  return calledUs - (called.waitedUs - before.waitedUs) + (clocks().usedUs - called.usedUs);
}

const schedstat = openSync(`/proc/self/task/${process.pid}/schedstat`, 'r');
const nobody = new Int32Array(new SharedArrayBuffer(4));
const line = Buffer.alloc(128);

/** How long this thread, which has the id of the process, was on a processor, and how long it was ready to and was not. */
function clocks() {
  // The kernel brings the first up to date when the thread sleeps.
  Atomics.wait(nobody, 0, 0, 0.001);
  const text = line.toString('latin1', 0, readSync(schedstat, line, 0, line.length, 0));
  const [usedNs, waitedNs] = text.split(' ').map(Number);
  return { usedUs: (usedNs ?? Number.NaN) / 1000, waitedUs: (waitedNs ?? Number.NaN) / 1000 };
}
