// A /proc that cannot be lied about.

import type * as Addon from './addon.d.ts';
import {
  checkBoolean,
  checkEncoding,
  checkFd,
  checkHandle,
  checkList,
  checkOneOf,
  checkOptions,
  checkPid,
  checkString,
  invalid,
} from './arguments.ts';
import { perform } from './completions.ts';
import { closedError, unwrap } from './errors.ts';
import { native } from './native.ts';
import { isProcess, nativeOf, Process } from './process.ts';
import { ProcFile, type ProcOpenOptions, toBytes, toOpenPlan } from './procfile.ts';

/**
 * Where a path starts: the root of procfs (global files), this process, the thread that runs this JavaScript, the process
 * that has a pid now, or, race-free, the very process behind a handle.
 */
export type ProcBase = 'root' | 'self' | 'thread-self' | { readonly pid: number } | Process;

/** Something that a handle can be required to have; see {@link ProcfsOptions.require}. */
export type ProcfsGuarantee = 'detached' | 'no-overmounts' | 'openat2' | 'masked';

/** How to open a {@link Procfs}. */
export interface ProcfsOptions {
  /** No `subset=pid` and no `hidepid`: global files are visible. Dangerous to leak; close it soon. Default false. */
  unmasked?: boolean;
  /** Reject (kind `Unsupported`) instead of silently settling for less. Default: settle. */
  require?: readonly ProcfsGuarantee[];
  /**
   * Read global files although a part of the same procfs is mounted over them, as every container has it over /proc/sys: what
   * is read is what was asked for. Default false: kind `Overmount`, with a hint that says so.
   */
  allowSameProcfs?: boolean;
  /**
   * Open through the host's /proc what is denied (EACCES) only through a private one: AppArmor judges by paths, and a
   * private mount's begin elsewhere. Default false: kind `PermissionDenied`, with a hint that says so.
   */
  retryAttached?: boolean;
}

/** What was achieved. */
export interface ProcfsInfo {
  /** Where the root came from: an instance of our own, a copy of the host's mount (alone, or with what is mounted on it), or the host's /proc itself. */
  readonly origin: 'fsopen' | 'open_tree' | 'open_tree_recursive' | 'host';
  /** Nobody can mount anything over files below it any more. */
  readonly detached: boolean;
  /** `pid`: only processes are visible, no global files. */
  readonly subset: 'pid' | 'none';
  /** How paths are looked up: by one openat2(2), or component by component. */
  readonly resolver: 'openat2' | 'walk';
  /** How mounts are told apart. */
  readonly mountId: 'unique' | 'statx' | 'fdinfo' | 'none';
  /** Every stronger step that was tried and why it failed. */
  readonly attempts: readonly { readonly step: string; readonly code: string; readonly message?: string }[];
}

const GUARANTEES = ['detached', 'no-overmounts', 'openat2', 'masked'] as const;

/** The addon takes one number: a pid, or one of these. */
const ROOT = 0;
const SELF = -1;
const THREAD_SELF = -2;

/**
 * A handle to a procfs whose files are what they seem: nothing mounted over them, no link that leads out of it, no other
 * file system in its place.
 *
 * Reading is the default and links are not followed, except the ordinary ones of procfs (`self`, `thread-self`, `net`,
 * `mounts`). A path that meets anything else is refused with an error of its own kind, never answered from elsewhere.
 *
 * Kernel: full guarantee from 5.8 with `CAP_SYS_ADMIN` (an instance of our own); otherwise every look-up on the host's
 * /proc is verified, and {@link Procfs.info} says so. Below 5.6, or where openat2 is filtered, a mount made at the very
 * moment of a look-up can be missed on the host's /proc.
 *
 * Sources: proc(5), openat2(2), fsopen(2).
 *
 * @example
 * ```ts
 * // needs: mounts (CAP_SYS_ADMIN)
 * import { Procfs } from 'procward';
 *
 * using procfs = await Procfs.open({ require: ['no-overmounts'] });
 * const status = await procfs.readFile('self', 'status', 'utf8');
 * console.log(status.split('\n')[0]); // Name: …
 * ```
 */
export class Procfs implements Disposable {
  readonly #native: Addon.Procfs;
  #info: ProcfsInfo | undefined;
  #closed = false;

  /** Use {@link Procfs.open}, {@link Procfs.openSync} or {@link procfs}. @internal */
  constructor(handle: Addon.Procfs) {
    this.#native = checkHandle(handle, native().Procfs, 'Procfs.open and procfs');
  }

  /**
   * Opens a handle of its own.
   *
   * @param options What to require, and what to put up with. Default: the strongest that can be had.
   * @returns A handle; close it when done.
   * @throws {ProcwardError} `Unsupported` when a guarantee of `require` cannot be had, `NotProcfs` when /proc is something
   * else, `NotFound` when nothing is mounted there.
   */
  static open(options?: ProcfsOptions): Promise<Procfs> {
    const plan = checkProcfsOptions(options);
    return perform<Addon.Procfs>((environment, id) => native().Procfs.open(environment, id, plan)).then(
      (handle) => new Procfs(handle),
    );
  }

  /** {@link Procfs.open}, at once: about ten system calls. */
  static openSync(options?: ProcfsOptions): Procfs {
    return new Procfs(unwrap(native().Procfs.openSync(checkProcfsOptions(options))));
  }

  /** What was achieved when the handle was opened. */
  get info(): ProcfsInfo {
    this.#info ??= unwrap(this.#open().info()) as ProcfsInfo;
    return this.#info;
  }

  /**
   * Opens a file.
   *
   * @param base Where `path` starts. With a {@link Process} the file is that of this process, or kind `Gone`.
   * @param path Relative, without `..`; `status`, `net/unix`, `sys/kernel/pid_max`.
   * @param options How to open it. Default: for reading, without following.
   * @returns The open file.
   * @throws {ProcwardError} `NotFound`; `Gone` for a {@link Process} that ended; `Overmount`, `MagicLink`, `Escape`,
   * `NotProcfs` when the path does not lead to a genuine file of this procfs; `Masked` when it exists only in an unmasked
   * procfs that cannot be had; `PermissionDenied`.
   */
  open(base: ProcBase, path: string, options?: ProcOpenOptions): Promise<ProcFile> {
    const [handle, start, process, file] = this.#resolve(base, path);
    const how = toOpenPlan(options);
    return perform<Addon.ProcFile>((environment, id) =>
      handle.openFile(environment, id, start, process, file, how),
    ).then((opened) => new ProcFile(opened));
  }

  /** {@link Procfs.open}, at once: one or two system calls. */
  openSync(base: ProcBase, path: string, options?: ProcOpenOptions): ProcFile {
    const [handle, start, process, file] = this.#resolve(base, path);
    return new ProcFile(unwrap(handle.openFileSync(start, process, file, toOpenPlan(options))));
  }

  /** {@link Procfs.open} of a global file. */
  openRoot(path: string, options?: ProcOpenOptions): Promise<ProcFile> {
    return this.open('root', path, options);
  }

  /** {@link Procfs.open} of a file of this process. */
  openSelf(path: string, options?: ProcOpenOptions): Promise<ProcFile> {
    return this.open('self', path, options);
  }

  /** {@link Procfs.open} of a file of the thread that runs this JavaScript, resolved before the call returns. */
  openThreadSelf(path: string, options?: ProcOpenOptions): Promise<ProcFile> {
    return this.open('thread-self', path, options);
  }

  /** {@link Procfs.open} of a file of whichever process has this pid now. Race-free: open a {@link Process} instead. */
  openPid(pid: number, path: string, options?: ProcOpenOptions): Promise<ProcFile> {
    return this.open({ pid: checkPid('pid', pid) }, path, options);
  }

  /**
   * Reads a whole file.
   *
   * @param base Where `path` starts, as for {@link Procfs.open}.
   * @param path As for {@link Procfs.open}.
   * @returns The whole content, a copy.
   * @throws {ProcwardError} as {@link Procfs.open}.
   */
  readFile(base: ProcBase, path: string): Promise<Buffer>;
  /**
   * The same as text.
   *
   * @param base Where `path` starts, as for {@link Procfs.open}.
   * @param path As for {@link Procfs.open}.
   * @param encoding Of the text.
   * @returns The whole content; what could not be decoded is U+FFFD.
   * @throws {ProcwardError} as the other form.
   */
  readFile(base: ProcBase, path: string, encoding: BufferEncoding): Promise<string>;
  readFile(base: ProcBase, path: string, encoding?: BufferEncoding): Promise<Buffer | string> {
    const [handle, start, process, file] = this.#resolve(base, path);
    const decode = checkEncoding(encoding);
    return perform<Buffer>((environment, id) => handle.read(environment, id, start, process, file)).then(decode);
  }

  /** {@link Procfs.readFile}, at once: four system calls for a small file. */
  readFileSync(base: ProcBase, path: string): Buffer;
  readFileSync(base: ProcBase, path: string, encoding: BufferEncoding): string;
  readFileSync(base: ProcBase, path: string, encoding?: BufferEncoding): Buffer | string {
    const [handle, start, process, file] = this.#resolve(base, path);
    const decode = checkEncoding(encoding);
    return decode(unwrap(handle.readSync(start, process, file)));
  }

  /**
   * Writes a file with one write(2), once it is known to be the one that was asked for: not a byte reaches any other.
   *
   * @param base Where `path` starts, as for {@link Procfs.open}.
   * @param path As for {@link Procfs.open}.
   * @param data Text is encoded as UTF-8.
   * @throws {ProcwardError} as {@link Procfs.open}; `InvalidArgument` when the kernel refuses the value.
   */
  writeFile(base: ProcBase, path: string, data: string | Uint8Array): Promise<void> {
    const [handle, start, process, file] = this.#resolve(base, path);
    const bytes = toBytes('data', data);
    return perform((environment, id) => handle.write(environment, id, start, process, file, bytes));
  }

  /**
   * Lists a directory, without `.` and `..`. The root of a masked procfs lists processes only.
   *
   * @param base Where `path` starts, as for {@link Procfs.open}.
   * @param path As for {@link Procfs.open}.
   * @returns Names, as the kernel orders them.
   * @throws {ProcwardError} as {@link Procfs.open}.
   */
  readdir(base: ProcBase, path: string): Promise<string[]> {
    const [handle, start, process, file] = this.#resolve(base, path);
    return perform((environment, id) => handle.readdir(environment, id, start, process, file));
  }

  /**
   * Where a link points, without following it: `cwd`, `exe`, `fd/0`, `ns/net`.
   *
   * @param base Where `path` starts, as for {@link Procfs.open}.
   * @param path As for {@link Procfs.open}.
   * @returns The target as the kernel writes it, as text.
   * @throws {ProcwardError} as {@link Procfs.open}, and `InvalidArgument` for a file that is not a link.
   */
  readlink(base: ProcBase, path: string): Promise<string>;
  /**
   * The same for a target that is not UTF-8.
   *
   * @param base Where `path` starts, as for {@link Procfs.open}.
   * @param path As for {@link Procfs.open}.
   * @param encoding `'buffer'`.
   * @returns The target's bytes.
   * @throws {ProcwardError} as the other form.
   */
  readlink(base: ProcBase, path: string, encoding: 'buffer'): Promise<Buffer>;
  readlink(base: ProcBase, path: string, encoding?: 'buffer'): Promise<Buffer | string> {
    const [handle, start, process, file] = this.#resolve(base, path);
    if (encoding !== undefined) checkOneOf('encoding', encoding, ['buffer']);
    const decode = checkEncoding(encoding === 'buffer' ? undefined : 'utf8');
    return perform<Buffer>((environment, id) => handle.readlink(environment, id, start, process, file)).then(decode);
  }

  /** {@link Procfs.readlink}, at once. */
  readlinkSync(base: ProcBase, path: string): string {
    const [handle, start, process, file] = this.#resolve(base, path);
    return unwrap(handle.readlinkSync(start, process, file)).toString();
  }

  /**
   * Where a descriptor of this process really points, descriptor 0 included.
   *
   * @param fd One of ours.
   * @returns The path as the kernel writes it; for what has none, `pipe:[…]` and the like.
   * @throws {ProcwardError} `NotFound` when it is not open.
   */
  fdPath(fd: number): string {
    return unwrap(this.#open().fdPath(checkFd('fd', fd))).toString();
  }

  /**
   * Opens what a descriptor of this process stands for once more, with other flags. The result is checked to be the same file.
   *
   * @param fd One of ours.
   * @param options The flags wanted. Default: for reading.
   * @returns The file, opened anew.
   * @throws {ProcwardError} `Stale` when it turned out to be another file; `PermissionDenied`; code `EBADF`.
   */
  reopen(fd: number, options?: ProcOpenOptions): Promise<ProcFile> {
    const handle = this.#open();
    const held = checkFd('fd', fd);
    const how = toOpenPlan(options);
    return perform<Addon.ProcFile>((environment, id) => handle.reopen(environment, id, held, how)).then(
      (opened) => new ProcFile(opened),
    );
  }

  /**
   * Runs `fn` with one temporary unmasked handle, for many global files; it is closed when `fn` settles.
   *
   * @param fn Gets the handle; what it returns is awaited.
   * @returns What `fn` returned.
   * @throws {ProcwardError} as {@link Procfs.open} of the class, and whatever `fn` throws.
   */
  withUnmasked<T>(fn: (unmasked: Procfs) => T | Promise<T>): Promise<T> {
    if (typeof fn !== 'function') throw invalid('fn', fn, 'a function');
    this.#open();
    return Procfs.open({ unmasked: true }).then(async (unmasked) => {
      try {
        return await fn(unmasked);
      } finally {
        unmasked.close();
      }
    });
  }

  /** Closes the handle; a no-op on the shared one and when repeated. Operations under way finish first. */
  close(): void {
    if (this === shared) return;
    this.#closed = true;
    this.#native.close();
  }

  /** {@link Procfs.close}, for `using`. */
  [Symbol.dispose](): void {
    this.close();
  }

  #open(): Addon.Procfs {
    if (this.#closed) throw closedError('Procfs');
    return this.#native;
  }

  /** The addon's handle, its two forms of a base (a process wins over the number), and the path. */
  #resolve(base: ProcBase, path: string): [Addon.Procfs, number, Addon.Process | undefined, string] {
    const handle = this.#open();
    const file = checkString('path', path);
    return isProcess(base) ? [handle, SELF, nativeOf(base), file] : [handle, toBase(base), undefined, file];
  }
}

let shared: Procfs | undefined;

/**
 * The handle that this process shares: opened on first use, masked, and opened again if its descriptor was closed or
 * replaced by other code in this process.
 *
 * Kernel: as {@link Procfs}. Sources: proc(5), openat2(2), fsopen(2).
 *
 * @returns The same handle each time; closing it does nothing.
 * @throws {ProcwardError} as {@link Procfs.open}, on first use of the handle.
 * @example
 * ```ts
 * import { procfs } from 'procward';
 *
 * console.log(procfs().readlinkSync('self', 'exe')); // /…
 * ```
 */
export function procfs(): Procfs {
  shared ??= new Procfs(native().Procfs.shared());
  return shared;
}

function checkProcfsOptions(options: ProcfsOptions | undefined): Addon.ProcfsPlan {
  const {
    unmasked = false,
    require = [],
    allowSameProcfs = false,
    retryAttached = false,
  } = checkOptions('options', options, ['unmasked', 'require', 'allowSameProcfs', 'retryAttached']);
  return {
    unmasked: checkBoolean('options.unmasked', unmasked),
    require: checkList('options.require', require, `an array of ${GUARANTEES.join(', ')}`, checkGuarantee),
    allowSameProcfs: checkBoolean('options.allowSameProcfs', allowSameProcfs),
    retryAttached: checkBoolean('options.retryAttached', retryAttached),
  };
}

function checkGuarantee(name: string, guarantee: unknown): ProcfsGuarantee {
  return checkOneOf(name, guarantee, GUARANTEES);
}

function toBase(base: Exclude<ProcBase, Process>): number {
  if (base === 'root') return ROOT;
  if (base === 'self') return SELF;
  if (base === 'thread-self') return THREAD_SELF;
  // Something around a Process would be taken for its number, and that is another guarantee.
  if (typeof base === 'object' && base !== null && 'pid' in base && !((base as object) instanceof Process))
    return checkPid('base.pid', base.pid);
  throw invalid('base', base, "'root', 'self', 'thread-self', { pid } or a Process");
}
