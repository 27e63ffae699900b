// Where the fuzzer runs: nothing that it calls, with whatever values, can reach anything outside.
//
// It is root in a user namespace of its own and nobody outside of it, in a pid namespace whose end ends everything in it, with a
// /proc that shows nothing else and no bus to talk to, and with few resources. Control groups it may make below one of its own.

import { chownSync, closeSync, existsSync, openSync, readSync, rmSync } from 'node:fs';
import { Cgroup, type Child, cgroupLayout, features, type GroupMatcher, spawn } from 'procward';
import type { Orders } from './program.ts';
import { HOME, type Scratch } from './world.ts';

/** Who owns nothing, where the one who starts this is root; else there is nobody to be but oneself. */
const NOBODY = 65_534;
const isRoot = process.getuid?.() === 0;
const uid = isRoot ? NOBODY : (process.getuid?.() ?? NOBODY);
const gid = isRoot ? NOBODY : (process.getgid?.() ?? NOBODY);

/** The shell stays: as the first process of the namespace it reaps what loses its parent. */
const ENTER = 'mount -t proc proc /proc && mount -t tmpfs none /run || exit 125; "$@"; exit $?';
/** What ENTER ends with where the kernel forbids such mounts. */
export const NOT_HERE = 125;

/** Why it cannot be built on this host; undefined where it can. */
export function obstacle(): string | undefined {
  if ('bun' in process.versions || 'deno' in process.versions) return 'the fuzzer is a program for Node';
  const { user_namespaces: namespaces } = features();
  return namespaces.status === 'yes' ? undefined : `there are no user namespaces here: ${namespaces.reason}`;
}

export class Jail implements AsyncDisposable {
  readonly child: Child;
  readonly #progress: number;
  readonly #groups: readonly Cgroup[];

  private constructor(child: Child, progress: number, groups: readonly Cgroup[]) {
    this.child = child;
    this.#progress = progress;
    this.#groups = groups;
  }

  /** Starts the program there. What it writes is to be read from the child. */
  static async start(program: string, directory: string, orders: Omit<Orders, 'scratch'>): Promise<Jail> {
    const name = `${directory}/progress-${orders.seed}-${orders.first}`;
    const progress = openSync(name, 'w+');
    rmSync(name);
    const groups: Cgroup[] = [];
    try {
      const scratch = isRoot
        ? makeScratch(`/procward-values-${process.pid}-${orders.seed}-${orders.first}`, groups)
        : [];
      const node = [
        process.execPath,
        '--expose-gc',
        '--max-old-space-size=512',
        program,
        JSON.stringify({ ...orders, scratch }),
      ];
      const child = await spawn('sh', ['-c', ENTER, 'sh', ...node], {
        stdio: ['ignore', 'pipe', 'pipe', progress],
        cwd: '/',
        // No bus, no home, no options for node: nothing that leads out of here.
        env: { PATH: process.env['PATH'], NODE_OPTIONS: undefined },
        namespaces: ['user', 'pid', 'mount', 'network', 'ipc', 'uts'],
        userNamespace: {
          uidMap: [{ containerId: 0, hostId: uid, size: 1 }],
          gidMap: [{ containerId: 0, hostId: gid, size: 1 }],
        },
        credentials: { uid: 0, gid: 0 },
        session: true,
        parentDeathSignal: 'SIGKILL',
        resourceLimits: {
          core: { soft: 0n, hard: 0n },
          nofile: { soft: 1024n, hard: 1024n },
          nproc: { soft: 400n, hard: 400n },
          fsize: { soft: 2n ** 20n, hard: 2n ** 20n },
          data: { soft: 8n * 2n ** 30n, hard: 8n * 2n ** 30n },
        },
        cgroup: groups.filter((group) => group.path.endsWith(HOME)),
      });
      return new Jail(child, progress, groups);
    } catch (error) {
      closeSync(progress);
      await removeAll(groups);
      throw error;
    }
  }

  /** The call that it makes now, or made last. */
  get call(): number {
    const number = Buffer.alloc(8);
    return readSync(this.#progress, number, 0, number.length, 0) === number.length ? number.readDoubleLE() : -1;
  }

  /** Ends everything in it. */
  end(): void {
    if (this.child.alive) this.child.signal('SIGKILL');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.child[Symbol.asyncDispose]();
    closeSync(this.#progress);
    await removeAll(this.#groups);
  }
}

/** A group in each hierarchy that can freeze, given to the user who the fuzzer is; it lives in one below. */
function makeScratch(path: string, made: Cgroup[]): Scratch[] {
  return hierarchies().map(({ hierarchy, mountPoint }) => {
    for (const name of [path, `${path}/${HOME}`]) {
      made.push(Cgroup.create(name, hierarchy));
      const files = ['', 'cgroup.procs', 'cgroup.threads', 'cgroup.subtree_control', 'tasks'];
      for (const file of files.map((each) => `${mountPoint}${name}/${each}`))
        if (existsSync(file)) chownSync(file, uid, gid);
    }
    return { hierarchy, path };
  });
}

interface Hierarchy {
  readonly hierarchy: GroupMatcher;
  readonly mountPoint: string;
}

function hierarchies(): Hierarchy[] {
  return cgroupLayout().hierarchies.flatMap(({ version, controllers, mountPoint, writable }): Hierarchy[] => {
    if (mountPoint === null || !writable) return [];
    if (version === 2) return [{ hierarchy: { unified: true }, mountPoint }];
    return controllers.includes('freezer') ? [{ hierarchy: { controller: 'freezer' }, mountPoint }] : [];
  });
}

/** The outer ones are first in the list, and take what is below along. */
async function removeAll(groups: readonly Cgroup[]): Promise<void> {
  for (const group of groups) {
    if (!group.path.endsWith(HOME)) {
      await group.thaw().catch(() => {});
      await group.kill({ timeoutMs: 20_000 });
      await group.remove({ recursive: true });
    }
    group.close();
  }
}
