// The fuzzer itself, as a program: calls everything, in batches, and tells on standard output what it found, a line of JSON each.

import { readdirSync, readlinkSync, writeSync } from 'node:fs';
import { inspect, types } from 'node:util';
import * as procward from 'procward';
import * as snap from 'procward/snap';
import * as testing from 'procward/testing';
import { type Census, census, growth } from '../../__test__/census.ts';
import { native } from '../../src/native.ts';
import * as Addon from './addon.ts';
import { disturb, replace } from './disturb.ts';
import { type Entry, entries, type ModuleName } from './entries.ts';
import { hostile } from './hostile.ts';
import { letGo } from './let-go.ts';
import { Random } from './random.ts';
import { type Callable, surfaceOf } from './surface.ts';
import { complaint, type How } from './verdict.ts';
import { createWorld, type Scratch, type World } from './world.ts';

export interface Orders {
  readonly seed: number;
  readonly calls: number;
  /** The number of the first. */
  readonly first: number;
  /** Only what has this in its name. */
  readonly only?: string;
  readonly scratch: readonly Scratch[];
}

export type Report =
  | {
      readonly type: 'finding';
      readonly call: number;
      readonly what: string;
      readonly wrong: string;
      readonly detail: string;
    }
  | {
      readonly type: 'batch';
      readonly calls: number;
      readonly rssBytes: number;
      readonly tally: Readonly<Record<How, number>>;
    }
  | { readonly type: 'end'; readonly names: number; readonly unreached: readonly string[] };

/** Where the number of the call goes that is being made, so that one that ends the program is known. */
const PROGRESS_FD = 3;
const BATCH = 2000;
/** How long an operation may take once there is nothing left that it could wait for. */
const SETTLE_MS = 20_000;
/** How long a call is waited for before the next one is made. */
const PATIENCE_MS = 5;

interface Target extends Callable {
  readonly module: ModuleName;
  readonly entry: Entry;
}

const modules = { procward, 'procward/snap': snap, 'procward/testing': testing, addon: native() } as const;

const targets: Target[] = Object.entries(modules).flatMap(([name, exported]) => {
  const module = name as ModuleName;
  const known: Readonly<Record<string, Entry>> = entries[module];
  return surfaceOf(exported).flatMap((callable) => {
    const entry = known[callable.name];
    return entry === undefined ? [] : [{ ...callable, module, entry }];
  });
});

const orders = JSON.parse(process.argv[2] ?? '') as Orders;
const chosen = targets.filter(
  ({ module, name }) => orders.only === undefined || `${module}: ${name}`.includes(orders.only),
);
const tally: Record<How, number> = { returned: 0, threw: 0, resolved: 0, rejected: 0 };
/** Which of them ever did what it is for. */
const reached = new Set<Target>();
/** Which operations are still under way. */
const pending = new Map<number, { target: Target; promise: Promise<void> }>();

const tell = (report: Report) => writeSync(1, `${JSON.stringify(report)}\n`);

process.on('unhandledRejection', (error) => {
  tell({
    type: 'finding',
    call: current,
    what: 'the program',
    wrong: 'a rejection that nobody could handle',
    detail: inspect(error),
  });
});
process.on('uncaughtException', (error) => {
  tell({
    type: 'finding',
    call: current,
    what: 'the program',
    wrong: 'an exception that nobody could catch',
    detail: inspect(error),
  });
  process.exit(1);
});

let current = orders.first;
const progress = Buffer.alloc(8);

function enter(call: number): void {
  current = call;
  progress.writeDoubleLE(call);
  writeSync(PROGRESS_FD, progress, 0, progress.length, 0);
}

/** One call, all of which follows from its number and the seed. */
async function callOnce(call: number, world: World): Promise<void> {
  const random = new Random(orders.seed, call);
  const target = random.pick(chosen);
  const { entry, module, name } = target;
  if (entry.rarely !== undefined && random.below(2 ** 32) >= 2 ** 32 / entry.rarely) return;
  const isRaw = module === 'addon' || entry.internal === true;
  const delivery = entry.delivers ? Addon.nextDelivery() : undefined;
  const given = entry.args(random, world);
  const valid = delivery === undefined ? given : [Addon.ownEnvironment(), delivery.id, ...given];
  const other = () => world.handle(random);
  const way = random.below(10);
  const args =
    way === 0 || entry.trusts ? valid : way < 8 ? disturb(random, valid, other) : replace(random, valid.length, other);
  const strangeReceiver = entry.on !== undefined && !entry.trusts && random.percent(5);
  const receiver = strangeReceiver
    ? random.percent(50) && !entry.blocks
      ? world.handle(random)
      : hostile(random)
    : entry.on?.(random, world);
  // Node-API for Rust makes room for as many items as an array claims to have, before it looks at them; the facade counts them.
  if (isRaw && claimsTooMuch(args)) return;
  const isDelivered = delivery !== undefined && isSame(args, 0, valid) && isSame(args, 1, valid);
  if (delivery !== undefined && !isDelivered) Addon.forget(delivery.id);

  const settle = (how: How, value: unknown) => {
    tally[how] += 1;
    if (how === 'returned' || how === 'resolved') reached.add(target);
    const wrong = complaint(value, { how, strangeReceiver, isRaw });
    if (wrong !== undefined) {
      const detail = `${how} ${show(value)}\non ${show(receiver)}\nwith ${args.length} arguments: ${showAll(args)}`;
      tell({ type: 'finding', call, what: `${module}: ${name}`, wrong, detail });
    }
  };
  let result: unknown;
  enter(call);
  try {
    result = target.call(receiver, args);
  } catch (error) {
    if (delivery !== undefined) Addon.forget(delivery.id);
    settle('threw', error);
    return;
  }
  if (isDelivered && result !== undefined) Addon.forget(delivery.id);
  const awaited = isDelivered && result === undefined ? delivery.outcome : result;
  if (!(awaited instanceof Promise)) {
    settle('returned', result);
    await entry.after?.(world, result);
    // What returns the handle that it was called on is not to have it closed.
    if (result !== receiver) await letGo(result);
    return;
  }
  const promise = awaited.then(
    async (value: unknown) => {
      settle('resolved', value);
      await letGo(value);
    },
    (error: unknown) => settle('rejected', error),
  );
  pending.set(call, { target, promise });
  const done = promise.finally(() => pending.delete(call));
  await Promise.race([done, pause(PATIENCE_MS)]);
}

const MOST_ITEMS = 2 ** 20;

/** Whether there is an array in it that claims to be longer than memory. */
function claimsTooMuch(value: unknown, depth = 0): boolean {
  if (typeof value !== 'object' || value === null || depth > 5 || types.isProxy(value) || ArrayBuffer.isView(value))
    return false;
  if (Array.isArray(value) && value.length > MOST_ITEMS) return true;
  return Object.values(Object.getOwnPropertyDescriptors(value)).some((property) =>
    claimsTooMuch(property.value, depth + 1),
  );
}

/** Whether an argument is what it was at first, and no getter that says so once. */
function isSame(args: readonly unknown[], at: number, valid: readonly unknown[]): boolean {
  const property = Object.getOwnPropertyDescriptor(args, at);
  return property !== undefined && 'value' in property && property.value === valid[at];
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

function show(value: unknown): string {
  try {
    return inspect(value, {
      depth: 2,
      maxStringLength: 200,
      maxArrayLength: 10,
      showProxy: true,
      getters: false,
      customInspect: false,
    });
  } catch {
    return 'something that cannot be shown';
  }
}

function showAll(args: readonly unknown[]): string {
  const shown = Object.entries(Object.getOwnPropertyDescriptors(args)).filter(([key]) => key !== 'length');
  return shown.map(([, { value, get }]) => (get === undefined ? show(value) : 'a getter')).join(', ');
}

/** Everything that was started ends when there is nothing left to wait for. */
async function finish(world: World): Promise<void> {
  await world.release();
  Addon.cancelAll();
  const limit = performance.now() + SETTLE_MS;
  while (pending.size > 0 && performance.now() < limit) {
    await Promise.race([...[...pending.values()].map(({ promise }) => promise), pause(50)]);
    await new Promise(setImmediate);
  }
  for (const [call, { target }] of pending) {
    tell({
      type: 'finding',
      call,
      what: `${target.module}: ${target.name}`,
      wrong: 'a promise that does not settle',
      detail: '',
    });
  }
  pending.clear();
}

async function batch(first: number, count: number): Promise<void> {
  const world = await createWorld(new Random(orders.seed, first), orders.scratch);
  try {
    for (let call = first; call < first + count; call += 1) {
      await callOnce(call, world);
      await world.refresh();
      if (call % 50 === 0) await new Promise(setImmediate);
    }
    await finish(world);
  } finally {
    await world.close();
  }
  globalThis.gc?.();
  await new Promise(setImmediate);
}

/** Where each leads. */
function descriptors(): string[] {
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      return `${fd} ${readlinkSync(`/proc/self/fd/${fd}`)}`;
    } catch {
      return []; // That was the one for reading the list.
    }
  });
}

async function main(): Promise<void> {
  const { first, calls } = orders;
  // The first stream of a program has libuv open /dev/null, and keep it for a day without descriptors.
  void process.stderr;
  // Whatever a call does to what keeps a program running, this one runs to its end.
  setInterval(() => {}, 1000);
  let before: Census | undefined;
  for (let at = first; at < first + calls; at += BATCH) {
    const count = Math.min(BATCH, first + calls - at);
    await batch(at, count);
    before ??= census();
    const more = await growth(before);
    if (Object.keys(more).length > 0) {
      const detail = `before ${JSON.stringify(before)}, now more: ${JSON.stringify(more)}\n${descriptors().join(', ')}`;
      tell({
        type: 'finding',
        call: at,
        what: `calls ${at} to ${at + count - 1}`,
        wrong: 'something was left behind',
        detail,
      });
      before = census();
    }
    tell({ type: 'batch', calls: count, rssBytes: process.memoryUsage.rss(), tally });
  }
  native().thawForGood();
  const unreached = chosen.filter((target) => !reached.has(target)).map(({ module, name }) => `${module}: ${name}`);
  tell({ type: 'end', names: chosen.length, unreached });
}

await main();
process.exit(0);
