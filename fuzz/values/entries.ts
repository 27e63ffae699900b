// What each function expects, by its name: from that near-valid calls are made, and without that nothing is called.

import { cgroup } from './entries/cgroup.ts';
import { functions } from './entries/functions.ts';
import { process } from './entries/process.ts';
import { procfs } from './entries/procfs.ts';
import { raw } from './entries/raw.ts';
import { snap, testing } from './entries/snap.ts';
import type { Random } from './random.ts';
import type { World } from './world.ts';

export interface Entry {
  /** Valid arguments, made anew for each call: they are changed. */
  args(random: Random, world: World): unknown[];
  /** What it is called on. */
  on?(random: Random, world: World): unknown;
  /** Undoes what a call may have done to the fuzzer itself. */
  after?(world: World, result: unknown): void | Promise<void>;
  /** It waits on this thread: on any other process than the one it is called on, for ever. */
  readonly blocks?: boolean;
  /** Marked as such in the sources, and so in no public type: called by procward only. */
  readonly internal?: boolean;
  /** What it does with its arguments it does later, when nobody can catch anything: only with those that it expects. */
  readonly trusts?: boolean;
  /** A function of the addon whose answer is delivered: its first arguments, which are left out here, say where to. */
  readonly delivers?: boolean;
  /** It may end processes, so that there must be new ones before the next call. */
  readonly lethal?: boolean;
  /** It is expensive, or does what cannot be repeated: called so many times less often. */
  readonly rarely?: number;
}

export type Entries = Readonly<Record<string, Entry>>;

/** By module; the last is the addon without the facade. */
export const entries = {
  procward: { ...functions, ...process, ...procfs, ...cgroup },
  'procward/snap': snap,
  'procward/testing': testing,
  addon: raw,
} as const satisfies Readonly<Record<string, Entries>>;

export type ModuleName = keyof typeof entries;
