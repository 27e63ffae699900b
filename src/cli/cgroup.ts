// `procward cgroup`: which hierarchies there are, the groups in them, and what happens to one.

import type { Command } from 'commander';
import { Cgroup } from '../cgroup.ts';
import { ProcwardError } from '../errors.ts';
import type { CgroupEvent } from '../group-events.ts';
import { cgroupLayout } from '../layout.ts';
import { interruptible } from './interrupt.ts';
import { jsonLine, print, printJson, showBytes, table } from './output.ts';
import { printable } from './printable.ts';
import { type GroupTarget, groupTarget, openGroup } from './target.ts';

export function define(command: Command): void {
  command
    .command('layout')
    .description('the hierarchies, their controllers, and where they are mounted')
    .option('--json', 'for programs')
    .action(layout);
  command
    .command('groups')
    .description('the groups below one, with what is in them')
    .argument('[group]', 'where to begin', groupTarget)
    .option('--json', 'for programs')
    .action(groups);
  command
    .command('watch')
    .description('what happens to a group, as it happens, until ^C or until it is removed')
    .argument('<group>', 'which', groupTarget)
    .option('--json', 'for programs: one line each')
    .action(watch);
}

function layout({ json }: { json?: true }): void {
  const found = cgroupLayout();
  if (json) {
    printJson(found);
    return;
  }
  print(`${found.mode}\n`);
  print(
    table(
      [
        { title: 'VERSION', right: true, text: ({ version }) => String(version) },
        {
          title: 'HIERARCHY',
          text: ({ controllers, name }) => (name === null ? controllers.join(',') : `name=${printable(name)}`) || '-',
        },
        { title: 'WRITABLE', text: ({ writable }) => (writable ? 'yes' : 'no') },
        { title: 'MOUNTED AT', text: ({ mountPoint }) => printable(mountPoint ?? '-') },
      ],
      found.hierarchies,
    ),
  );
}

/** What `cgroup groups --json` prints of each. */
interface GroupRow {
  readonly path: string;
  /** In it, not below. */
  readonly processes: number;
  readonly state: string | null;
  readonly memoryBytes: bigint | null;
}

async function groups(target: GroupTarget | undefined, { json }: { json?: true }): Promise<void> {
  const top = target ?? { path: '/', hierarchy: undefined };
  const rows: GroupRow[] = [];
  // Paths and not handles: a host may have more groups than a program may have descriptors.
  const open = [top.path];
  for (let path = open.pop(); path !== undefined; path = open.pop()) {
    try {
      using group = Cgroup.open(path, top.hierarchy);
      rows.push(await describe(group));
      const below = path.replace(/\/$/, '');
      open.push(
        ...(await group.children())
          .sort()
          .reverse()
          .map((name) => `${below}/${name}`),
      );
    } catch (error) {
      // Removed while we looked: then it is no group of this listing.
      if (path === top.path || !isGone(error)) throw error;
    }
  }
  if (json) {
    printJson(rows);
    return;
  }
  print(
    table(
      [
        { title: 'PROCESSES', right: true, text: ({ processes }) => String(processes) },
        { title: 'MEMORY', right: true, text: ({ memoryBytes }) => showBytes(memoryBytes) },
        { title: 'STATE', text: ({ state }) => state ?? '-' },
        { title: 'GROUP', text: ({ path }) => printable(path) },
      ],
      rows,
    ),
  );
}

async function describe(group: Cgroup): Promise<GroupRow> {
  return {
    path: group.path,
    processes: (await group.pids()).length,
    state: stateOf(group),
    memoryBytes: (await group.stats()).memoryBytes,
  };
}

function stateOf(group: Cgroup): string | null {
  try {
    return group.freezeState().state;
  } catch (error) {
    if (error instanceof ProcwardError && error.kind === 'Unsupported') return null;
    throw error;
  }
}

function isGone(error: unknown): boolean {
  return error instanceof ProcwardError && (error.kind === 'Gone' || error.kind === 'NotFound');
}

async function watch(target: GroupTarget, { json }: { json?: true }): Promise<void> {
  using group = openGroup(target);
  await interruptible(async (signal) => {
    for await (const event of group.watch({ signal })) print(json ? jsonLine(event) : `${showEvent(event)}\n`);
  });
}

function showEvent(event: CgroupEvent): string {
  const time = new Date().toISOString();
  return 'count' in event ? `${time} ${event.type} ${event.count}` : `${time} ${event.type}`;
}
