// All processes of a command: by the group that holds them, or where there is none by what can be seen from outside.

import { randomUUID } from 'node:crypto';
import type { Cgroup } from '../cgroup.ts';
import { ProcwardError } from '../errors.ts';
import { Process } from '../process.ts';
import type { SignalName } from '../signals.ts';
import { waitAll } from '../wait.ts';
import { signalMembers } from './kill.ts';
import { listProcesses, type ProcessRow, withDescendants } from './processes.ts';

/** The tree of a command, from its start to its end. */
export interface Tree {
  /** What the command needs in its environment to be found. */
  readonly environment: Readonly<Record<string, string>>;
  /** To each of it that is meant, by its line of stat. */
  signal(signal: SignalName, isMeant?: (stat: string) => boolean): Promise<void>;
  /** Asks, waits for the grace, kills; resolves when none is left. */
  stop(signal: SignalName | number, graceMs: number): Promise<void>;
}

/** Nothing leaves a group, however it forks. */
export class GroupTree implements Tree {
  readonly environment = {};
  readonly #group: Cgroup;

  constructor(group: Cgroup) {
    this.#group = group;
  }

  async signal(signal: SignalName, isMeant?: (stat: string) => boolean): Promise<void> {
    await signalMembers(this.#group, signal, isMeant);
  }

  async stop(signal: SignalName | number, graceMs: number): Promise<void> {
    if ((await this.#group.pids({ recursive: true })).length === 0) return;
    await this.#group.stop({ killSignal: signal, graceMs });
  }
}

const MARK = 'PROCWARD_RUN';
const PATIENCE_MS = 5000;

/**
 * Without a group: whoever descends from the command, and whoever has its mark in the environment, as what was left behind by
 * its parent has. Who descends no more and has cleared its environment, or became another user, is not found.
 */
export class MarkedTree implements Tree {
  readonly environment: Readonly<Record<string, string>>;
  readonly #mark: string;
  #root: { readonly pid: number; readonly startTime: string } | undefined;

  constructor() {
    const id = randomUUID();
    this.environment = { [MARK]: id };
    this.#mark = `${MARK}=${id}`;
  }

  /** Where it begins. */
  begin(root: Process): void {
    this.#root = root.identity;
  }

  async signal(signal: SignalName, isMeant: (stat: string) => boolean = () => true): Promise<void> {
    await this.#each((member) => {
      if (isMeant(member.readFileSync('stat', 'utf8'))) member.signal(signal);
    });
  }

  async stop(signal: SignalName | number, graceMs: number): Promise<void> {
    const started = performance.now();
    const left = () => graceMs - (performance.now() - started);
    if ((await this.#each((member) => member.signal(signal))) === 0) return;
    while (left() > 0) if ((await this.#each(() => {}, left())) === 0) return;
    const last = performance.now() + PATIENCE_MS;
    while (performance.now() < last) {
      if ((await this.#each((member) => member.signal('SIGKILL'), last - performance.now())) === 0) return;
    }
    const processes = (await this.#find()).map(({ pid, state }) => ({ pid, state }));
    throw new ProcwardError({ kind: 'Leftovers', message: 'Processes of the command are still there', processes });
  }

  /** Does something to all that are there now, waits at most so long for their ends, and tells how many there were. */
  async #each(act: (member: Process) => void, waitMs = 0): Promise<number> {
    const members = (await this.#find()).flatMap(hold);
    try {
      for (const member of members) unlessGone(() => act(member));
      if (waitMs > 0) await waitAll(members, { signal: AbortSignal.timeout(Math.ceil(waitMs)) }).catch(ignoreAbort);
      return members.length;
    } finally {
      for (const member of members) member.close();
    }
  }

  async #find(): Promise<ProcessRow[]> {
    const root = this.#root;
    if (root === undefined) return [];
    const rows = await listProcesses();
    const isRoot = rows.some(({ pid, startTime }) => pid === root.pid && startTime === root.startTime);
    const descendants = new Set(isRoot ? withDescendants(rows, root.pid) : []);
    return rows.filter((row) => {
      if (row.kernelThread || row.pid === process.pid || ['Z', 'X'].includes(row.state)) return false;
      // Nobody is older than the command that it comes of.
      if (BigInt(row.startTime) < BigInt(root.startTime)) return false;
      return descendants.has(row) || this.#isMarked(row);
    });
  }

  #isMarked(row: ProcessRow): boolean {
    const [held] = hold(row);
    if (held === undefined) return false;
    try {
      return held.readFileSync('environ', 'latin1').split('\0').includes(this.#mark);
    } catch (error) {
      // Of another user, or ended: none that could be ended here.
      if (error instanceof ProcwardError) return false;
      throw error;
    } finally {
      held.close();
    }
  }
}

/** The process of a row, if it is still there. */
function hold({ pid, startTime }: ProcessRow): Process[] {
  try {
    const held = Process.open(pid);
    if (held.identity.startTime === startTime) return [held];
    held.close();
    return [];
  } catch (error) {
    if (error instanceof ProcwardError) return [];
    throw error;
  }
}

function unlessGone(act: () => void): void {
  try {
    act();
  } catch (error) {
    if (!(error instanceof ProcwardError) || error.kind !== 'Gone') throw error;
  }
}

function ignoreAbort(error: unknown): void {
  if (!(error instanceof Error) || error.name !== 'AbortError') throw error;
}
