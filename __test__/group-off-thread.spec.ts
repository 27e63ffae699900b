// What control groups cost the thread that runs the JavaScript: nothing that grows, and little of what does not.

import { existsSync, readFileSync } from 'node:fs';
import test from 'ava';
import { Cgroup, freezeAll, spawn } from 'procward';
import { needing } from './needs.ts';
import { scratchGroup } from './scratch.ts';

const group2 = needing('cgroup2', 'pidfd');
/** Where the kernel counts what each thread reads; alone, because it counts what this thread does. */
const counted = group2 === test && existsSync('/proc/self/io') ? test.serial : test.skip;
const frozen = needing('freeze2') === test ? counted : test.skip;
const CHILDREN = 300;
/** The least of several counts: whatever else this thread does, as loading a module, can only add to a run. */
const RUNS = 5;
/** Far above what one call takes, on any machine; far below what the work in the background takes together. */
const LIMIT_MS = 1;

/** How often this thread has read and written so far, as the kernel counts. */
function calls(): number {
  const counts = readFileSync(`/proc/self/task/${process.pid}/io`, 'utf8');
  return Number(/^syscr: (\d+)$/m.exec(counts)?.[1]) + Number(/^syscw: (\d+)$/m.exec(counts)?.[1]);
}

/** The fewest calls of this thread that an operation needs. */
async function ownCalls(operation: () => Promise<unknown>): Promise<number> {
  let own = Number.POSITIVE_INFINITY;
  for (let run = 0; run < RUNS && own > CHILDREN / 3; run += 1) {
    const before = calls();
    await operation();
    own = Math.min(own, calls() - before);
  }
  return own;
}

/** The median: what a call takes when nobody else wants the processor. */
function medianMs(call: () => unknown): number {
  const times = Array.from({ length: 101 }, () => {
    const started = performance.now();
    call();
    return performance.now() - started;
  });
  return times.toSorted((a, b) => a - b)[50] ?? Number.NaN;
}

counted('a tree of groups is read on another thread', async (t) => {
  const group = scratchGroup(t);
  for (let count = 0; count < CHILDREN; count += 1) group.createChild(`group-${count}`).close();
  const operations: Record<string, () => Promise<unknown>> = {
    pids: () => group.pids({ recursive: true }),
    processes: () => group.processes({ recursive: true })[Symbol.asyncIterator]().next(),
    many: () => Promise.all(Array.from({ length: CHILDREN }, () => group.stats())),
  };
  for (const [name, operation] of Object.entries(operations)) {
    const own = await ownCalls(operation);
    t.true(own <= CHILDREN / 3, `${name}: ${own} reads and writes on this thread`);
  }
});

frozen('groups are frozen and thawed on another thread', async (t) => {
  const group = scratchGroup(t);
  const groups = Array.from({ length: CHILDREN }, (_, count) => group.createChild(`group-${count}`));
  const own = await ownCalls(async () => (await freezeAll(groups)).release());
  t.true(own <= CHILDREN / 3, `${own} reads and writes on this thread`);
  for (const child of groups) child.close();
});

group2('what answers at once takes a fraction of a millisecond', async (t) => {
  const group = scratchGroup(t);
  await using child = await spawn('sleep', ['1000'], { stdio: 'ignore', cgroup: group });
  const calls: Record<string, () => unknown> = {
    contains: () => group.contains(child),
    'contains by number': () => group.contains(child.pid),
    open: () => Cgroup.open(group.path).close(),
    watch: () => void (group.watch() as AsyncIterableIterator<unknown>).return?.(),
  };
  for (const [name, call] of Object.entries(calls)) {
    const median = medianMs(call);
    t.true(median < LIMIT_MS, `${name}: ${median} ms`);
  }
});
