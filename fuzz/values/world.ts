// What calls are made with: processes, groups and files that are there to be mistreated, and handles that are of no use any more.

import { spawn as nodeSpawn } from 'node:child_process';
import { Cgroup, type Child, type GroupMatcher, Process, type ProcFile, Procfs, procfs, spawn } from 'procward';
import * as Addon from './addon.ts';
import type { Random } from './random.ts';

/** Groups that belong to the fuzzer: where it lives itself, and where it may make others. */
export interface Scratch {
  readonly hierarchy: GroupMatcher;
  readonly path: string;
}

/** What the fuzzer's own processes are in. */
export const HOME = 'home';

/** Long enough for a batch; bounded, should nobody end it. */
const VICTIM = ['sleep', '600'] as const;

export class World {
  readonly random: Random;
  readonly victims: Child[];
  /** Handles of processes, open, of which each call may do what it likes. */
  readonly processes: Process[];
  /** The exit is known, or will be in a moment. */
  readonly ended: Child[];
  readonly groups: Cgroup[];
  readonly procfses: Procfs[];
  readonly files: ProcFile[];
  /** Handles that were closed, of every class. */
  readonly closed: object[];
  readonly raw: Addon.Handles;
  readonly scratch: readonly Scratch[];
  readonly #stranger: Stranger;
  readonly #undo: (() => unknown)[] = [];

  constructor(
    parts: Pick<
      World,
      'random' | 'victims' | 'processes' | 'ended' | 'groups' | 'procfses' | 'files' | 'closed' | 'raw' | 'scratch'
    >,
    stranger: Stranger,
  ) {
    this.random = parts.random;
    this.victims = parts.victims;
    this.processes = parts.processes;
    this.ended = parts.ended;
    this.groups = parts.groups;
    this.procfses = parts.procfses;
    this.files = parts.files;
    this.closed = parts.closed;
    this.raw = parts.raw;
    this.scratch = parts.scratch;
    this.#stranger = stranger;
  }

  /** Some handle, of any class and in any state. */
  handle(random: Random): unknown {
    const all: readonly (readonly unknown[])[] = [
      this.processes,
      this.ended,
      this.groups,
      this.procfses,
      this.files,
      this.closed,
      Object.values(this.raw).flat(),
      [Object.create(Process.prototype), Object.create(Cgroup.prototype), Object.create(Procfs.prototype)],
      [new Proxy(random.pick(this.processes), {})],
    ];
    const filled = all.filter((list) => list.length > 0);
    return random.pick(random.pick(filled));
  }

  /** For a handle that is made for one call. */
  closeLater<T extends { close(): void }>(handle: T): T {
    this.#undo.push(() => handle.close());
    return handle;
  }

  /** Puts a new victim in the place of each that has died. */
  async refresh(): Promise<void> {
    for (const [at, victim] of this.victims.entries()) {
      if (victim.alive) continue;
      await victim[Symbol.asyncDispose]();
      const next = await startVictim(this.random, this.groups);
      this.victims[at] = next;
      this.processes[this.processes.indexOf(victim)] = next;
    }
  }

  /** Ends whatever an operation could still be waiting for. */
  async release(): Promise<void> {
    await this.#stranger.end();
    for (const victim of this.victims) {
      try {
        victim.signal('SIGKILL');
      } catch {
        // It is gone already.
      }
    }
    for (const group of this.groups) {
      await group.thaw({ timeoutMs: 200 }).catch(() => {});
      await group.kill({ timeoutMs: 5000 }).catch(() => {});
    }
  }

  async close(): Promise<void> {
    await this.release();
    for (const victim of this.victims) await victim[Symbol.asyncDispose]();
    for (const child of this.ended) await child[Symbol.asyncDispose]();
    for (const handle of [...this.processes, ...this.ended, ...this.files, ...this.procfses]) handle.close();
    for (const undo of this.#undo) await undo();
    await removeGroups(this.scratch);
    for (const group of this.groups) group.close();
    Addon.close(this.raw);
  }
}

async function startVictim(random: Random, groups: readonly Cgroup[]): Promise<Child> {
  const [file, ...args] = VICTIM;
  const options = { stdio: 'ignore', env: { PATH: process.env['PATH'] } } as const;
  const cgroup = groups.length > 0 && random.percent(70) ? random.pick(groups) : undefined;
  try {
    return await spawn(file, args, cgroup === undefined ? options : { ...options, cgroup });
  } catch (error) {
    // The group may be frozen or gone by now.
    if (cgroup === undefined) throw error;
    return spawn(file, args, options);
  }
}

export async function createWorld(random: Random, scratch: readonly Scratch[]): Promise<World> {
  const groups = scratch.flatMap(({ hierarchy, path }) =>
    ['a', 'b'].map((name) => Cgroup.create(`${path}/${name}-${process.pid}-${random.next()}`, hierarchy)),
  );
  const victims = [await startVictim(random, groups), await startVictim(random, groups), await startVictim(random, [])];
  const ended = await spawn('true', [], { stdio: 'ignore' });
  await ended.wait();
  const brief = await spawn('sleep', ['0.05'], { stdio: 'ignore' });
  const [one, two] = victims as [Child, Child, Child];
  const stranger = await startStranger();
  const own = Procfs.openSync();
  const closed = await closedHandles(scratch);
  const files = [
    procfs().openSync('self', 'status'),
    procfs().openSync('self', 'comm', { flags: 'r+' }),
    procfs().openSync(one, 'stat'),
    procfs().openSync('self', 'fd', { directory: true }),
    procfs().openSync('self', 'exe', { pathOnly: true }),
  ];
  return new World(
    {
      random,
      victims,
      processes: [...victims, Process.open(two.pid), stranger.handle],
      ended: [ended, brief],
      groups,
      procfses: [procfs(), own],
      files,
      closed,
      raw: await Addon.open(one.pid, scratch),
      scratch,
    },
    stranger,
  );
}

/** A process that node:child_process started, so that it is not procward's to reap. */
interface Stranger {
  readonly handle: Process;
  end(): Promise<void>;
}

async function startStranger(): Promise<Stranger> {
  const [file, ...args] = VICTIM;
  const child = nodeSpawn(file, args, { stdio: 'ignore' });
  const gone = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
  });
  const handle = Process.open(child.pid as number);
  const end = async () => {
    child.kill('SIGKILL');
    await gone;
  };
  return { handle, end };
}

async function closedHandles(scratch: readonly Scratch[]): Promise<object[]> {
  const child = await spawn('true', [], { stdio: 'ignore' });
  await child.wait();
  const handles = [child, Process.self(), Procfs.openSync(), procfs().openSync('self', 'stat')];
  for (const { hierarchy, path } of scratch) handles.push(Cgroup.open(path, hierarchy) as never);
  for (const handle of handles) handle.close();
  return handles;
}

/** Everything below the scratch groups but the fuzzer's own. */
async function removeGroups(scratch: readonly Scratch[]): Promise<void> {
  for (const { hierarchy, path } of scratch) {
    using parent = Cgroup.open(path, hierarchy);
    for (const name of await parent.children()) {
      if (name === HOME) continue;
      using group = parent.child(name);
      await group.thaw({ timeoutMs: 200 }).catch(() => {});
      await group.kill({ timeoutMs: 5000 });
      await group.remove({ recursive: true });
    }
  }
}
