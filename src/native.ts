// The addon: found, loaded on first use, and checked to be of this version. Nothing else knows that it exists.

import { createRequire } from 'node:module';
import type * as Addon from './addon.d.ts';
import { ProcwardError, type ProcwardErrorFields } from './errors.ts';

// A bundler that emits CommonJS leaves `import.meta.url` empty; there the file name is the next best thing.
const require = createRequire(import.meta.url ?? __filename);

/** Put here by the build, so that it stays ours wherever a bundler moves this. The sources by themselves ask their package. */
declare const PROCWARD_VERSION: string | undefined;

/**
 * The version of this package, `major.minor.patch`. Source: its package.json.
 *
 * @example
 * ```ts
 * import { version } from 'procward';
 *
 * console.log(version); // …
 * ```
 */
export const version: string =
  typeof PROCWARD_VERSION === 'string' ? PROCWARD_VERSION : (require('../package.json') as { version: string }).version;

interface Candidate {
  readonly specifier: string;
  /** Where it is; undefined when it is not installed. */
  readonly find: () => string | undefined;
}

/** What Deno did not permit. */
let forbidden: string | undefined;

const candidates = listCandidates();

/**
 * True when this is Linux and an addon for its architecture is installed. Never throws; where it is false, every function
 * throws `ERR_PROCWARD_UNSUPPORTED`. Sources: `process.platform`, `process.arch`, and whether the file is there.
 *
 * @example
 * ```ts
 * import { isSupported, procfs } from 'procward';
 *
 * console.log(isSupported ? procfs().readlinkSync('self', 'exe') : 'not on Linux'); // /…
 * ```
 */
export const isSupported: boolean = candidates.some(({ find }) => find() !== undefined);

let loaded: typeof Addon | undefined;
/** Why there is none: fields and not an error, because every throw needs an error with a stack of its own. */
let broken: ProcwardErrorFields | undefined;

/**
 * The addon.
 * @throws {ProcwardError} kind `Unsupported`, each time, when there is none or it cannot be loaded.
 * @internal
 */
export function native(): typeof Addon {
  if (loaded !== undefined) return loaded;
  if (broken === undefined) {
    const result = load();
    if (!('kind' in result)) {
      loaded = result;
      return loaded;
    }
    broken = result;
  }
  const error = new ProcwardError(broken);
  Error.captureStackTrace?.(error, native);
  throw error;
}

function listCandidates(): Candidate[] {
  if (process.platform !== 'linux' || !['x64', 'arm64'].includes(process.arch)) return [];
  // Both C libraries, GNU first: an addon for the other one fails to load without side effects, which tells them apart
  // more surely, and faster, than asking the system which one it has.
  return ['gnu', 'musl'].flatMap((libc) => {
    const file = `../procward.linux-${process.arch}-${libc}.node`;
    const specifier = platformPackage(libc);
    return [
      { specifier: file, find: () => resolve(file) },
      // Package managers that hoist nothing show it to procward only, not to a program that procward is bundled into.
      { specifier, find: () => resolve(specifier) ?? resolve(specifier, resolve('procward/package.json')) },
    ];
  });
}

function platformPackage(libc: string): string {
  return `procward-linux-${process.arch}-${libc}`;
}

/** Where `specifier` is, as the module at `from` sees it. */
function resolve(specifier: string, from?: string): string | undefined {
  try {
    return (from === undefined ? require : createRequire(from)).resolve(specifier);
  } catch (error) {
    noteForbidden(error);
    return undefined;
  }
}

/** Deno permits a program nothing by itself. */
function noteForbidden(error: unknown): void {
  if (error instanceof Error && error.name === 'NotCapable') forbidden = error.message;
}

function load(): typeof Addon | ProcwardErrorFields {
  const reasons: string[] = [];
  for (const { specifier, find } of candidates) {
    const path = find();
    if (path === undefined) continue;
    try {
      const addon = require(path) as typeof Addon;
      const theirs = addon.version();
      if (theirs === version) return addon;
      reasons.push(`${specifier} is version ${theirs}`);
    } catch (error) {
      noteForbidden(error);
      reasons.push(`${specifier}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  if (forbidden !== undefined) {
    return {
      kind: 'Unsupported',
      message: `Deno does not permit this program to load the addon of procward: ${forbidden}`,
      hint: 'run the program with --allow-all: what an addon does, no finer permission limits',
    };
  }
  if (reasons.length === 0) return missing();
  return {
    kind: 'Unsupported',
    message: `procward ${version} is installed, but its addon cannot be used (${reasons.join('; ')})`,
    hint: 'reinstall procward, so that it and its platform package have the same version',
  };
}

function missing(): ProcwardErrorFields {
  if (process.platform !== 'linux') {
    return { kind: 'Unsupported', message: `procward works on Linux only, and this is ${process.platform}` };
  }
  if (candidates.length === 0) {
    return {
      kind: 'Unsupported',
      message: `procward has no addon for ${process.arch}; it has them for x64 and arm64`,
    };
  }
  const name = platformPackage(ownLibc());
  return {
    kind: 'Unsupported',
    message: `The platform package of procward is missing: ${name}`,
    hint:
      'it is an optional dependency, which was left out (--omit=optional, or a lockfile made on another platform): ' +
      `\`npm install ${name}@${version}\` adds it`,
  };
}

/** Only for the message above: what is installed is found out by loading it. */
function ownLibc(): 'gnu' | 'musl' {
  const { existsSync } = process.getBuiltinModule('node:fs');
  const { arch } = process;
  const loader = `/lib/ld-musl-${arch === 'x64' ? 'x86_64' : 'aarch64'}.so.1`;
  const gnu = arch === 'x64' ? '/lib64/ld-linux-x86-64.so.2' : '/lib/ld-linux-aarch64.so.1';
  return existsSync(loader) && !existsSync(gnu) ? 'musl' : 'gnu';
}
