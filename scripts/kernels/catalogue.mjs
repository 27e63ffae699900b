// The kernels that can be had as packages of Debian, and the ways in which control groups are mounted.

import { newest } from './packages.mjs';

const uml = (suite) => ({ kind: 'uml', suite, packages: () => ['user-mode-linux'] });
const image = (suite, pattern) => ({ kind: 'qemu', suite, packages: (names) => [newest(names, pattern)] });
/** 7.x: a kernel is a package of its own, and its modules are another. */
const binary = (suite) => ({
  kind: 'qemu',
  suite,
  packages: (names) => {
    const name = newest(names, /^linux-binary-\d.*\d-cloud-amd64$/);
    return [name, name.replace('binary', 'modules')];
  },
});

/** What moves on with its suite is named after that; the table tells which release it was. */
export const KERNELS = {
  'uml-5.10': uml('bullseye'),
  'uml-6.1': uml('bookworm'),
  'uml-6.12': uml('trixie'),
  'uml-sid': uml('sid'),
  'qemu-5.10': image('bullseye', /^linux-image-5\.10.*\d-cloud-amd64$/),
  'qemu-6.1': image('bookworm', /^linux-image-6\.1\..*\d-cloud-amd64$/),
  'qemu-6.12': image('trixie', /^linux-image-6\.12.*\d-cloud-amd64$/),
  'qemu-6.18': image('trixie-backports', /^linux-image-6\.18.*\d-cloud-amd64$/),
  'qemu-sid': binary('sid'),
  'qemu-backports': binary('trixie-backports'),
};

/** For each: which needs of the tests (crates/testkit/src/need.rs) it promises on every kernel. */
export const MODES = {
  v2: ['cgroup2', 'freeze2', 'pids2', 'memory2', 'cpu2'],
  v1: ['cgroup1', 'freezer1', 'pids1', 'cpu1'],
  hybrid: ['cgroup1', 'freezer1', 'pids1', 'cpu1', 'cgroup2', 'freeze2'],
};
export const ALWAYS = ['root', 'mounts', 'statx', 'openat2', 'fsopen', 'pidfd', 'clone3'];

/** What tells most about a kernel in little time: everything but storms, crowds, systemd and what no kernel changes. */
export const SHORT = [
  'core:kernel',
  ...['unit', 'collect', 'confine', 'handle', 'identity', 'list', 'means', 'spawn', 'strangers', 'wait'].map((file) => `core:process/${file}`),
  ...['attached', 'covered', 'hosts', 'mask', 'matrix', 'open', 'overmount', 'shared', 'table', 'verbs'].map((file) => `core:procfs/${file}`),
  ...['unit', 'failures', 'freeze', 'freeze_v1', 'group', 'kill', 'layout', 'limits', 'protect', 'remove', 'stop', 'watch'].map((file) => `core:cgroup/${file}`),
  ...['features', 'process', 'strangers', 'spawn', 'spawn-environment', 'spawn-options', 'spawn-namespaces', 'wait', 'cgroup', 'freeze', 'freeze1', 'group-limits', 'layout'].map((file) => `facade:${file}`),
];
