// Starting a program, against child_process and execa: how long the JavaScript thread is held, until the exit is known, and into
// a control group.

import * as node from 'node:child_process';
import { once } from 'node:events';
import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { Cgroup, type Child, features, run as runToEnd, spawn } from 'procward';
import {
  type Comparison,
  compare,
  compareSingles,
  comparisonOf,
  type Single,
  timedInTurn,
  type Way,
} from './compare.ts';
import { measureCore } from './core.ts';

type Stdio = 'ignore' | 'pipe';

const MB = 1024 ** 2;
/** Resident, as far as a program is not larger to begin with. */
const SIZES = [50 * MB, 1024 * MB, 4096 * MB];

export async function run(quick: boolean): Promise<Comparison[]> {
  const rounds = quick ? 20 : 60;
  return [
    ...(await toExit(rounds)),
    ...measureCore('spawn', quick),
    ...(await intoGroup(rounds)),
    ...(await held(quick ? 50 : 200)),
  ];
}

/** From the call until its exit is known, one after the other. */
export const startToExit: Way = timedInTurn(async () => ended(await spawn('true', [], { stdio: 'ignore' })));

function toExit(rounds: number): Promise<Comparison[]> {
  const peers = {
    'child_process.spawn': async () => once(node.spawn('true', [], { stdio: 'ignore' }), 'exit'),
    execa: async () => execa('true', { stdio: 'ignore' }),
  };
  return inOrder(
    Object.entries(peers).map(
      ([name, peer]) =>
        () =>
          compare(`spawn to exit of \`true\`, against ${name}`, startToExit, timedInTurn(peer), rounds, 10),
    ),
  );
}

/** Until the child is in the group. Moving waits for every processor to pass through the scheduler, unless it just did. */
async function intoGroup(rounds: number): Promise<Comparison[]> {
  if (features().cgroup_v2_write.status !== 'yes') return [];
  const group = Cgroup.create(`/procward-bench-${process.pid}`);
  const timed =
    (start: () => Promise<Child>): Single =>
    async () => {
      await delay(30);
      const started = performance.now();
      const child = await start();
      const ms = performance.now() - started;
      child.signal('SIGKILL');
      await ended(child);
      return ms;
    };
  const sleep = (cgroup?: Cgroup) => spawn('sleep', ['1000'], { stdio: 'ignore', ...(cgroup && { cgroup }) });
  const moved = async () => {
    const child = await sleep();
    group.add(child);
    return child;
  };
  try {
    const title = 'spawn into a group at birth, against moving it there';
    return [
      await compareSingles(
        title,
        timed(() => sleep(group)),
        timed(moved),
        rounds,
      ),
    ];
  } finally {
    await group.remove();
  }
}

/** How long the thread is held at each size, and how much longer at the largest than at the smallest. */
async function held(rounds: number): Promise<Comparison[]> {
  const rows: Comparison[] = [];
  for (const size of SIZES) {
    for (const stdio of ['ignore', 'pipe'] as const) rows.push(await heldAt(size, stdio, rounds));
  }
  const [smallest, , , , largest] = rows;
  if (smallest === undefined || largest === undefined) return rows;
  const ratio = largest.oursUs / smallest.oursUs;
  const title = 'ours: the largest, against the smallest';
  return [...rows, { title, oursUs: largest.oursUs, theirsUs: smallest.oursUs, ratio, spread: [ratio, ratio] }];
}

/** Where its memory comes to lie makes a program a fifth faster or slower than another: so many are asked. */
const PROGRAMS = 5;

/** Measured in programs of their own, without the loader that this one runs under, and the variables of npm, which runs it. */
async function heldAt(size: number, stdio: Stdio, rounds: number): Promise<Comparison> {
  const program = fileURLToPath(new URL('held.mjs', import.meta.url));
  const args = [program, `${size}`, stdio, `${rounds / PROGRAMS}`];
  const variables = Object.entries(process.env).filter(([name]) => name !== 'NODE_OPTIONS' && !name.startsWith('npm_'));
  const env = Object.fromEntries(variables);
  const measured = { ours: [] as number[], theirs: [] as number[] };
  let resident = 0;
  for (let count = 0; count < PROGRAMS; count += 1) {
    const { exit, stdout, stderr } = await runToEnd(process.execPath, args, { env });
    if (exit.type !== 'exited' || exit.code !== 0) throw new Error(`bench/held.mjs failed: ${stderr}`);
    const { ours, theirs, bytes } = JSON.parse(stdout.toString()) as Record<'ours' | 'theirs', number[]> & {
      bytes: number;
    };
    measured.ours.push(...ours);
    measured.theirs.push(...theirs);
    resident = Math.max(resident, bytes);
  }
  const title = `spawn holds the JavaScript thread, stdio ${stdio}, ${Math.round(resident / MB)} MB resident`;
  return comparisonOf(title, measured);
}

async function ended(child: Child): Promise<void> {
  await child.wait();
  for (const stream of child.stdio) stream?.destroy();
  child.close();
}

async function inOrder<T>(tasks: readonly (() => Promise<T>)[]): Promise<T[]> {
  const results: T[] = [];
  for (const task of tasks) results.push(await task());
  return results;
}
