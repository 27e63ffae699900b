// Every command by its name: what it is for, and where it lives. Only the one that is asked for is loaded.

import type { Command } from 'commander';

/** A command's file: adds arguments, options and what it does to a command that has its name already. */
export interface CommandFile {
  define(command: Command): void;
}

export interface Entry {
  readonly name: string;
  readonly description: string;
  load(): Promise<CommandFile>;
}

export const CATALOGUE: readonly Entry[] = [
  {
    name: 'run',
    description: 'run a program with limits; its whole tree ends with it',
    load: () => import('./run.ts'),
  },
  { name: 'ps', description: 'list processes', load: () => import('./ps.ts') },
  { name: 'tree', description: 'show processes as a tree', load: () => import('./tree.ts') },
  { name: 'info', description: 'all that can be read about a process or a group', load: () => import('./info.ts') },
  { name: 'wait', description: 'wait until processes have ended', load: () => import('./wait.ts') },
  { name: 'kill', description: 'send a signal', load: () => import('./kill.ts') },
  { name: 'stop', description: 'ask to end, kill after a grace, wait until gone', load: () => import('./stop.ts') },
  { name: 'freeze', description: 'hold groups still until ^C', load: () => import('./freeze.ts') },
  { name: 'thaw', description: 'thaw groups, whoever froze them', load: () => import('./thaw.ts') },
  { name: 'cgroup', description: 'control groups: layout, groups, watch', load: () => import('./cgroup.ts') },
  { name: 'proc', description: 'read /proc safely: cat, readlink', load: () => import('./proc.ts') },
  {
    name: 'doctor',
    description: 'what works here, what does not, and how to fix it',
    load: () => import('./doctor.ts'),
  },
  { name: 'completion', description: 'print a completion script for a shell', load: () => import('./completion.ts') },
];
