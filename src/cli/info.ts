// `procward info`: all that can be read about one process or one group.

import type { Command } from 'commander';
import { isPermission } from '../errors.ts';
import type { Process, ProcessIdentity } from '../process.ts';
import { procfs } from '../procfs.ts';
import { Refusal } from './failure.ts';
import { describeGroup, formatGroup } from './group-info.ts';
import { facts, print, printJson, showAge, showBytes, showCpu } from './output.ts';
import { printable } from './printable.ts';
import { listProcesses, type ProcessRow, showCommand } from './processes.ts';
import { openGroup, openProcess, type ProcessTarget, type Target, target } from './target.ts';

/** What `info --json` prints of a process. What may not be read is null, and named in `denied`. */
export interface ProcessDescription extends ProcessRow {
  readonly identity: ProcessIdentity;
  readonly exe: string | null;
  readonly cwd: string | null;
  readonly root: string | null;
  readonly peakResidentBytes: number | null;
  readonly swapBytes: number | null;
  readonly descriptors: number | null;
  readonly oomScore: number | null;
  readonly capabilities: string | null;
  readonly noNewPrivileges: boolean | null;
  readonly seccomp: string | null;
  readonly namespaces: Readonly<Record<string, string>> | null;
  /** As /proc/<pid>/cgroup has them: hierarchy (empty for version 2) and path. */
  readonly groups: readonly { readonly hierarchy: string; readonly path: string }[] | null;
  readonly denied: readonly string[];
}

const NAMESPACES = ['cgroup', 'ipc', 'mnt', 'net', 'pid', 'time', 'user', 'uts'];

export function define(command: Command): void {
  command
    .argument('<target>', 'a process or a group', target)
    .option('--json', 'for programs')
    .action(async (target: Target, { json }: { json?: true }) => {
      if (target.type === 'group') {
        using group = openGroup(target);
        const description = await describeGroup(group);
        if (json) printJson(description);
        else print(formatGroup(description));
        return;
      }
      const description = await describeProcess(target);
      if (json) printJson(description);
      else print(formatProcess(description, Date.now()));
    });
}

/** Everything is read below the directory of this very process. */
async function describeProcess(target: ProcessTarget): Promise<ProcessDescription> {
  using held = openProcess(target);
  const { identity } = held;
  const row = (await listProcesses()).find(
    ({ pid, startTime }) => pid === identity.pid && startTime === identity.startTime,
  );
  if (row === undefined) throw new Refusal(`process ${target.text} ended meanwhile, or is hidden from us`);
  const denied: string[] = [];
  const ask = <T>(name: string, read: () => Promise<T>) => attempt(name, denied, read);
  const status = (await ask('status', () => held.readFile('status', 'utf8'))) ?? '';
  const field = (name: string) => new RegExp(`^${name}:\\s*(.*)$`, 'm').exec(status)?.[1] ?? null;
  const kilobytes = (name: string) => {
    const text = field(name);
    return text === null ? null : Number.parseInt(text, 10) * 1024;
  };
  const score = await ask('oomScore', () => held.readFile('oom_score', 'utf8'));
  const groups = await ask('groups', () => held.readFile('cgroup', 'utf8'));
  return {
    ...row,
    identity,
    exe: await ask('exe', () => held.readlink('exe')),
    cwd: await ask('cwd', () => held.readlink('cwd')),
    root: await ask('root', () => held.readlink('root')),
    peakResidentBytes: kilobytes('VmHWM'),
    swapBytes: kilobytes('VmSwap'),
    descriptors: await ask('descriptors', () =>
      procfs()
        .readdir(held, 'fd')
        .then(({ length }) => length),
    ),
    oomScore: score === null ? null : Number(score),
    capabilities: field('CapEff'),
    noNewPrivileges: field('NoNewPrivs') === null ? null : field('NoNewPrivs') === '1',
    seccomp: ['none', 'strict', 'filter'][Number(field('Seccomp') ?? Number.NaN)] ?? null,
    namespaces: await ask('namespaces', () => readNamespaces(held)),
    groups: groups === null ? null : toGroups(groups),
    denied,
  };
}

async function attempt<T>(name: string, denied: string[], read: () => Promise<T>): Promise<T | null> {
  try {
    return await read();
  } catch (error) {
    if (isPermission(error)) denied.push(name);
    // A thread of the kernel has no exe, a zombie no cwd: there is nothing to be read.
    else if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
    return null;
  }
}

async function readNamespaces(held: Process): Promise<Record<string, string>> {
  const links = await Promise.all(
    NAMESPACES.map(async (name) => [name, await held.readlink(`ns/${name}`).catch(missing)] as const),
  );
  return Object.fromEntries(links.filter((link): link is [string, string] => link[1] !== null));
}

/** A kernel without this namespace. */
function missing(error: { code?: string }): null {
  if (error.code === 'ENOENT') return null;
  throw error;
}

function toGroups(text: string): { hierarchy: string; path: string }[] {
  return text
    .split('\n')
    .map((line) => /^\d+:([^:]*):(.*)$/.exec(line))
    .filter((match) => match !== null)
    .map(([, hierarchy = '', path = '']) => ({ hierarchy, path }));
}

/** The description for a person. */
function formatProcess(process: ProcessDescription, now: number): string {
  const shown = (value: string | number | null, name: string) =>
    value === null ? (process.denied.includes(name) ? '(not allowed)' : '-') : printable(String(value));
  const { residentBytes, peakResidentBytes, swapBytes } = process;
  return facts([
    ['process', `${process.pid}@${process.startTime}${process.kernelThread ? ', a thread of the kernel' : ''}`],
    ['name', printable(process.name)],
    ['command', showCommand(process)],
    ['parent', `${process.ppid}${process.reparented ? ' (reparented)' : ''}`],
    ['session', `${process.session}, process group ${process.processGroup}`],
    ['user', printable(`${process.user ?? 'unnamed'} (uid ${process.uid})`)],
    ['state', `${process.state}, ${process.threads} thread${process.threads === 1 ? '' : 's'}`],
    ['started', `${process.startedAt}, ${showAge(now - Date.parse(process.startedAt))} ago`],
    ['cpu', showCpu(process.cpuMs)],
    ['memory', `${showBytes(residentBytes)}, at most ${showBytes(peakResidentBytes)}, swapped ${showBytes(swapBytes)}`],
    ['exe', shown(process.exe, 'exe')],
    ['cwd', shown(process.cwd, 'cwd')],
    ['root', shown(process.root, 'root')],
    ['descriptors', shown(process.descriptors, 'descriptors')],
    ['oom score', shown(process.oomScore, 'oomScore')],
    ['capabilities', shown(process.capabilities, 'status')],
    ['no new privileges', process.noNewPrivileges === null ? '-' : process.noNewPrivileges ? 'yes' : 'no'],
    ['seccomp', process.seccomp ?? '-'],
    ...Object.entries(process.namespaces ?? {}).map(([name, link]) => [`namespace ${name}`, link] as const),
    ...(process.groups ?? []).map(({ hierarchy, path }) => [`group ${hierarchy || '(v2)'}`, printable(path)] as const),
  ]);
}
