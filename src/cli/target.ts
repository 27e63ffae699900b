// What a command is about: a process, held from here on, or a control group.

import { InvalidArgumentError } from 'commander';
import { Cgroup } from '../cgroup.ts';
import type { GroupMatcher } from '../matcher.ts';
import { Process } from '../process.ts';
import { procfs } from '../procfs.ts';

/** As it was written. */
export type Target =
  | { readonly type: 'process'; readonly text: string; readonly pid: number; readonly startTime: string | null }
  | {
      readonly type: 'group';
      readonly text: string;
      readonly path: string;
      readonly hierarchy: GroupMatcher | undefined;
    };
export type ProcessTarget = Extract<Target, { type: 'process' }>;
export type GroupTarget = Extract<Target, { type: 'group' }>;

const GROUP = "a group's path like /jobs or memory:/jobs";
const MAX_PID = 2 ** 22;

/** Takes a word apart; nothing is looked up. */
export function target(text: string): Target {
  const number = /^(\d{1,7})(?:@(\d{1,20}))?$/.exec(text);
  if (number !== null) {
    const pid = Number(number[1]);
    if (pid >= 1 && pid <= MAX_PID) return { type: 'process', text, pid, startTime: number[2] ?? null };
  }
  const group = /^(?:([\w=.-]+):)?(\/.*)$/s.exec(text);
  if (group !== null) {
    return { type: 'group', text, path: group[2] ?? '/', hierarchy: toMatcher(group[1]) };
  }
  throw new InvalidArgumentError(`A target is a process id from 1 to ${MAX_PID}, PID@START, or ${GROUP}.`);
}

/** The same for several words, one after the other. */
export function targets(text: string, before: Target[] = []): Target[] {
  return [...before, target(text)];
}

/** For commands that are about groups only. */
export function groupTarget(text: string): GroupTarget {
  const parsed = target(text);
  if (parsed.type === 'group') return parsed;
  throw new InvalidArgumentError(
    `This works on groups, since a process shares its group with others: give ${GROUP}; \`procward info ${text}\` shows those of the process.`,
  );
}

/** The same for several words. */
export function groupTargets(text: string, before: GroupTarget[] = []): GroupTarget[] {
  return [...before, groupTarget(text)];
}

/** Holds the process that is meant: with a start, this one and no other that got its number. */
export function openProcess({ pid, startTime }: ProcessTarget): Process {
  if (startTime === null) return Process.open(pid);
  return Process.fromIdentity({ bootId: bootId(), pid, startTime, inode: null });
}

/** Holds the group that is meant. */
export function openGroup({ path, hierarchy }: GroupTarget): Cgroup {
  return Cgroup.open(path, hierarchy);
}

/** How a process is written so that nobody else is ever meant. */
export function nameOf({ pid, startTime }: { readonly pid: number; readonly startTime: string }): string {
  return `${pid}@${startTime}`;
}

function toMatcher(hierarchy: string | undefined): GroupMatcher | undefined {
  if (hierarchy === undefined) return undefined;
  const name = /^name=(.+)$/.exec(hierarchy)?.[1];
  return name === undefined ? { controller: hierarchy } : { name };
}

function bootId(): string {
  return procfs().readFileSync('root', 'sys/kernel/random/boot_id', 'utf8').trim();
}
