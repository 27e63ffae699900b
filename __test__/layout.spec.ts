// Which hierarchies there are, in mount and cgroup namespaces that show only some of them.

import { mkdtempSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import type { Cgroup, SpawnOptions } from 'procward';
import { collect } from './collect.ts';
import { fixture, RUNTIME } from './fixture.ts';
import { needing } from './needs.ts';
import { scratchGroup } from './scratch.ts';

interface View {
  readonly mode: string;
  readonly version: number;
  readonly isUnified: boolean;
  /** Of what is mounted. */
  readonly versions: readonly number[];
  readonly mountPoints: readonly string[];
  readonly writable: readonly boolean[];
  /** Paths, or the kind of error. */
  readonly unified: string;
  readonly freezer: string;
  readonly tracking: string;
  readonly own: string;
  readonly opened: readonly string[];
}

const private2 = needing('root', 'mounts', 'cgroup2');
const hybrid = needing('root', 'mounts', 'cgroup2', 'freezer1', 'hybrid');

const LIST = (type: string) => `awk '/ - ${type} /{print $5}' /proc/self/mountinfo`;
const HIDE_1 = `for point in $(${LIST('cgroup')}); do umount -l $point; done`;
const HIDE_2 = `for point in $(${LIST('cgroup2')}); do umount -l $point; done`;

/** A directory to mount on, hidden from nobody: the mount is the other program's own. */
function mountPoint(t: ExecutionContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'procward-test-'));
  t.teardown(() => rmdirSync(directory));
  return directory;
}

/** What a program sees after `script` has changed the mounts of its own namespace. */
async function viewAfter(
  t: ExecutionContext,
  script: string,
  { paths = [], namespaces = [], cgroup }: { paths?: readonly string[]; namespaces?: string[]; cgroup?: Cgroup } = {},
): Promise<View> {
  const options: SpawnOptions = cgroup === undefined ? {} : { cgroup };
  const program = [...RUNTIME, fixture('shows-its-layout.mjs'), ...paths];
  const args = ['--mount', ...namespaces, 'sh', '-ec', `${script}; exec "$@"`, 'sh', ...program];
  const { exit, stdout, stderr } = await collect('unshare', args, options);
  t.like(exit, { type: 'exited', code: 0 }, stderr);
  return JSON.parse(stdout) as View;
}

private2('version 2 alone is unified, wherever it is mounted', async (t) => {
  const group = scratchGroup(t);
  for (const point of ['/sys/fs/cgroup', mountPoint(t)]) {
    const script = `${HIDE_1}; ${HIDE_2}; mount -t cgroup2 none ${point}`;
    const view = await viewAfter(t, script, { cgroup: group, paths: [group.path, '/'] });
    t.like(view, {
      mode: 'unified',
      version: 2,
      isUnified: true,
      versions: [2],
      mountPoints: [point],
      writable: [true],
    });
    t.like(view, { unified: group.path, tracking: group.path, own: group.path, opened: [group.path, '/'] });
  }
});

hybrid('version 1 alone is legacy, and the freezer is what is meant', async (t) => {
  const group = scratchGroup(t, { controller: 'freezer' });
  const view = await viewAfter(t, HIDE_2, { cgroup: group, paths: [group.path] });
  t.like(view, { mode: 'legacy', version: 1, isUnified: false, versions: [1] });
  t.like(view, { freezer: group.path, own: group.path, opened: [group.path] });
});

hybrid('version 2 beside version 1 is hybrid, and version 2 is what is meant', async (t) => {
  const group = scratchGroup(t);
  const view = await viewAfter(t, ':', { cgroup: group });
  t.like(view, {
    mode: 'hybrid',
    version: 1,
    isUnified: false,
    versions: [1, 2],
    unified: group.path,
    own: group.path,
  });
});

private2('where nothing is mounted no group is found, and paths are known all the same', async (t) => {
  const group = scratchGroup(t);
  const view = await viewAfter(t, `${HIDE_1}; ${HIDE_2}`, { cgroup: group, paths: ['/', group.path] });
  t.like(view, { mode: 'none', version: 0, isUnified: false, versions: [], unified: group.path });
  t.like(view, { own: 'NotFound', opened: ['NotFound', 'NotFound'] });
});

private2('a mount that may not be written is told, and its groups are found', async (t) => {
  const group = scratchGroup(t);
  const point = mountPoint(t);
  const readOnly = `${HIDE_1}; ${HIDE_2}; mount -t cgroup2 none ${point}; mount -o remount,bind,ro ${point}`;
  const view = await viewAfter(t, readOnly, { paths: [group.path] });
  t.like(view, { mode: 'unified', writable: [false], opened: [group.path] });
});

private2('in a cgroup namespace paths begin at its root, and what is outside is not reached', async (t) => {
  const group = scratchGroup(t);
  using inner = group.createChild('inner');
  const outside = { cgroup: inner, namespaces: ['--cgroup'], paths: ['/', '/../inner'] };
  // The mounts that were made outside show their roots as '/../..': how far up is told, and not by which names.
  const before = await viewAfter(t, ':', outside);
  t.like(before, { unified: '/', own: 'NotFound', opened: ['NotFound', 'Escape'] });
  const after = await viewAfter(t, `${HIDE_1}; ${HIDE_2}; mount -t cgroup2 none ${mountPoint(t)}`, outside);
  t.like(after, { mode: 'unified', unified: '/', tracking: '/', own: '/', opened: ['/', 'Escape'] });
});
