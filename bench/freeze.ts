// Freezing control groups, against the loops that programs wait with.

import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { type Cgroup, freezeAll, spawn } from 'procward';
import { type Comparison, compareSingles, type Single } from './compare.ts';
import { FREEZER, inStorm, UNIFIED, withScratch } from './scratch.ts';

/** How long tasks run between two freezes: longer than the kernel holds a notification back after the last one. */
const RESPITE_MS = 15;
const SLEEPERS = 5;

/** In a storm of forks, against the loop of runc and youki: write, then read and sleep 10 ms until it says so. */
export function versionTwo(rounds: number): Promise<Comparison> {
  return inStorm('Fork', UNIFIED, async ({ group, directory }) => {
    using freeze = new Interface(`${directory}/cgroup.freeze`, 'w');
    using events = new Interface(`${directory}/cgroup.events`, 'r');
    const theirs = async () => {
      freeze.write('1');
      while (!events.read().includes('frozen 1')) await delay(10);
    };
    const title = 'v2 freeze in a fork storm, against write-and-sleep-10 ms';
    return await compareSingles(
      title,
      freezing([group]),
      timedThen(theirs, () => freeze.write('0')),
      rounds,
    );
  });
}

/**
 * In a storm of posix_spawn, which version 1 overlooks tasks of, against letting all go now and then, as runc documents it. Eight
 * who spawn are mostly stopped before the loop lets any of them go; thirty-two are not.
 */
export function versionOne(spawners: 8 | 32, rounds: number): Promise<Comparison> {
  return inStorm(spawners === 8 ? 'Spawn' : 'ManySpawn', FREEZER, async ({ group, directory }) => {
    using state = new Interface(`${directory}/freezer.state`, 'r+');
    const theirs = () => bounce(state);
    const title = `v1 freeze in a spawn storm of ${spawners}, against the bounce loop`;
    return await compareSingles(
      title,
      freezing([group]),
      timedThen(theirs, () => state.write('THAWED')),
      rounds,
    );
  });
}

/** Up to a thousand attempts, with a pause in every 25th, and every 50th after 10 ms in which all tasks run. */
async function bounce(state: Interface): Promise<void> {
  for (let attempt = 0; attempt < 1000; attempt += 1) {
    if (attempt % 50 === 49) {
      state.write('THAWED');
      await delay(10);
    }
    state.write('FROZEN');
    if (attempt % 25 === 24) pauseUs(10);
    if (state.read().trim() === 'FROZEN') return;
  }
  // It gives up here, and is not charged with more than it took until then.
}

/** Twenty groups as one, against one after the other. */
export function together(rounds: number): Promise<Comparison> {
  return withScratch(Array(20).fill(UNIFIED), async (...scratch) => {
    const groups = scratch.map(({ group }) => group);
    for (const cgroup of groups) {
      for (let count = 0; count < SLEEPERS; count += 1) await spawn('sleep', ['1000'], { stdio: 'ignore', cgroup });
    }
    const leases: { release(): Promise<void> }[] = [];
    const inTurn = async () => {
      for (const group of groups) leases.push(await group.freeze());
    };
    const thaw = async () => {
      for (const lease of leases.splice(0)) await lease.release();
    };
    const title = `freezeAll of 20 groups of ${SLEEPERS}, against one by one`;
    return await compareSingles(title, freezing(groups), timedThen(inTurn, thaw), rounds);
  });
}

function freezing(groups: readonly Cgroup[]): Single {
  return async () => {
    await delay(RESPITE_MS);
    const started = performance.now();
    const lease = await freezeAll(groups);
    const ms = performance.now() - started;
    await lease.release();
    return ms;
  };
}

function timedThen(freeze: () => Promise<void>, thaw: () => void | Promise<void>): Single {
  return async () => {
    await delay(RESPITE_MS);
    const started = performance.now();
    await freeze();
    const ms = performance.now() - started;
    await thaw();
    return ms;
  };
}

/** An interface file that is kept open, as whoever freezes often would. */
class Interface implements Disposable {
  readonly #fd: number;
  readonly #content = Buffer.alloc(256);

  constructor(path: string, flags: string) {
    this.#fd = openSync(path, flags);
  }

  read(): string {
    return this.#content.toString('latin1', 0, readSync(this.#fd, this.#content, 0, this.#content.length, 0));
  }

  write(value: string): void {
    writeSync(this.#fd, value, 0);
  }

  [Symbol.dispose](): void {
    closeSync(this.#fd);
  }
}

const nobody = new Int32Array(new SharedArrayBuffer(4));

/** Sleeps on this thread. */
function pauseUs(us: number): void {
  Atomics.wait(nobody, 0, 0, us / 1000);
}
