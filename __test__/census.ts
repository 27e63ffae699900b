// Counts what this process holds, so that a test can show that nothing was left behind.

import { readdirSync, readFileSync } from 'node:fs';

export interface Census {
  readonly descriptors: number;
  /** Without those that wait for short calls: there are four at most, and they end when idle. */
  readonly threads: number;
  /** Children of this process, zombies included. */
  readonly children: number;
}

/** What this process holds now. */
export function census(): Census {
  const children = readdirSync('/proc/self/task').flatMap((tid) => {
    try {
      return readFileSync(`/proc/self/task/${tid}/children`, 'utf8').split(' ').filter(Boolean);
    } catch {
      return []; // The thread has ended.
    }
  });
  return {
    descriptors: readdirSync('/proc/self/fd').length,
    threads: threadNames().filter(isCounted).length,
    children: children.length,
  };
}

/** Bun's own come and go with the load, and have other names than ours. */
function isCounted(name: string): boolean {
  return name !== 'procward-block' && (!('bun' in process.versions) || name.startsWith('procward'));
}

/** The names of this process's threads. */
export function threadNames(): string[] {
  return readdirSync('/proc/self/task').flatMap((tid) => {
    try {
      return readFileSync(`/proc/self/task/${tid}/comm`, 'utf8').trim();
    } catch {
      return [];
    }
  });
}

/** Far longer than the background thread needs to let go of what it has finished with. */
const SETTLE_MS = 10_000;

/**
 * What there is more of than before, and stays: nothing, unless something was left behind. The background thread closes its
 * share of a descriptor after it has told the result, so a first look may come too early. Less may well be: the loader that
 * the tests run under ends its own helpers when they are idle.
 */
export async function growth(before: Census): Promise<Partial<Census>> {
  const limit = performance.now() + SETTLE_MS;
  for (;;) {
    const now = Object.entries(census()) as [keyof Census, number][];
    const more = now.filter(([what, count]) => count > before[what]);
    if (more.length === 0 || performance.now() > limit) return Object.fromEntries(more);
    await new Promise(setImmediate);
  }
}
