// All processes at once, and what follows from them: who is whose child, and who lost the parent that it had.

import { uptime } from 'node:os';
import { perform } from '../completions.ts';
import { native } from '../native.ts';
import { printable } from './printable.ts';
import { userNames } from './users.ts';

/** A process, as `ps --json` shows it. */
export interface ProcessRow {
  readonly pid: number;
  /** Clock ticks since boot: with the pid it tells this process from every other of this boot. */
  readonly startTime: string;
  readonly ppid: number;
  readonly processGroup: number;
  readonly session: number;
  readonly uid: number;
  /** Null where /etc/passwd has none. */
  readonly user: string | null;
  /** The letter of proc_pid_stat(5). */
  readonly state: string;
  readonly threads: number;
  /** A thread of the kernel: no program, and nothing that can be ended. */
  readonly kernelThread: boolean;
  /** Its parent is not the process that started it: that one has ended. Inferred, since the kernel does not say. */
  readonly reparented: boolean;
  readonly cpuMs: number;
  /** In RAM, shared memory included. */
  readonly residentBytes: number;
  readonly startedAt: string;
  /** At most 15 bytes, chosen by itself. */
  readonly name: string;
  readonly args: readonly string[];
}

/** A process, as the addon tells it. */
type ProcessRecord = readonly [
  pid: number,
  ppid: number,
  processGroup: number,
  session: number,
  uid: number,
  state: string,
  kernelThread: boolean,
  threads: number,
  startTime: number,
  startedMs: number,
  cpuMs: number,
  residentBytes: number,
  name: string,
  args: readonly string[],
];

/** Every process that can be seen, by pid, read in one go. */
export async function listProcesses(): Promise<ProcessRow[]> {
  const table = await perform<string>((environment, id) => native().listProcesses(environment, id));
  const records = JSON.parse(table) as ProcessRecord[];
  const names = userNames();
  const toDate = datesSince(Date.now() - uptime() * 1000);
  const rows = records.map((record) => toRow(record, names, toDate));
  const byPid = new Map(rows.map((row) => [row.pid, row]));
  return rows.map((row) => (isReparented(row, byPid.get(row.ppid)) ? { ...row, reparented: true } : row));
}

function toRow(
  record: ProcessRecord,
  names: ReadonlyMap<number, string>,
  toDate: (startedMs: number) => string,
): ProcessRow {
  const [
    pid,
    ppid,
    processGroup,
    session,
    uid,
    state,
    kernelThread,
    threads,
    startTime,
    startedMs,
    cpuMs,
    residentBytes,
    name,
    args,
  ] = record;
  return {
    pid,
    startTime: String(startTime),
    ppid,
    processGroup,
    session,
    uid,
    user: names.get(uid) ?? null,
    state,
    threads,
    kernelThread,
    reparented: false,
    cpuMs,
    residentBytes,
    startedAt: toDate(startedMs),
    name,
    args,
  };
}

/** As `toISOString`, which takes longer than all the rest of a row. Many start in the second in which the one before started. */
function datesSince(bootedAt: number): (startedMs: number) => string {
  let second = Number.NaN;
  let shown = '';
  return (startedMs) => {
    const ms = Math.floor(bootedAt + startedMs);
    if (Math.floor(ms / 1000) !== second) {
      second = Math.floor(ms / 1000);
      shown = new Date(ms).toISOString().slice(0, -'000Z'.length);
    }
    return `${shown}${String(ms % 1000).padStart(3, '0')}Z`;
  };
}

/**
 * Whoever does not lead a session is in that of the process that started it, and no process is older than its parent: where
 * that does not hold, the parent is another one by now. A parent that has begun a session since is taken for a new one, too.
 */
function isReparented(child: ProcessRow, parent: ProcessRow | undefined): boolean {
  if (parent === undefined || child.kernelThread) return false;
  if (Number(parent.startTime) > Number(child.startTime)) return true;
  return child.pid !== child.session && child.session !== 0 && child.session !== parent.session;
}

/** What runs, on one line and safe to be shown: its arguments, or its name in brackets where it has none. */
export function showCommand({ name, args }: Pick<ProcessRow, 'name' | 'args'>): string {
  return args.length === 0 ? `[${printable(name)}]` : printable(args.join(' '));
}

/** All that descend from one process, itself first. */
export function withDescendants(rows: readonly ProcessRow[], pid: number): ProcessRow[] {
  const children = byParent(rows);
  const found = rows.filter((row) => row.pid === pid);
  // Grows while it is gone through: one level after the other.
  for (const { pid } of found) found.push(...(children.get(pid) ?? []));
  return found;
}

/** Children by the pid of their parent. */
export function byParent(rows: readonly ProcessRow[]): Map<number, ProcessRow[]> {
  const children = new Map<number, ProcessRow[]>();
  for (const row of rows) {
    const siblings = children.get(row.ppid);
    if (siblings === undefined) children.set(row.ppid, [row]);
    else siblings.push(row);
  }
  return children;
}

/**
 * Those of a group, with what can be said of them only there: one that did not come first, leads no session and has init for a
 * parent was left behind by the process that started it.
 */
export function membersOf(rows: readonly ProcessRow[], pids: readonly number[]): ProcessRow[] {
  const inside = new Set(pids);
  const members = rows.filter(({ pid }) => inside.has(pid));
  const first = members.reduce<ProcessRow | undefined>(
    (oldest, row) => (oldest === undefined || BigInt(row.startTime) < BigInt(oldest.startTime) ? row : oldest),
    undefined,
  );
  return members.map((row) => {
    const isOrphan = row !== first && row.ppid === 1 && !inside.has(1) && row.session !== row.pid;
    return isOrphan ? { ...row, reparented: true } : row;
  });
}
