// What a program holds, read from outside through its handle: nothing of the reading happens in it.

import { readdirSync, readFileSync } from 'node:fs';
import type { Subject } from './subject.ts';

export interface Holdings {
  readonly rssBytes: number;
  /** The part of it that belongs to no file: what maps one is taken away and given back as the kernel pleases. */
  readonly memoryBytes: number;
  readonly descriptors: number;
  /** Without those of procward that wait for short calls: there are four at most, and they end when idle. */
  readonly threads: number;
  readonly shortThreads: number;
  /** Processes that it started or that theirs started, wherever they are, zombies not included. */
  readonly processes: number;
  readonly zombies: number;
  /** Below those that it was given. */
  readonly groups: number;
}

export async function observe(subject: Subject): Promise<Holdings> {
  const { child, groups } = subject;
  const names = ofThreads(child.pid, 'comm').map((name) => name.trim());
  const zombies = childrenOf(child.pid).filter(isZombie);
  const processes = await others(subject);
  let made = 0;
  for (const group of groups) made += (await group.children()).filter((name) => name !== 'load').length;
  const shortThreads = names.filter((name) => name === 'procward-block').length;
  // Exact, which the counters in `status` are not: those are summed up now and then.
  const smaps = child.readFileSync('smaps_rollup', 'utf8');
  const bytes = (field: string) => Number(new RegExp(`^${field}: +(\\d+)`, 'm').exec(smaps)?.[1]) * 1024;
  return {
    rssBytes: bytes('Rss'),
    memoryBytes: bytes('Anonymous'),
    descriptors: readdirSync(`/proc/${child.pid}/fd`).length,
    threads: names.length - shortThreads,
    shortThreads,
    processes: processes.length,
    zombies: zombies.length,
    groups: made,
  };
}

/** A line for each process that is left, for whoever has to find out why. */
export async function leftBehind(subject: Subject): Promise<string[]> {
  return (await others(subject)).map((pid) => {
    const read = (file: string) => {
      try {
        return readFileSync(`/proc/${pid}/${file}`, 'utf8').replaceAll('\0', ' ').trim();
      } catch {
        return '(gone)';
      }
    };
    return `    left: ${pid} \`${read('cmdline')}\` in ${read('wchan')}, group ${read('cgroup').split('\n').at(-1)}`;
  });
}

/** Whoever is its child or in its groups: those whose parent is gone stay in these. */
async function others({ child, groups }: Subject): Promise<number[]> {
  const alive = childrenOf(child.pid).filter((pid) => !isZombie(pid));
  const [unified] = groups.filter(({ version }) => version === 2);
  const members = unified === undefined ? [] : await unified.pids({ recursive: true });
  return [...new Set([...alive, ...members])].filter((pid) => pid !== child.pid);
}

/** Zombies included. */
function childrenOf(pid: number): number[] {
  return ofThreads(pid, 'children').flatMap((line) => line.split(' ').filter(Boolean).map(Number));
}

function isZombie(pid: number): boolean {
  try {
    return /\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false; // It was reaped.
  }
}

/** This file of every thread; one that ends meanwhile has none. */
function ofThreads(pid: number, file: string): string[] {
  return readdirSync(`/proc/${pid}/task`).flatMap((tid) => {
    try {
      return [readFileSync(`/proc/${pid}/task/${tid}/${file}`, 'utf8')];
    } catch {
      return [];
    }
  });
}
