// For the tests of programs that use procward: pretences, which nest and are taken back in any order.

import { invalid } from './arguments.ts';
import { putFreezing, putVersion, Version } from './mocks.ts';

/**
 * Has freezing and thawing of snaps call these functions, and nothing of the kernel: snapd's `MockFreezing`.
 *
 * What they throw or reject with is what `freezeSnapProcesses` and `thawSnapProcesses` reject with. Of several mocks the last counts.
 * It works on every platform, and in this thread only.
 *
 * @param freeze Called with the instance name.
 * @param thaw Called with the instance name.
 * @returns What takes the mock back, once; the others stay.
 * @example
 * ```ts
 * import { freezeSnapProcesses } from 'procward/snap';
 * import { mockFreezing } from 'procward/testing';
 *
 * const frozen: string[] = [];
 * const restore = mockFreezing((name) => void frozen.push(name), () => {});
 * await freezeSnapProcesses('foo');
 * restore();
 * console.log(frozen); // [ 'foo' ]
 * ```
 */
export function mockFreezing(
  freeze: (instanceName: string) => void | Promise<void>,
  thaw: (instanceName: string) => void | Promise<void>,
): () => void {
  if (typeof freeze !== 'function') throw invalid('freeze', freeze, 'a function');
  if (typeof thaw !== 'function') throw invalid('thaw', thaw, 'a function');
  return putFreezing({ freeze, thaw });
}

/**
 * Pretends that a version of control groups leads, or that none is mounted: snapd's `MockVersion`.
 *
 * `cgroupVersion`, `isUnified` and everything of procward/snap go by it, in this thread; the kernel, `cgroupLayout` and `Cgroup` stay as
 * they are. Of several mocks the last counts.
 *
 * @param version 0 for none: procward/snap then rejects with `Unsupported`.
 * @param error What `cgroupVersion` throws, and procward/snap rejects with.
 * @returns What takes the mock back, once; the others stay.
 * @example
 * ```ts
 * import { cgroupVersion } from 'procward';
 * import { mockCgroupVersion } from 'procward/testing';
 *
 * const restore = mockCgroupVersion(2);
 * console.log(cgroupVersion()); // 2
 * restore();
 * ```
 */
export function mockCgroupVersion(version: 0 | 1 | 2, error?: Error): () => void {
  if (![0, 1, 2].includes(version)) throw invalid('version', version, '0, 1 or 2');
  if (error !== undefined && !(error instanceof Error)) throw invalid('error', error, 'an Error, or left out');
  return putVersion(new Version(version, error));
}
