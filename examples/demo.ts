// The main job of procward in one minute: own a process tree that does not want to end.
//
//   npm run demo

import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { styleText } from 'node:util';
import { Cgroup, type Child, type GroupMatcher, Process, ProcwardError, procfs, spawn } from 'procward';

const PIDS_MAX = 40;
const FORKS_WITHOUT_LIMIT = 12;
const WATCH_MS = 300;
const WIDTH = 62;

const { NO_COLOR, FORCE_COLOR } = process.env;
const colourful = !NO_COLOR && (process.stdout.isTTY || FORCE_COLOR !== undefined);
const paint = (style: Parameters<typeof styleText>[0], text: string) => (colourful ? styleText(style, text) : text);
const print = (line = '') => console.log(line);

let number = 0;
const skipped: string[] = [];

/** Runs one step and prints its title, its time and what it found. */
async function step(title: string, work: () => Promise<string[]>): Promise<void> {
  number += 1;
  const started = performance.now();
  const lines = await work();
  const ms = `${(performance.now() - started).toFixed(1)} ms`;
  print(`${paint('bold', `${number}. ${title.padEnd(WIDTH)}`)} ${paint('cyan', ms.padStart(10))}`);
  for (const line of lines) print(`   ${line}`);
  print();
}

function skip(title: string, why: string): void {
  skipped.push(`${title}: ${why}`);
  print(`${paint('yellow', '–')}  ${title.padEnd(WIDTH)} ${paint('yellow', 'left out')}`);
  print(`   ${paint('dim', why)}\n`);
}

// ---------------------------------------------------------------- looking at processes

interface Row {
  readonly pid: number;
  readonly ppid: number;
  readonly name: string;
  readonly state: string;
  /** Time on a processor, in ticks of the kernel's clock. */
  readonly ticks: number;
}

/** One line of /proc/<pid>/stat, read through the safe procfs; null when the process has ended. */
function look(pid: number): Row | null {
  let stat: string;
  try {
    stat = procfs().readFileSync({ pid }, 'stat', 'utf8');
  } catch (error) {
    if (error instanceof ProcwardError && (error.kind === 'NotFound' || error.kind === 'Gone')) return null;
    throw error;
  }
  const [, name = '', rest = ''] = /^\d+ \((.*)\) (.*)$/s.exec(stat) ?? [];
  const fields = rest.split(' ');
  return {
    pid,
    name,
    state: fields[0] ?? '?',
    ppid: Number(fields[1]),
    ticks: Number(fields[11]) + Number(fields[12]),
  };
}

function lookAtAll(pids: readonly number[]): Row[] {
  return pids.flatMap((pid) => look(pid) ?? []);
}

/** The rows as a tree. What lost its parent is marked; leaves of one name are counted. */
function drawTree(rows: readonly Row[], root: number): string[] {
  const known = new Set(rows.map(({ pid }) => pid));
  const childrenOf = (pid: number) => rows.filter((row) => row.ppid === pid && row.pid !== root);
  const label = ({ name, pid, state }: Row) => `${name} ${paint('dim', `${pid} ${state}`)}`;
  const draw = (row: Row, indent: string): string[] => {
    const entries = [...groupByName(childrenOf(row.pid)).values()];
    return entries.flatMap((group, at) => {
      const last = at === entries.length - 1;
      return drawGroup(group, `${indent}${last ? '└─ ' : '├─ '}`, `${indent}${last ? '   ' : '│  '}`);
    });
  };
  const drawGroup = (group: Row[], head: string, indent: string): string[] => {
    const [first] = group;
    if (first === undefined) return [];
    if (group.length > 3) return [`${head}${first.name} ${paint('bold', `×${group.length}`)}`];
    return group.flatMap((row) => [`${head}${label(row)}`, ...draw(row, indent)]);
  };
  const orphans = rows.filter((row) => row.pid !== root && !known.has(row.ppid));
  const top = rows.find((row) => row.pid === root);
  return [
    ...(top === undefined ? [] : [label(top), ...draw(top, '')]),
    ...[...groupByName(orphans).values()].flatMap((group) =>
      drawGroup(group, `${paint('yellow', '⚠')} `, '  ').map((line, at) =>
        at === 0 ? `${line} ${paint('yellow', 'lost its parent')}` : line,
      ),
    ),
  ];
}

function groupByName(rows: readonly Row[]): Map<string, Row[]> {
  const groups = new Map<string, Row[]>();
  for (const row of rows) groups.set(row.name, [...(groups.get(row.name) ?? []), row]);
  return groups;
}

// ---------------------------------------------------------------- the parts of the show

const script = fileURLToPath(new URL('nasty.sh', import.meta.url));

/** Starts the tree and waits until it has grown; tells the pids that it told. */
async function grow(options: { cgroup?: Cgroup; forks: number; beforeGrowing?: (root: Child) => void }) {
  const { cgroup, forks, beforeGrowing } = options;
  const root = await spawn('sh', [script, String(forks)], {
    stdio: ['pipe', 'pipe', 'ignore'],
    ...(cgroup !== undefined && { cgroup }),
  });
  if (root.stdin === null || root.stdout === null) throw new Error('the pipes are missing');
  beforeGrowing?.(root);
  const pids: number[] = [];
  let isRefused = false;
  const lines = createInterface({ input: root.stdout });
  const grown = once(lines, 'grown');
  lines.on('line', (line) => {
    const [pid, what] = line.split(' ');
    if (what === 'grown' || what === 'fork-loop-done' || what === 'fork-loop-refused') lines.emit(what);
    else pids.push(Number(pid));
  });
  const looped = new Promise<void>((resolve) => {
    lines.once('fork-loop-done', resolve);
    lines.once('fork-loop-refused', () => {
      isRefused = true;
      resolve();
    });
  });
  root.stdin.write('grow\n');
  await Promise.all([grown, looped]);
  return { root, pids, isRefused };
}

/** Watches a while and says how much processor time the processes got. */
async function watch(pids: readonly number[]): Promise<number> {
  const total = () => lookAtAll(pids).reduce((sum, { ticks }) => sum + ticks, 0);
  const before = total();
  await pause(WATCH_MS);
  return (total() - before) * 10;
}

/** A version 1 group that bounds the number of processes, or null when the version 2 group does it, or nothing can. */
async function boundForks(group: Cgroup, name: string): Promise<{ bound: string; guard: Cgroup | null } | null> {
  const limit = async (target: Cgroup) => target.writeFile('pids.max', String(PIDS_MAX));
  try {
    await limit(group);
    return { bound: `pids.max ${PIDS_MAX}`, guard: null };
  } catch (error) {
    if (!(error instanceof ProcwardError)) throw error;
  }
  const hierarchy: GroupMatcher = { controller: 'pids' };
  try {
    const guard = Cgroup.create(name, hierarchy);
    await limit(guard);
    return { bound: `pids.max ${PIDS_MAX}, by the version 1 controller`, guard };
  } catch (error) {
    if (!(error instanceof ProcwardError)) throw error;
    return null;
  }
}

async function showWithGroup(group: Cgroup, name: string): Promise<void> {
  const limited = await boundForks(group, name);
  let tree: Awaited<ReturnType<typeof grow>> | undefined;
  let pids: number[] = [];

  await step('Start a tree that does not want to end, in a group from birth', async () => {
    tree = await grow({
      cgroup: group,
      forks: limited === null ? FORKS_WITHOUT_LIMIT : 10 * PIDS_MAX,
      // The group that limits is in another hierarchy: its root is moved there before it grows.
      beforeGrowing: (root) => limited?.guard?.add(root),
    });
    pids = await group.pids({ recursive: true });
    const bound = limited === null ? `bounded by itself (${FORKS_WITHOUT_LIMIT} forks)` : limited.bound;
    return [
      `${pids.length} processes; the fork loop was ${tree.isRefused ? 'refused by the kernel' : 'not refused'} (${bound})`,
    ];
  });
  if (tree === undefined) return;
  const { root } = tree;

  await step('Look at it through a /proc that cannot be lied about', async () => drawTree(lookAtAll(pids), root.pid));

  let lease: Awaited<ReturnType<Cgroup['freeze']>> | undefined;
  await step('Freeze it', async () => {
    lease = await group.freeze();
    return [`the kernel says: ${group.freezeState().state}`];
  });
  await step(`Prove that nothing runs: watch for ${WATCH_MS} ms`, async () => {
    const ms = await watch(pids);
    if (ms !== 0) throw new Error(`a frozen group used ${ms} ms of processor time`);
    return [`${pids.length} processes used ${paint('bold', '0 ms')} of processor time`];
  });
  await step('Thaw it', async () => {
    await lease?.release();
    return [`the kernel says: ${group.freezeState().state}`];
  });
  await step(`Prove that it runs: watch for ${WATCH_MS} ms`, async () => {
    const ms = await watch(pids);
    return [`${pids.length} processes used ${paint('bold', `${ms} ms`)} of processor time`];
  });
  await step('End it as child.kill() does: SIGKILL to the process we started', async () => {
    root.signal('SIGKILL');
    await root.wait();
    const survivors = await group.pids({ recursive: true });
    return [
      paint('red', `${survivors.length} of ${pids.length} processes survive, and nothing leads to them any more`),
    ];
  });
  await step('End all of it at once', async () => {
    await group.kill();
    const left = await group.pids({ recursive: true });
    return [paint('green', `${left.length} processes are left`)];
  });
  await step('Remove the group', async () => {
    await group.remove();
    await limited?.guard?.remove();
    return ['nothing is left behind'];
  });
  root.close();
}

/** Ends and removes what is still there. */
async function endAll(group: Cgroup): Promise<void> {
  try {
    await group.kill();
    await group.remove();
  } catch (error) {
    if (!(error instanceof ProcwardError) || error.kind !== 'Gone') throw error;
  }
}

async function showWithoutGroup(): Promise<void> {
  let tree: Awaited<ReturnType<typeof grow>> | undefined;
  let handles: Process[] = [];
  await step('Start a tree that does not want to end', async () => {
    tree = await grow({ forks: FORKS_WITHOUT_LIMIT });
    handles = tree.pids.map((pid) => Process.open(pid));
    return [
      `${handles.length} processes, each held by a handle; the fork loop is bounded by itself (${FORKS_WITHOUT_LIMIT} forks)`,
    ];
  });
  if (tree === undefined) return;
  const { root, pids } = tree;
  await step('Look at it through a /proc that cannot be lied about', async () => drawTree(lookAtAll(pids), root.pid));
  skip('Freeze it, prove that nothing runs, thaw it', 'needs a control group');
  await step('End it as child.kill() does: SIGKILL to the process we started', async () => {
    root.signal('SIGKILL');
    await root.wait();
    const survivors = handles.filter((handle) => handle.alive).length;
    return [paint('red', `${survivors} of ${handles.length} processes survive, and nothing leads to them any more`)];
  });
  await step('End the rest one by one, by handle: a recycled pid cannot be hit', async () => {
    for (const handle of handles) if (handle.alive) handle.signal('SIGKILL');
    const ends = Promise.all(handles.map((handle) => handle.unref().wait()));
    await Promise.race([ends, pause(3000)]);
    const left = handles.filter((handle) => handle.alive).length;
    for (const handle of handles) handle.close();
    root.close();
    return [
      left === 0 ? paint('green', '0 processes are left') : paint('red', `${left} processes are left`),
      paint('dim', 'this works because the tree told us its pids; only a group knows them all'),
    ];
  });
}

const name = `/procward-demo-${process.pid}`;
print(paint('bold', '\nprocward: own a process tree that does not want to end\n'));
const started = performance.now();
let group: Cgroup | undefined;
try {
  group = Cgroup.create(name);
} catch (error) {
  if (!(error instanceof ProcwardError)) throw error;
  skip('Make a control group', error.message);
}
if (group === undefined) {
  await showWithoutGroup();
} else {
  const owned = group;
  // Whatever goes wrong, ^C included, nothing of the tree stays.
  process.once('SIGINT', () => void endAll(owned).finally(() => process.exit(130)));
  await showWithGroup(owned, name).finally(() => endAll(owned));
}

const seconds = ((performance.now() - started) / 1000).toFixed(1);
if (skipped.length === 0) print(paint('green', `Every step done, in ${seconds} s.`));
else
  print(
    `Done in ${seconds} s. ${paint('yellow', `Left out: ${skipped.length}`)} (\`npx procward doctor\` says what this host lacks and why).`,
  );
