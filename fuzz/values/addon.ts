// The addon without the facade: what nobody is meant to call, and what must hold all the same.

import { closeSync } from 'node:fs';
import type * as Native from '../../src/addon.d.ts';
import { isFailure } from '../../src/errors.ts';
import { native } from '../../src/native.ts';
import type { Scratch } from './world.ts';

/** Instances of each of its classes, open. A scope needs a systemd, and there is none where this runs. */
export interface Handles {
  readonly Environment: Native.Environment[];
  readonly Process: Native.Process[];
  readonly Child: Native.Child[];
  readonly Cgroup: Native.Cgroup[];
  readonly Lease: Native.Lease[];
  readonly Procfs: Native.Procfs[];
  readonly ProcFile: Native.ProcFile[];
  readonly Scope: Native.Scope[];
  readonly Watch: Native.Watch[];
}

/** One for the life of the program, as the facade has one: numbers and what is to be done when they are delivered. */
const waiting = new Map<number, (outcome: unknown) => void>();
let environment: Native.Environment | undefined;
let lastId = 2 ** 31;

export function ownEnvironment(): Native.Environment {
  environment ??= new (native().Environment)(drain);
  return environment;
}

function drain(): void {
  const batch = environment?.drain() ?? [];
  for (let at = 0; at < batch.length; at += 2) {
    const id = batch[at] as number;
    const settle = waiting.get(id);
    waiting.delete(id);
    if (settle === undefined) letGo(batch[at + 1]);
    else settle(batch[at + 1]);
  }
}

/** A number under which something can be delivered, and the promise of it. */
export function nextDelivery(): { id: number; outcome: Promise<unknown> } {
  lastId += 1;
  const id = lastId;
  const outcome = new Promise((resolve) => waiting.set(id, resolve));
  return { id, outcome };
}

/** Nobody waits for that one: it was never started. */
export function forget(id: number): void {
  waiting.delete(id);
}

/** Tells everything that is under way to stop. */
export function cancelAll(): void {
  for (const id of waiting.keys()) environment?.cancel(id);
}

async function asked<T>(start: (environment: Native.Environment, id: number) => void): Promise<T> {
  const { id, outcome } = nextDelivery();
  start(ownEnvironment(), id);
  return taken<T>(await outcome);
}

function taken<T>(outcome: unknown): T {
  if (isFailure(outcome)) throw new Error(`the fuzzer cannot set itself up: ${outcome.message}`);
  return outcome as T;
}

export const SPAWN_PLAN = { file: '/bin/true', argv: 'true\0', env: '', stdio: [-2, -2, -2] } as const;

/** Handles to be mistreated; `pid` is a process that may be. */
export async function open(pid: number, scratch: readonly Scratch[]): Promise<Handles> {
  const addon = native();
  const unified = scratch.find(({ hierarchy }) => 'unified' in hierarchy)?.path;
  const cgroup = unified === undefined ? [] : [taken<Native.Cgroup>(addon.Cgroup.create(`${unified}/raw-${pid}`, ''))];
  const lease = [];
  for (const group of cgroup) {
    lease.push(await asked<Native.Lease>((here, id) => addon.freezeGroups(here, id, [group], 1000, [])));
    await asked((here, id) => group.thaw(here, id, 1000));
  }
  const procfs = taken<Native.Procfs>(
    addon.Procfs.openSync({ unmasked: false, require: [], allowSameProcfs: false, retryAttached: false }),
  );
  const child = await asked<Native.Child>((here, id) => addon.spawn(here, id, { ...SPAWN_PLAN, stdio: [-1, -1, -2] }));
  await asked((here, id) => child.wait(here, id));
  return {
    Environment: [ownEnvironment()],
    Process: [taken<Native.Process>(addon.Process.open(pid, false))],
    Child: [child],
    Cgroup: cgroup,
    Lease: lease,
    Procfs: [procfs, addon.Procfs.shared()],
    ProcFile: [
      taken<Native.ProcFile>(
        addon.Procfs.shared().openFileSync(-1, undefined, 'status', {
          flags: 0,
          directory: false,
          pathOnly: false,
          follow: false,
        }),
      ),
    ],
    Scope: [],
    Watch: cgroup.map((group) => taken<Native.Watch>(group.watch())),
  };
}

export function close(handles: Handles): void {
  for (const child of handles.Child) for (const fd of child.takePipes()) if (fd >= 0) closeSync(fd);
  const { Process, Child, Cgroup, Procfs, ProcFile, Watch } = handles;
  for (const handle of [...Process, ...Child, ...Cgroup, ...Procfs, ...ProcFile, ...Watch]) handle.close();
}

/** Closes what came of a call. */
export function letGo(value: unknown): void {
  const { Process, Child, Cgroup, Procfs, ProcFile, Watch } = native();
  if (value instanceof Child) for (const fd of value.takePipes()) if (fd >= 0) closeSync(fd);
  const closes = [Process, Child, Cgroup, Procfs, ProcFile, Watch].some((each) => value instanceof each);
  if (closes) (value as { close(): void }).close();
  // A lease thaws when it is collected; the group is thawed when the world ends, in any case.
}
