// Runs snippets as a reader would: each in a program and a directory of its own, with the package installed, for a bounded time.

import { type ChildProcess, spawn } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { transform } from 'esbuild';
import { Cgroup, cgroupLayout, type GroupMatcher } from 'procward';
import { fixture } from './fixture.ts';
import type { Snippet } from './snippets.ts';
import { packagePath } from './source.ts';

export interface Outcome {
  /** Its exit code, or the signal that ended it; `SIGKILL` also when it took too long. */
  readonly end: number | NodeJS.Signals | null;
  /** What it wrote to either of stdout and stderr. */
  readonly output: string;
  /** Processes and control groups that it left behind. */
  readonly leftovers: readonly string[];
}

/** Not ours: a directory that may not be searched makes a missing program a forbidden one. */
const SYSTEM_PATH = ['/usr/local/bin', '/usr/bin', '/bin', '/usr/sbin', '/sbin'];
const LIMIT_MS = 30_000;
/** A boot takes a second, and half a minute on a machine that is busy beyond measure. */
const BOOT_LIMIT_MS = 110_000;
/** How long processes have to go that were sent a signal as the last thing. */
const SETTLE_MS = 3000;
const MARK = 'PROCWARD_SNIPPET';

/** A directory as `npm install procward` leaves it, and below it one for each snippet. */
export class Playground implements Disposable {
  readonly #directory = mkdtempSync(join(tmpdir(), 'procward-snippets-'));
  #count = 0;

  constructor() {
    const bin = join(this.#directory, 'node_modules', '.bin');
    mkdirSync(bin, { recursive: true });
    // Copies: a user who may not read the checkout may read these.
    chmodSync(this.#directory, 0o755);
    const published = ['package.json', 'index.d.ts', 'dist', ...addons()].map((path) => [path, `procward/${path}`]);
    for (const [from = '', to = ''] of [...published, ['node_modules/commander', 'commander']]) {
      cpSync(packagePath(from), join(this.#directory, 'node_modules', to), { recursive: true });
    }
    // npm makes what it installs executable, and a checkout is not installed.
    writeFileSync(join(bin, 'procward'), `#!/bin/sh\nexec node '${join(bin, '../procward/dist/cli/main.js')}' "$@"\n`);
    chmodSync(join(bin, 'procward'), 0o755);
  }

  /** @param manager Whether it is a service of a systemd that is booted for it: of the system's manager, or of a user's. */
  async run(snippet: Snippet, manager?: 'system' | 'user'): Promise<Outcome> {
    this.#count += 1;
    const mark = `${process.pid}.${this.#count}`;
    const directory = join(this.#directory, mark);
    mkdirSync(directory);
    const program = await this.#program(snippet, directory);
    const [file = '', ...args] =
      manager === undefined ? program : this.#boot(manager, relative(this.#directory, directory));
    const log = join(directory, '.output');
    const output = openSync(log, 'a');
    const child = spawn(file, args, {
      cwd: directory,
      env: this.#environment(directory, mark),
      stdio: ['ignore', output, output],
      detached: true,
      timeout: manager === undefined ? LIMIT_MS : BOOT_LIMIT_MS,
      killSignal: 'SIGKILL',
    });
    closeSync(output);
    const end = await ended(child);
    const leftovers = [...(await survivors(mark)), ...(await groupsOf(child.pid))];
    return { end, output: readFileSync(log, 'utf8'), leftovers };
  }

  async #program({ language, code, at }: Snippet, directory: string): Promise<[string, ...string[]]> {
    if (language === 'sh') return ['sh', '-euc', code];
    const file = join(directory, 'program.mjs');
    const { code: script } = await transform(code, {
      loader: language,
      format: 'esm',
      target: 'node20',
      sourcefile: at,
      sourcemap: 'inline',
    });
    writeFileSync(file, script);
    return [process.execPath, '--enable-source-maps', file];
  }

  #boot(manager: string, directory: string): string[] {
    return [
      'bash',
      fixture('boots-systemd.sh'),
      manager,
      this.#directory,
      process.execPath,
      `${directory}/program.mjs`,
    ];
  }

  #environment(directory: string, mark: string): NodeJS.ProcessEnv {
    const { DBUS_SESSION_BUS_ADDRESS, XDG_RUNTIME_DIR } = process.env;
    const path = [join(this.#directory, 'node_modules', '.bin'), dirname(process.execPath), ...SYSTEM_PATH];
    return {
      PATH: path.join(':'),
      HOME: directory,
      TMPDIR: directory,
      NO_COLOR: '1',
      npm_config_offline: 'true',
      npm_config_update_notifier: 'false',
      [MARK]: mark,
      ...(DBUS_SESSION_BUS_ADDRESS !== undefined && { DBUS_SESSION_BUS_ADDRESS }),
      ...(XDG_RUNTIME_DIR !== undefined && { XDG_RUNTIME_DIR }),
    };
  }

  [Symbol.dispose](): void {
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

function addons(): string[] {
  return readdirSync(packagePath()).filter((name) => name.endsWith('.node'));
}

function ended(child: ChildProcess): Promise<Outcome['end']> {
  return new Promise((resolve, reject) => {
    child.once('error', reject).once('exit', (code, signal) => resolve(signal ?? code));
  });
}

/** What still runs with the mark in its environment, once it had time to end; it is ended then. */
async function survivors(mark: string): Promise<string[]> {
  const limit = performance.now() + SETTLE_MS;
  for (;;) {
    const pids = marked(mark);
    if (pids.length === 0) return [];
    if (performance.now() > limit) return pids.map(end);
    await delay(20);
  }
}

function marked(mark: string): number[] {
  const line = `${MARK}=${mark}`;
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => read(`/proc/${pid}/environ`).split('\0').includes(line))
    .map(Number);
}

function end(pid: number): string {
  const name = read(`/proc/${pid}/comm`).trim();
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has just ended.
  }
  return `process ${pid} (${name})`;
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // It has ended, or is somebody else's.
  }
}

/** Groups at the top of a hierarchy that bear the pid of the program in their names; they are ended and removed. */
async function groupsOf(pid: number | undefined): Promise<string[]> {
  const found: string[] = [];
  for (const { version, controllers, name, mountPoint, writable } of cgroupLayout().hierarchies) {
    if (mountPoint === null || !writable) continue;
    const hierarchy: GroupMatcher =
      version === 2 ? { unified: true } : name === null ? { controller: controllers[0] ?? '' } : { name };
    const names = readdirSync(mountPoint).filter((entry) => entry.split(/\D+/).includes(String(pid)));
    for (const entry of names) {
      found.push(`control group ${mountPoint}/${entry}`);
      using group = Cgroup.open(`/${entry}`, hierarchy);
      await group.kill();
      await group.remove({ recursive: true });
    }
  }
  return found;
}
