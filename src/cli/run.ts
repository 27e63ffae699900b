// `procward run`: a command with limits, whose whole tree ends with it.

import type { Command } from 'commander';
import { InvalidArgumentError } from 'commander';
import type { Child } from '../child.ts';
import { ProcwardError } from '../errors.ts';
import type { Exit } from '../exit.ts';
import type { CgroupStats } from '../group-limits.ts';
import { RESOURCES, type ResourceLimit, type ResourceName } from '../limits.ts';
import { procfs } from '../procfs.ts';
import type { SignalName } from '../signals.ts';
import { NAMESPACES } from '../spawn/namespaces.ts';
import type { NamespaceName, SpawnOptions } from '../spawn/options.ts';
import { spawn } from '../spawn.ts';
import { exitCodeOf } from './ending.ts';
import { messageOf, NOT_EXECUTABLE, NOT_FOUND, Refusal, TIMED_OUT } from './failure.ts';
import { jsonLine, showBytes } from './output.ts';
import { type Limits, makePlace, type Place } from './place.ts';
import { withProgress } from './progress.ts';
import { GroupTree, MarkedTree, type Tree } from './tracked.ts';
import { credentialsOf } from './users.ts';
import { cores, count, duration, signal, size } from './values.ts';

interface RunOptions {
  readonly memory?: bigint | 'max';
  readonly swap?: bigint | 'max';
  readonly pids?: bigint | 'max';
  readonly cpu?: number | 'max';
  readonly limit?: Partial<Record<ResourceName, Partial<ResourceLimit>>>;
  readonly user?: string;
  readonly cwd?: string;
  readonly namespaces?: readonly NamespaceName[];
  /** False with --no-new-privileges. */
  readonly newPrivileges: boolean;
  readonly timeout?: number;
  readonly signal: SignalName | number;
  readonly grace: number;
  readonly requireGroup?: true;
  readonly json?: true;
}

/** What `run --json` prints on standard error when it is over. */
interface Report {
  readonly command: readonly string[];
  readonly exit: Exit;
  readonly exitCode: number;
  readonly timedOut: boolean;
  /** Processes that were ended for lack of memory; null where nobody counted. */
  readonly outOfMemoryKills: bigint | null;
  readonly durationMs: number;
  /** The group that held it; null when there was none. */
  readonly group: string | null;
  readonly memoryPeakBytes: bigint | null;
  readonly cpuUsageMs: number | null;
}

const TERMINAL_SIGNALS: readonly SignalName[] = ['SIGINT', 'SIGQUIT'];
const ENDING_SIGNALS: readonly SignalName[] = ['SIGTERM', 'SIGHUP'];

export function define(command: Command): void {
  command
    .argument('<command>', 'the program; write -- before it if it begins with a dash')
    .argument('[args...]', 'what it is given')
    .passThroughOptions()
    .option('--memory <size>', 'memory of the tree, page cache included: 64M, 1.5G', size)
    .option('--swap <size>', 'swap of the tree: 0 for none', size)
    .option('--pids <count>', 'processes and threads of the tree', count)
    .option('--cpu <cores>', 'processors of the tree: 0.5, 2', cores)
    .option(
      '--limit <resource=soft[:hard]>',
      'a limit of each process, as nofile=1024 or core=0:max; repeatable',
      limit,
    )
    .option('--user <user[:group]>', 'whom it runs as, by name or number')
    .option('--cwd <directory>', 'where it starts')
    .option('--namespaces <list>', `new namespaces, separated by commas: ${NAMESPACES.join(', ')}`, namespaces)
    .option('--no-new-privileges', 'set-user-ID programs and file capabilities give it nothing')
    .option('--timeout <duration>', 'ends the tree after this time, and this with exit code 124', duration)
    .option('-s, --signal <signal>', 'what asks the tree to end', signal, 'SIGTERM')
    .option('--grace <duration>', 'how long it has from then on until SIGKILL', duration, 5000)
    .option('--require-group', 'refuse where no control group can be made')
    .option('--json', 'report on standard error when it is over, in one line')
    .addHelpText(
      'after',
      `
What is left of the tree when the command ends is ended, too. INT and QUIT are passed on; TERM and HUP are, and after the
grace the tree is killed. The exit code is the command's, 128+n if signal n ended it, 124 when time was up, 125 when procward
failed, 126 when it cannot be executed, 127 when it is not found.`,
    )
    .action((file: string, args: string[], options: RunOptions) => run(file, args, options));
}

async function run(file: string, args: readonly string[], options: RunOptions): Promise<void> {
  const limits = toLimits(options);
  const environment = toSpawnOptions(options);
  const place = await settle(limits, options);
  try {
    await runIn(place, file, args, environment, options);
  } catch (error) {
    // What is left in them is the greater trouble, and told.
    await place?.remove().catch(() => {});
    throw error;
  }
  await place?.remove();
}

async function runIn(
  place: Place | null,
  file: string,
  args: readonly string[],
  how: SpawnOptions,
  options: RunOptions,
): Promise<void> {
  const tree: Tree = place === null ? new MarkedTree() : new GroupTree(place.main);
  // Listens before there is anything to end: a signal in between would end us alone.
  const forwarding = new Forwarding(tree, options);
  const started = performance.now();
  let timer: NodeJS.Timeout | undefined;
  try {
    const child = await start(file, args, {
      ...how,
      env: { ...process.env, ...tree.environment },
      ...(place !== null && { cgroup: place.groups }),
    });
    if (child === null) return;
    if (tree instanceof MarkedTree) tree.begin(child);
    let timedOut = false;
    if (options.timeout !== undefined) {
      timer = setTimeout(() => {
        timedOut = true;
        forwarding.end(options.signal);
      }, options.timeout);
    }
    const exit = await child.wait();
    clearTimeout(timer);
    await forwarding.finish();
    child.close();
    const exitCode = timedOut ? TIMED_OUT : exitCodeOf(exit);
    process.exitCode = exitCode;
    const stats = place === null ? null : await statsOf(place);
    tell(options, {
      command: [file, ...args],
      exit,
      exitCode,
      timedOut,
      outOfMemoryKills: stats?.oomKills ?? null,
      durationMs: Math.round(performance.now() - started),
      group: place?.main.path ?? null,
      memoryPeakBytes: stats?.memoryPeakBytes ?? null,
      cpuUsageMs: stats?.cpuUsageMs ?? null,
    });
  } finally {
    clearTimeout(timer);
    forwarding.close();
  }
}

/** The groups that were asked for; null, and a line that says what is lost, where there can be none. */
async function settle(limits: Limits, { requireGroup }: RunOptions): Promise<Place | null> {
  const place = await makePlace(limits);
  if ('main' in place) return place;
  const asked = Object.keys(limits).length > 0 ? 'the limits' : requireGroup ? 'the group' : null;
  if (asked !== null) throw new Refusal(`${asked} cannot be had here: ${place.reason}; \`procward doctor\` tells more`);
  process.stderr.write(
    `procward: no control group, so what clears its environment and leaves its parent can outlive the command: ${place.reason}\n`,
  );
  return null;
}

async function start(file: string, args: readonly string[], options: SpawnOptions): Promise<Child | null> {
  try {
    // Ended with us, whatever ends us.
    return await spawn(file, args, { ...options, stdio: 'inherit', parentDeathSignal: 'SIGKILL' });
  } catch (error) {
    if (!(error instanceof ProcwardError) || error.stage !== 'exec') throw error;
    process.stderr.write(`procward: ${messageOf(error)}\n`);
    process.exitCode = error.code === 'ENOENT' ? NOT_FOUND : NOT_EXECUTABLE;
    return null;
  }
}

/** Signals that we get go to the tree. */
class Forwarding {
  readonly #tree: Tree;
  readonly #options: RunOptions;
  #ending: Promise<void> | undefined;
  readonly #receive = (signal: NodeJS.Signals) => {
    if (ENDING_SIGNALS.includes(signal)) this.end(signal);
    else this.#pass(signal);
  };

  constructor(tree: Tree, options: RunOptions) {
    this.#tree = tree;
    this.#options = options;
    for (const name of [...TERMINAL_SIGNALS, ...ENDING_SIGNALS]) process.on(name as NodeJS.Signals, this.#receive);
  }

  /** Asks the whole tree to end, and kills it after the grace. */
  end(signal: SignalName | number): void {
    // Who asks twice has no patience for a grace.
    const again = this.#ending === undefined ? this.#options.grace : 0;
    this.#ending = this.#tree.stop(again === 0 ? 'SIGKILL' : signal, again);
    // Told by `finish`, which comes when the command has ended.
    this.#ending.catch(() => {});
  }

  /** What is left when the command has ended goes, too. */
  async finish(): Promise<void> {
    await withProgress('ending what the command left behind', this.#ending ?? Promise.resolve());
    await withProgress(
      'ending what the command left behind',
      this.#tree.stop(this.#options.signal, this.#options.grace),
    );
  }

  close(): void {
    for (const name of [...TERMINAL_SIGNALS, ...ENDING_SIGNALS]) process.off(name as NodeJS.Signals, this.#receive);
  }

  #pass(signal: SignalName): void {
    const { group, foreground } = jobOf(procfs().readFileSync('self', 'stat', 'utf8'));
    // From a terminal whose foreground we are everybody there has got it; those who left our job have not.
    const isMeant = group === foreground ? (stat: string) => jobOf(stat).group !== group : undefined;
    this.#tree.signal(signal, isMeant).catch((error: Error) => {
      process.stderr.write(`procward: ${signal} was not passed on: ${messageOf(error)}\n`);
    });
  }
}

/** Process group and foreground group of the terminal: fields 5 and 8 of stat. */
function jobOf(stat: string): { group: string | undefined; foreground: string | undefined } {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return { group: fields[2], foreground: fields[5] };
}

async function statsOf({ main, memory }: Place): Promise<CgroupStats> {
  const [all, counted] = [await main.stats(), memory === null ? null : await memory.stats()];
  return {
    ...all,
    memoryPeakBytes: counted?.memoryPeakBytes ?? all.memoryPeakBytes,
    oomKills: counted?.oomKills ?? all.oomKills,
  };
}

function tell(options: RunOptions, report: Report): void {
  if (options.json) {
    process.stderr.write(jsonLine(report));
    return;
  }
  const { outOfMemoryKills: kills } = report;
  if (kills !== null && kills > 0n) {
    const who = kills === 1n ? 'a process of the command was' : `${kills} processes of the command were`;
    const bound = options.memory === undefined ? '' : `, at the limit of ${showBytes(options.memory)}`;
    process.stderr.write(`procward: out of memory: ${who} killed${bound}\n`);
  }
  if (report.timedOut) process.stderr.write(`procward: time was up after ${(options.timeout ?? 0) / 1000} s\n`);
}

function toLimits({ memory, swap, pids, cpu }: RunOptions): Limits {
  return {
    ...(memory !== undefined && { memoryMaxBytes: memory }),
    ...(swap !== undefined && { swapMaxBytes: swap }),
    ...(pids !== undefined && { pidsMax: pids }),
    ...(cpu !== undefined && { cpuMax: cpu }),
  };
}

function toSpawnOptions({ limit, user, cwd, namespaces, newPrivileges }: RunOptions): SpawnOptions {
  return {
    ...(limit !== undefined && { resourceLimits: limit }),
    ...(user !== undefined && { credentials: credentialsOf(user) }),
    ...(cwd !== undefined && { cwd }),
    ...(!newPrivileges && { noNewPrivileges: true }),
    ...(namespaces !== undefined && { namespaces }),
    ...(namespaces?.includes('user') && { userNamespace: itself(user) }),
  };
}

/** In a new user namespace everybody is who they are outside, and nobody else is there. */
function itself(user: string | undefined): NonNullable<SpawnOptions['userNamespace']> {
  const { uid, gid } =
    user === undefined ? { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 } : credentialsOf(user);
  const only = (id: number) => [{ containerId: id, hostId: id, size: 1 }];
  return { uidMap: only(uid), gidMap: only(gid) };
}

function namespaces(text: string, before: readonly NamespaceName[] = []): NamespaceName[] {
  const names = text.split(',') as NamespaceName[];
  if (names.every((name) => NAMESPACES.includes(name))) return [...new Set([...before, ...names])];
  throw new InvalidArgumentError(`A list of namespaces has, separated by commas: ${NAMESPACES.join(', ')}.`);
}

function limit(text: string, before: RunOptions['limit'] = {}): RunOptions['limit'] {
  const [, resource, soft = '', hard = soft] = /^([a-z]+)=(max|\d{1,19})(?::(max|\d{1,19}))?$/.exec(text) ?? [];
  const name = RESOURCES.find((known) => known === resource);
  const value = (word: string) => (word === 'max' ? 'infinity' : BigInt(word));
  if (name !== undefined) return { ...before, [name]: { soft: value(soft), hard: value(hard) } };
  throw new InvalidArgumentError(
    `A limit is RESOURCE=SOFT or RESOURCE=SOFT:HARD with numbers or max, and a resource of ${RESOURCES.join(', ')}.`,
  );
}
