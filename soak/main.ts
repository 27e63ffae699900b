// A soak: a mixed load on procward for minutes or hours, and whether what the program holds stays the same.
//
//   npm run soak -- --minutes=30 [--seed=N] [--lanes=N] [--json=FILE] [--leak=KIND]
//
// The program under load (load/) comes to rest every few seconds, and is then looked at from outside; the table shows what it
// held, and in brackets the most that was seen while it worked. What passes is said in verdict.ts. Ends with 0 when nothing was
// found, with 1 when something was, with 130 when it was interrupted before. `--leak` leaks on purpose (load/leaks.ts).

import { writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { type Holdings, leftBehind, observe } from './observe.ts';
import { Subject } from './subject.ts';
import { header, row, summary } from './table.ts';
import { isEnough, judge, type Sample } from './verdict.ts';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '30' },
    seed: { type: 'string', default: String(Date.now() % 2 ** 20) },
    lanes: { type: 'string', default: '8' },
    json: { type: 'string' },
    leak: { type: 'string' },
  },
});
const totalMs = Number(values.minutes) * 60_000;
const [seed, lanes] = [Number(values.seed), Number(values.lanes)];
if (!(totalMs > 0 && seed >= 0 && lanes > 0)) throw new Error('--minutes, --seed and --lanes are numbers');
/** A hundred rests, but not so close that the load is mostly at rest, nor so far that nothing is seen of it. */
const everyMs = Math.min(15_000, Math.max(2000, totalMs / 100));
/** How long a descriptor may take to be let go of on the background thread after its result was told. */
const SETTLE_MS = 5000;
const LONGER_MS = 180_000;

const interrupt = new AbortController();
process.once('SIGINT', () => interrupt.abort());
process.once('SIGTERM', () => interrupt.abort());

const samples: Sample[] = [];
const wrong: string[] = [];
let done: Readonly<Record<string, number>> = {};
const started = performance.now();

/** Lets it work for a while; the most that was seen meanwhile. */
async function work(subject: Subject, ms: number): Promise<Holdings | undefined> {
  const until = performance.now() + ms;
  let most: Holdings | undefined;
  subject.go();
  while (performance.now() < until && !interrupt.signal.aborted) {
    const pause = Math.min(500, Math.max(1, until - performance.now()));
    await delay(pause, undefined, interrupt).catch(() => {});
    const now = await observe(subject);
    most = most === undefined ? now : mostOf(most, now);
  }
  return most;
}

function mostOf(one: Holdings, other: Holdings): Holdings {
  const names = Object.keys(one) as (keyof Holdings)[];
  return Object.fromEntries(names.map((name) => [name, Math.max(one[name], other[name])])) as unknown as Holdings;
}

/** Brings it to rest, and looks until it holds no more than before, or has had the time for it. */
async function rest(subject: Subject): Promise<Sample> {
  const { heapBytes, wrong: theirs, done: all } = await subject.rest();
  wrong.push(...theirs);
  done = all;
  const operations = Object.values(all).reduce((sum, count) => sum + count, 0);
  const limit = performance.now() + SETTLE_MS;
  const before = samples.at(-1);
  let held = await observe(subject);
  while (before !== undefined && holdsMore(held, before) && performance.now() < limit) {
    await delay(50);
    held = await observe(subject);
  }
  return { atMs: performance.now() - started, operations, heapBytes, ...held };
}

function holdsMore(now: Holdings, before: Holdings): boolean {
  const names = ['descriptors', 'threads', 'processes', 'zombies', 'groups'] as const;
  return names.some((name) => now[name] > before[name]);
}

/** On a machine that is busy with other things there may be too little to be judged in that time: then it goes on. */
function isOver(): boolean {
  const ms = performance.now() - started;
  return ms > totalMs && (isEnough(samples) || ms > totalMs + LONGER_MS);
}

async function soak(): Promise<void> {
  await using subject = await Subject.start(seed, lanes, values.leak);
  console.log(
    `seed ${seed}, ${lanes} lanes, a rest every ${everyMs / 1000} s, groups in ${subject.groups.length} hierarchies`,
  );
  console.log(header);
  try {
    while (!isOver() && !interrupt.signal.aborted) {
      const most = await work(subject, everyMs);
      const sample = await rest(subject);
      console.log(row(sample, samples.at(-1), most));
      for (const line of await leftBehind(subject)) console.log(line);
      samples.push(sample);
    }
  } catch (error) {
    wrong.push(String(error));
  }
}

await soak();
const interrupted = interrupt.signal.aborted;
// What was seen until an interrupt may be too little to be judged, but what was told wrongly was told wrongly.
const verdict = interrupted && !isEnough(samples) ? { ...judge([], []), findings: wrong } : judge(samples, wrong);
const { findings } = verdict;
console.log(summary(verdict, done));
if (values.json !== undefined)
  writeFileSync(values.json, `${JSON.stringify({ seed, lanes, samples, done, verdict })}\n`);
if (interrupted) console.log(`interrupted after ${Math.round((performance.now() - started) / 1000)} s`);
if (findings.length > 0) console.log(`FAILED: ${findings.length} findings`);
else if (!interrupted) console.log('PASSED: nothing was found');
process.exitCode = findings.length > 0 ? 1 : interrupted ? 130 : 0;
