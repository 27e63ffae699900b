// What a test needs of the host. A missing need skips loudly, and fails where EXPECT promises it; the names are the
// testkit's.

import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, readlinkSync } from 'node:fs';
import test, { type TestFn } from 'ava';
import { cgroupLayout, features } from 'procward';
import { PID_NAMESPACE } from './fixture.ts';
import { unifiedMountPoint } from './scratch.ts';

const checks = {
  root: () => process.getuid?.() === 0,
  /** Groups can be made in the version 2 hierarchy. */
  cgroup2: () => features().cgroup_v2_write.status === 'yes',
  /** Groups can be made, and ended by one write. */
  kill2: () => checks.cgroup2() && features().cgroup_v2_kill.status === 'yes',
  /** A mount namespace of one's own. */
  mounts: () => spawnSync('unshare', ['--mount', 'true']).status === 0,
  /** Both versions are mounted. */
  hybrid: () => cgroupLayout().mode === 'hybrid',
  freeze2: () => checks.cgroup2() && features().cgroup_v2_freeze.status === 'yes',
  /** Controllers that version 2 hands down to new groups. */
  memory2: () => isHandedDown('memory'),
  pids2: () => isHandedDown('pids'),
  cpu2: () => isHandedDown('cpu'),
  pids1: () => hierarchyIsWritable('pids'),
  memory1: () => hierarchyIsWritable('memory'),
  /** Groups can be given limits of memory, by either version. */
  memory: () => checks.memory1() || checks.memory2(),
  cpu1: () => hierarchyIsWritable('cpu'),
  /** The hierarchy that systemd tracks processes with where version 1 leads. */
  systemd1: () => cgroupLayout().hierarchies.some(({ name, writable }) => writable && name === 'systemd'),
  freezer1: () => hierarchyIsWritable('freezer'),
  pidfd: () => features().pidfd_open.status === 'yes',
  userns: () => features().user_namespaces.status === 'yes',
  /** A program enters a new time namespace when it is executed (Linux 6.2, where it was built with them). */
  timens: () => {
    const link = '/proc/self/ns/time';
    const { status, stdout } = spawnSync('unshare', ['--user', '--time', 'readlink', '--no-newline', link], {
      encoding: 'utf8',
    });
    return status === 0 && stdout !== readlinkSync(link);
  },
  /** Programs can be run in a pid namespace of their own. */
  pidns: () => spawnSync('unshare', [...PID_NAMESPACE, 'true'], { stdio: 'ignore' }).status === 0,
  /** To be started by a test, in namespaces of its own. */
  systemd_binary: () => ['/usr/lib/systemd/systemd', '/usr/bin/dbus-daemon'].every(existsSync),
  /** A systemd that runs this host. */
  systemd: () => features().systemd_system.status === 'yes',
  exit_info: () => features().pidfd_exit_info.status === 'yes',
};

export type Need = keyof typeof checks;

/** Whether that is the name of a need. */
export function isNeed(name: string): name is Need {
  return name in checks;
}

/** Whether the host has it; fails where EXPECT promises it and it has not. */
export function has(need: Need): boolean {
  return needing(need) === test;
}

/** `test` where the host has all of it, `test.skip` where not. */
export function needing(...needs: Need[]): TestFn | TestFn['skip'] {
  const missing = needs.filter((need) => !checks[need]());
  if (missing.length === 0) return test;
  const { EXPECT = '' } = process.env;
  const promised = EXPECT.split(',');
  const broken = missing.filter((need) => promised.includes(need));
  if (broken.length > 0) throw new Error(`EXPECT promises ${broken.join(', ')}, which this host does not have`);
  process.stderr.write(`SKIPPED tests that need ${missing.join(', ')} (uid ${process.getuid?.()})\n`);
  return test.skip;
}

function hierarchyIsWritable(controller: string): boolean {
  return cgroupLayout().hierarchies.some(({ controllers, writable }) => writable && controllers.includes(controller));
}

function isHandedDown(controller: string): boolean {
  if (!checks.cgroup2()) return false;
  return readFileSync(`${unifiedMountPoint()}/cgroup.subtree_control`, 'utf8').trim().split(' ').includes(controller);
}
