// An open file of procfs, and how to open one.

import { constants } from 'node:fs';
import type * as Addon from './addon.d.ts';
import { checkBoolean, checkHandle, checkInteger, checkOptions, invalid, isBytes } from './arguments.ts';
import { perform } from './completions.ts';
import { closedError, ProcwardError, unwrap } from './errors.ts';
import { native } from './native.ts';

/** How to open a file of procfs; see `Procfs.open`. */
export interface ProcOpenOptions {
  /**
   * `'r'` (default), `'w'` (write only; nothing in /proc is created or truncated), `'r+'`, or a numeric `O_*` mask.
   * `O_CREAT`, `O_EXCL` and `O_TMPFILE` are refused.
   */
  flags?: 'r' | 'w' | 'r+' | number;
  /** Refuse what is no directory. Default false. */
  directory?: boolean;
  /** Return a handle to the path itself (`O_PATH`). Default false. */
  pathOnly?: boolean;
  /** Follow a magic link in the last component (`exe`, `cwd`, `fd/N`, `ns/*`). Default false. */
  follow?: boolean;
}

const FLAGS = { r: constants.O_RDONLY, w: constants.O_WRONLY, 'r+': constants.O_RDWR } as const;
const MAX_READ = 2 ** 31 - 1;

/** @internal */
export function toOpenPlan(options: ProcOpenOptions | undefined): Addon.OpenPlan {
  const {
    flags = 'r',
    directory = false,
    pathOnly = false,
    follow = false,
  } = checkOptions('options', options, ['flags', 'directory', 'pathOnly', 'follow']);
  return {
    flags: toFlags(flags),
    directory: checkBoolean('options.directory', directory),
    pathOnly: checkBoolean('options.pathOnly', pathOnly),
    follow: checkBoolean('options.follow', follow),
  };
}

function toFlags(flags: unknown): number {
  if (typeof flags === 'number')
    return checkInteger('options.flags', flags, 0, 2 ** 31 - 1, 'a mask of O_* flags: an integer');
  if (flags === 'r' || flags === 'w' || flags === 'r+') return FLAGS[flags];
  throw invalid('options.flags', flags, "'r', 'w', 'r+' or a numeric mask of O_* flags");
}

/** There may be less room than when the read began: a buffer can be transferred to a worker meanwhile. */
function copyInto(buffer: Uint8Array, bytes: Buffer): void {
  try {
    buffer.set(bytes);
  } catch (cause) {
    throw new ProcwardError({
      kind: 'InvalidArgument',
      message: `The buffer has no room any more for the ${bytes.length} bytes that were read`,
      cause,
    });
  }
}

/** @internal */
export function toBytes(name: string, data: unknown): Uint8Array {
  if (typeof data === 'string') return Buffer.from(data);
  if (!isBytes(data)) throw invalid(name, data, 'a string or a Uint8Array');
  return data;
}

/**
 * An open file of procfs, verified to be the one that was asked for. Its descriptor is close-on-exec.
 *
 * Kernel: as {@link Procfs}. Sources: proc(5), openat2(2).
 *
 * @example
 * ```ts
 * import { procfs } from 'procward';
 *
 * using file = await procfs().openSelf('status');
 * console.log((await file.text()).split('\n')[0]); // Name: …
 * ```
 */
export class ProcFile implements Disposable {
  readonly #native: Addon.ProcFile;
  #closed = false;

  /** Use `Procfs.open`. @internal */
  constructor(file: Addon.ProcFile) {
    this.#native = checkHandle(file, native().ProcFile, 'Procfs.open');
  }

  /** The descriptor, for passing on; it stays owned by this handle. */
  get fd(): number {
    return unwrap(this.#open().fd);
  }

  /**
   * Reads once into a buffer.
   *
   * @param position Where to read; default from where the last read ended.
   * @param buffer Filled from its start.
   * @returns How many bytes were read; 0 at the end.
   * @throws {ProcwardError} `Gone` when the process of the file was reaped; `InvalidArgument` and `Os` as the file
   * answers; `InvalidArgument`, too, when the buffer was transferred or shrunk meanwhile.
   */
  read(buffer: Uint8Array, position?: number): Promise<number> {
    const file = this.#open();
    if (!isBytes(buffer)) throw invalid('buffer', buffer, 'a Uint8Array');
    const length = Math.min(buffer.length, MAX_READ);
    const at = position === undefined ? undefined : checkInteger('position', position, 0, Number.MAX_SAFE_INTEGER);
    return perform<Buffer>((environment, id) => file.read(environment, id, length, at)).then((bytes) => {
      copyInto(buffer, bytes);
      return bytes.length;
    });
  }

  /**
   * Reads from where the last read ended to the end.
   *
   * @returns All of it, a copy.
   * @throws {ProcwardError} As {@link ProcFile.read}.
   */
  bytes(): Promise<Buffer> {
    const file = this.#open();
    return perform((environment, id) => file.readAll(environment, id));
  }

  /**
   * {@link ProcFile.bytes} as UTF-8.
   *
   * @returns What could not be decoded is U+FFFD.
   * @throws {ProcwardError} As {@link ProcFile.read}.
   */
  text(): Promise<string> {
    return this.bytes().then(String);
  }

  /**
   * One write(2), since files of procfs take a value whole or not at all.
   *
   * @param data Text is encoded as UTF-8.
   * @returns How many bytes were taken.
   * @throws {ProcwardError} `InvalidArgument` when the kernel refuses the value; `PermissionDenied`; `Gone`.
   */
  write(data: string | Uint8Array): Promise<number> {
    const file = this.#open();
    const bytes = toBytes('data', data);
    return perform((environment, id) => file.write(environment, id, bytes));
  }

  /**
   * Which file it is. `mountId` is null where the kernel does not tell (before 5.8).
   *
   * @returns Numbers as statx(2) gives them; `mode` with the type.
   * @throws {ProcwardError} `Closed`.
   */
  stat(): { readonly dev: bigint; readonly ino: bigint; readonly mode: number; readonly mountId: bigint | null } {
    const { mountId, ...stat } = unwrap(this.#open().stat());
    return { ...stat, mountId: mountId ?? null };
  }

  /** Closes the file; a no-op when repeated. Reads and writes under way finish first. */
  close(): void {
    this.#closed = true;
    this.#native.close();
  }

  /** {@link ProcFile.close}, for `using`. */
  [Symbol.dispose](): void {
    this.close();
  }

  #open(): Addon.ProcFile {
    if (this.#closed) throw closedError('ProcFile');
    return this.#native;
  }
}
