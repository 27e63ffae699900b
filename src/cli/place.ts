// The groups that a command is run in: made for it, below our own, or in a scope of systemd's.

import { randomBytes } from 'node:crypto';
import { Cgroup } from '../cgroup.ts';
import { ProcwardError } from '../errors.ts';
import type { CgroupLimits } from '../group-limits.ts';
import type { GroupMatcher } from '../matcher.ts';
import { createTransientScope } from '../scope.ts';
import { Refusal } from './failure.ts';

export type Limits = Partial<CgroupLimits>;

/** Groups that are there, all of them empty so far. */
export interface Place {
  /** The one that the whole tree is held by. */
  readonly main: Cgroup;
  /** One for each hierarchy: where the command begins. */
  readonly groups: readonly Cgroup[];
  /** The one that counts memory; null when none does. */
  readonly memory: Cgroup | null;
  /** Removes them; they must be empty. */
  remove(): Promise<void>;
}

/** Why there is none. */
export interface NoPlace {
  readonly reason: string;
}

type Controller = 'memory' | 'pids' | 'cpu';

const CONTROLLERS: Readonly<Record<keyof CgroupLimits, Controller>> = {
  memoryMaxBytes: 'memory',
  memoryHighBytes: 'memory',
  swapMaxBytes: 'memory',
  pidsMax: 'pids',
  cpuMax: 'cpu',
  cpuWeight: 'cpu',
};

/**
 * Makes groups with these limits.
 *
 * First below the group that we are in, so that all limits that hold for us hold for the command: limits of controllers that
 * version 1 has stand in groups there. Where that is not allowed, or version 2 has processes in the way, in a scope that systemd
 * makes for us and leaves to us. A limit that cannot be set is an error: nothing runs with less than was asked for.
 */
export async function makePlace(limits: Limits): Promise<Place | NoPlace> {
  const name = `procward-run-${process.pid}-${randomBytes(4).toString('hex')}`;
  const direct = await attempt(() => makeBelowOurs(name, limits));
  if ('main' in direct) return direct;
  const scoped = await attempt(() => makeInScope(limits));
  return 'main' in scoped ? scoped : { reason: `${direct.reason}; ${scoped.reason}` };
}

async function attempt(make: () => Promise<Place>): Promise<Place | NoPlace> {
  try {
    return await make();
  } catch (error) {
    // A limit that is wrong by itself is not cured by another place.
    if (error instanceof ProcwardError && error.kind !== 'InvalidArgument') return { reason: error.message };
    throw error;
  }
}

async function makeBelowOurs(name: string, limits: Limits): Promise<Place> {
  const made = new Made();
  try {
    const main = await made.below(undefined, name);
    if (main.version === 2) await hand(main, limits, made);
    for (const [controller, wanted] of byController(limits)) {
      const group = (await has(main, controller)) ? main : await made.below({ controller }, name);
      await group.setLimits(wanted);
      if (controller === 'memory') made.memory = group;
    }
    return made.place(main);
  } catch (error) {
    await made.remove();
    throw error;
  }
}

/** Asks version 2 for controllers that it has and did not hand down to us; refused where our own group has processes. */
async function hand(main: Cgroup, limits: Limits, made: Made): Promise<void> {
  const parent = made.parentOf(main);
  const available = (await parent.readFile('cgroup.controllers')).trim().split(' ');
  const handed = (await parent.readFile('cgroup.subtree_control')).trim().split(' ');
  const lacking = [...byController(limits).keys()].filter((name) => available.includes(name) && !handed.includes(name));
  if (lacking.length > 0) await parent.writeFile('cgroup.subtree_control', lacking.map((name) => `+${name}`).join(' '));
}

/** For a program of a user: systemd gives us a scope, in which we make room for the command beside ourselves. */
async function makeInScope(limits: Limits): Promise<Place> {
  const { cgroupPath } = await createTransientScope({
    name: 'procward-run',
    description: 'a command of procward run',
    delegate: true,
  });
  const made = new Made();
  try {
    using scope = Cgroup.open(cgroupPath);
    // Version 2 gives controllers only to groups whose parent has no processes.
    using ours = scope.createChild('procward');
    ours.add(process.pid);
    const controllers = [...byController(limits).keys()];
    if (controllers.length > 0)
      await scope.writeFile('cgroup.subtree_control', controllers.map((name) => `+${name}`).join(' '));
    const main = made.add(scope.createChild('command'));
    await main.setLimits(limits);
    if (controllers.includes('memory')) made.memory = main;
    return made.place(main);
  } catch (error) {
    await made.remove();
    throw error;
  }
}

/** What was made so far, for the case that the rest cannot be. */
class Made {
  readonly groups: Cgroup[] = [];
  readonly #parents = new Map<Cgroup, Cgroup>();
  memory: Cgroup | null = null;

  async below(hierarchy: GroupMatcher | undefined, name: string): Promise<Cgroup> {
    const parent = await Cgroup.of(process.pid, hierarchy);
    const group = this.add(parent.createChild(name));
    this.#parents.set(group, parent);
    return group;
  }

  add(group: Cgroup): Cgroup {
    this.groups.push(group);
    return group;
  }

  parentOf(group: Cgroup): Cgroup {
    const parent = this.#parents.get(group);
    if (parent === undefined) throw new Refusal(`${group.path} has no parent here`);
    return parent;
  }

  async remove(): Promise<void> {
    for (const group of this.groups) {
      await group.remove({ recursive: true });
      group.close();
    }
    for (const parent of this.#parents.values()) parent.close();
  }

  place(main: Cgroup): Place {
    return { main, groups: this.groups, memory: this.memory, remove: () => this.remove() };
  }
}

function byController(limits: Limits): Map<Controller, Limits> {
  const wanted = new Map<Controller, Limits>();
  for (const [name, value] of Object.entries(limits)) {
    const controller = CONTROLLERS[name as keyof CgroupLimits];
    wanted.set(controller, { ...wanted.get(controller), [name]: value });
  }
  return wanted;
}

async function has(group: Cgroup, controller: Controller): Promise<boolean> {
  if (group.version === 1) return false;
  return (await group.readFile('cgroup.controllers')).trim().split(' ').includes(controller);
}
