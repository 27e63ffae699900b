// Hearing of the end of children, against child_process: what it costs the JavaScript thread, and how soon it is known.
//
// Each side is a program of its own (exits.ts): in one program the children of one would be looked through for every end of
// the other's. They take turns, and whoever does not measure only sleeps.

import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { hrtime } from 'node:process';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type Comparison, compare, type Way } from './compare.ts';
import type { Measured, Order, Report, Side } from './exits.ts';

/** One end has been dealt with before the next, on either side. */
const APART_MS = 4;

export async function run(quick: boolean): Promise<Comparison[]> {
  const rounds = quick ? 3 : 11;
  const results = [];
  for (const live of [0, 2000]) {
    const sides = await Promise.all([start('ours', live), start('theirs', live)]);
    const each = (title: string, result: (ended: Ended) => number) => {
      const [ours, theirs] = sides.map(
        (side): Way =>
          async (count) =>
            result(await ended(side, count, APART_MS)),
      );
      return compare(`${title}, ${live} live children`, ours as Way, theirs as Way, rounds, 50);
    };
    results.push(await each('from a kill to the callback', ({ latencyMs }) => latencyMs));
    results.push(await each('an exit costs the JavaScript thread', ({ threadUs }) => threadUs / 1000));
    results.push(await each('an exit costs the whole program', ({ programUs }) => programUs / 1000));
    for (const side of sides) await stop(side);
  }
  results.push(await drain(quick ? 1000 : 10_000));
  return results;
}

/** From the first kill to the last callback, when all are killed at once. Once only: starting so many takes its time. */
async function drain(count: number): Promise<Comparison> {
  const drainMs = async (name: Side) => {
    const side = await start(name, 0);
    const { drainMs } = await ended(side, count, 0);
    await stop(side);
    return drainMs;
  };
  const [ours, theirs] = [await drainMs('ours'), await drainMs('theirs')];
  const [oursUs, theirsUs] = [(ours * 1000) / count, (theirs * 1000) / count];
  const ratio = ours / theirs;
  return { title: `${count} children end at once, each`, oursUs, theirsUs, ratio, spread: [ratio, ratio] };
}

interface Ended extends Measured {
  /** The sum of the times from each kill to its callback. */
  readonly latencyMs: number;
  readonly drainMs: number;
}

/** Starts so many more on that side, and ends them. */
async function ended(side: ChildProcess, count: number, apartMs: number): Promise<Ended> {
  const { pids } = (await ask(side, { start: count })) as { pids: number[] };
  await ask(side, { ends: count });
  const measured = once(side, 'message') as Promise<[Measured]>;
  const killed = new Map<number, bigint>();
  for (const pid of pids) {
    // Long enough for the last end to be dealt with, and for the processor to be idle.
    if (apartMs > 0) await setTimeout(apartMs);
    killed.set(pid, hrtime.bigint());
    process.kill(pid, 'SIGKILL');
  }
  const [result] = await measured;
  const [first = 0n] = killed.values();
  const times = result.told.map(([pid, at]) => ({ killed: killed.get(pid) ?? first, told: BigInt(at) }));
  const latencyNs = times.reduce((sum, time) => sum + Number(time.told - time.killed), 0);
  const drainNs = Math.max(...times.map((time) => Number(time.told - first)));
  return { ...result, latencyMs: latencyNs / 1e6, drainMs: drainNs / 1e6 };
}

async function start(side: Side, live: number): Promise<ChildProcess> {
  const program = fork(fileURLToPath(new URL('exits.ts', import.meta.url)), [side]);
  await once(program, 'spawn');
  await ask(program, { start: live });
  return program;
}

async function ask(side: ChildProcess, order: Order): Promise<Report> {
  const answer = once(side, 'message') as Promise<[Report]>;
  side.send(order);
  return (await answer)[0];
}

async function stop(side: ChildProcess): Promise<void> {
  const exit = once(side, 'exit');
  side.disconnect();
  await exit;
}
