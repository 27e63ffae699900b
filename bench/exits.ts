// A program of one side of bench/process.ts: it has children by procward or by child_process, and tells when it was told of
// their ends. Somebody else ends them, so that the thread that is measured does nothing but hear of it.

import * as node from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { hrtime } from 'node:process';
import { setTimeout } from 'node:timers/promises';
import { type Child, spawn } from 'procward';

export type Side = 'ours' | 'theirs';

/** Starts so many more, or measures until so many have ended. */
export type Order = { readonly start: number } | { readonly ends: number };

/** The pids that were started; then that the measurement is under way; then what was measured. */
export type Report = { readonly pids: number[] } | { readonly ready: true } | Measured;

export interface Measured {
  /** When the end of which child was told: nanoseconds of the monotonic clock, which all processes share. */
  readonly told: readonly (readonly [pid: number, atNs: string])[];
  /** Processor time meanwhile, of the thread that runs the JavaScript and of the whole program, in microseconds. */
  readonly threadUs: number;
  readonly programUs: number;
}

const FILE = 'sleep';
const ARGS = ['300'];
const alive = new Map<number, () => void>();
let told: [number, string][] = [];
let expected = Number.POSITIVE_INFINITY;
let before = usage();

async function startOurs(): Promise<number> {
  const child: Child = await spawn(FILE, ARGS, { stdio: 'ignore' });
  child.wait().then(() => {
    end(child.pid);
    child.close();
  });
  alive.set(child.pid, () => child.signal('SIGKILL'));
  return child.pid;
}

async function startTheirs(): Promise<number> {
  const child = node.spawn(FILE, ARGS, { stdio: 'ignore' });
  await once(child, 'spawn');
  const pid = child.pid ?? Number.NaN;
  child.once('exit', () => end(pid));
  alive.set(pid, () => child.kill('SIGKILL'));
  return pid;
}

function end(pid: number): void {
  told.push([pid, String(hrtime.bigint())]);
  alive.delete(pid);
  if (told.length < expected) return;
  const now = usage();
  report({ told, threadUs: now.threadUs - before.threadUs, programUs: now.programUs - before.programUs });
  expected = Number.POSITIVE_INFINITY;
}

function usage() {
  const { user, system } = process.cpuUsage();
  // The first number is the time on a processor in nanoseconds; the main thread has the id of the process.
  const [onProcessorNs] = readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'utf8').split(' ');
  return { threadUs: Number(onProcessorNs) / 1000, programUs: user + system };
}

function report(report: Report): void {
  process.send?.(report);
}

async function obey(side: Side, order: Order): Promise<void> {
  if ('start' in order) {
    const start = side === 'ours' ? startOurs : startTheirs;
    const pids: number[] = [];
    for (let count = 0; count < order.start; count += 1) pids.push(await start());
    report({ pids });
    return;
  }
  told = [];
  expected = order.ends;
  report({ ready: true });
  // What it costs to report is not counted: the first end comes later than this.
  await setTimeout(1);
  before = usage();
}

const [, , side] = process.argv;
if (side === 'ours' || side === 'theirs') {
  process.on('message', (order: Order) => obey(side, order));
  process.on('disconnect', () => {
    for (const kill of alive.values()) kill();
  });
}
