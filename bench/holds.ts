// How long the thread that runs the JavaScript is held by what is done to control groups, against the promised millisecond.

import { openSync, readSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Cgroup, GroupMatcher } from 'procward';
import { type Comparison, quantile } from './compare.ts';
import { family } from './kill.ts';
import { withScratch } from './scratch.ts';

const PROMISED_US = 1000;
const MEMBERS = 100;
/** A virtual machine loses its processor for milliseconds now and then: what takes long does so each time. */
const TRIES = 3;

/** What is timed; what makes it ready is not. */
type Operation = () => unknown;
type Prepare = (group: Cgroup) => Operation | Promise<Operation>;

/** A kind of groups, and what is done to them. */
export interface Held {
  readonly name: string;
  readonly hierarchy: GroupMatcher;
  readonly operations: readonly string[];
}

/** What leaves the group as it was. */
const harmless: Record<string, Prepare> = {
  freeze: (group) => async () => void (await group.freeze()),
  release: async (group) => {
    const lease = await group.freeze();
    return () => lease.release();
  },
  thaw: (group) => () => group.thaw(),
  watch: (group) => () => (group.watch() as AsyncIterableIterator<unknown>).return?.(),
  limits: (group) => () => group.limits(),
  stats: (group) => () => group.stats(),
  pids: (group) => () => group.pids({ recursive: true }),
};

/** What ends the group, or those in it. */
const final: Record<string, Prepare> = {
  kill: (group) => () => group.kill(),
  stop: (group) => () => group.stop(),
};

/**
 * The longest of many, each the shortest of its tries, in groups of a hundred processes. All the time that the thread is not free
 * is counted, from the call to the answer.
 */
export async function holds({ name, hierarchy, operations }: Held, rounds: number): Promise<Comparison[]> {
  const held = new Map<string, number[]>();
  const measure = async (title: string, prepare: Prepare, group: Cgroup) => {
    const us = await heldUs(await prepare(group));
    held.set(title, [...(held.get(title) ?? []), us]);
  };
  await withScratch([hierarchy], async ({ group }) => {
    await using _parent = await family(group, MEMBERS);
    for (const [title, prepare] of Object.entries(harmless)) {
      if (!operations.includes(title)) continue;
      for (let round = 0; round < rounds + TRIES; round += 1) {
        await measure(title, prepare, group);
        if (title === 'freeze') await group.thaw();
      }
    }
    await group.kill();
  });
  for (const [title, prepare] of Object.entries(final)) {
    if (!operations.includes(title)) continue;
    for (let round = 0; round < rounds / 10 + TRIES; round += 1) {
      await withScratch([hierarchy], async ({ group }) => {
        await using _parent = await family(group, MEMBERS);
        await measure(title, prepare, group);
        await measure('remove', () => () => group.remove(), group);
      });
    }
  }
  // The first ones are compiled meanwhile.
  return [...held].map(([title, us]) => toRow(`${name} ${title}`, us.slice(TRIES)));
}

function toRow(what: string, tries: readonly number[]): Comparison {
  const us: number[] = [];
  for (let at = 0; at + TRIES <= tries.length; at += TRIES) us.push(Math.min(...tries.slice(at, at + TRIES)));
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

async function heldUs(operation: Operation): Promise<number> {
  await delay(2);
  // Else what earlier rounds have left behind is collected at this one's cost.
  collectGarbage({ type: 'minor' });
  const before = clocks();
  const started = performance.now();
  const answer = operation();
  const calledUs = (performance.now() - started) * 1000;
  const { waitedUs } = look();
  const called = clocks();
  await answer;
  // The call may wait in the kernel, and what it starts may not. While others had the processor, nobody here held the thread.
  return calledUs - (waitedUs - before.waitedUs) + (clocks().usedUs - called.usedUs);
}

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as (options: { readonly type: 'minor' }) => void;

const schedstat = openSync(`/proc/self/task/${process.pid}/schedstat`, 'r');
const nobody = new Int32Array(new SharedArrayBuffer(4));
const line = Buffer.alloc(128);

/** The same, with the first brought up to date: by the kernel, when the thread sleeps. */
function clocks() {
  Atomics.wait(nobody, 0, 0, 0.001);
  return look();
}

/** How long this thread, which has the id of the process, was on a processor, and how long it was ready to and was not. */
function look() {
  const text = line.toString('latin1', 0, readSync(schedstat, line, 0, line.length, 0));
  const [usedNs, waitedNs] = text.split(' ').map(Number);
  return { usedUs: (usedNs ?? Number.NaN) / 1000, waitedUs: (waitedNs ?? Number.NaN) / 1000 };
}
