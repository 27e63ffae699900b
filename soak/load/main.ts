// The program under load: does what work there is, in lanes side by side, between `go` and `rest` on its input; answers a `rest`
// with a line of JSON once nothing is under way and garbage is collected. The end of its input ends it.
//
// Arguments: seed, lanes, the path of its groups, the hierarchies that have them, and what to leak, as JSON.

import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { cutShort } from './cut-short.ts';
import { files } from './files.ts';
import { groups } from './groups.ts';
import { handles } from './handles.ts';
import { LEAKS_EVERY, leaks } from './leaks.ts';
import { others } from './others.ts';
import { Random } from './random.ts';
import type { Hierarchy } from './room.ts';
import { Room } from './room.ts';
import { runs } from './runs.ts';
import { starts } from './starts.ts';
import { threads } from './threads.ts';
import { waits } from './waits.ts';
import type { Tools, Work } from './work.ts';

export interface Orders {
  readonly seed: number;
  readonly lanes: number;
  readonly path: string;
  readonly hierarchies: readonly Hierarchy[];
  readonly leak?: string | undefined;
}

/** The answer to a `rest`. */
export interface Rest {
  /** How often each piece of work was done, since the start. */
  readonly done: Readonly<Record<string, number>>;
  /** What was told wrongly since the last rest. */
  readonly wrong: readonly string[];
  /** What the JavaScript heap holds after a collection. */
  readonly heapBytes: number;
}

/** Far above what any piece of work takes on a machine that is busy with other things. */
const HANGS_MS = 60_000;
const works = Object.entries({
  ...starts,
  ...runs,
  ...waits,
  ...handles,
  ...files,
  ...groups,
  ...cutShort,
  ...others,
  ...threads,
});
/** Each by its share. */
const lots = works.flatMap(([name, { share, work }]) => Array<[string, Work]>(share).fill([name, work]));

const orders = JSON.parse(process.argv[2] ?? '') as Orders;
const room = new Room(orders.path, orders.hierarchies);
const leak = orders.leak === undefined ? undefined : leaks[orders.leak];
const done: Record<string, number> = Object.fromEntries(works.map(([name]) => [name, 0]));
let wrong: string[] = [];
let count = 0;
let working = false;
let lanes: Promise<unknown> = Promise.resolve();

async function lane(tools: Tools): Promise<void> {
  while (working) {
    const [name, work] = tools.random.one(lots);
    await attempt(name, work, tools);
    count += 1;
    if (leak !== undefined && count % LEAKS_EVERY === 0) await attempt('leak', leak, tools);
  }
}

async function attempt(name: string, work: Work, tools: Tools): Promise<void> {
  const over = new AbortController();
  const hang = delay(HANGS_MS, undefined, over).then(() => {
    throw new Error(`not done after ${HANGS_MS} ms`);
  });
  try {
    await Promise.race([work(tools), hang]);
    done[name] = (done[name] ?? 0) + 1;
  } catch (error) {
    wrong.push(`${name}: ${error instanceof Error ? (error.stack ?? error.message) : error}`);
  } finally {
    over.abort();
    hang.catch(() => {});
  }
}

const randoms = Array.from({ length: orders.lanes }, (_, at) => new Random(orders.seed * 1000 + at));

async function rest(): Promise<void> {
  working = false;
  await lanes;
  // What was left to the collector is let go of in turns of their own after it.
  for (let turn = 0; turn < 3; turn += 1) {
    globalThis.gc?.();
    await delay(20);
  }
  const answer: Rest = { done, wrong, heapBytes: process.memoryUsage().heapUsed };
  wrong = [];
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}

function go(): void {
  working = true;
  lanes = Promise.all(randoms.map((random) => lane({ random, room })));
}

for await (const order of createInterface({ input: process.stdin })) {
  if (order === 'go') go();
  else await rest();
}
working = false;
await lanes;
// What a leak holds must not hold the program.
process.exit();
