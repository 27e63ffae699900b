// What can be asked about the host, about snaps, and of systemd; and what asks nobody.

import { existsSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import * as procward from 'procward';
import { Cgroup, type Child, cgroupLayout, features, spawn } from 'procward';
import * as snap from 'procward/snap';
import { type Operation, operation } from '../operation.ts';

const nothing = () => undefined;
/** Of a snap that nobody has. */
const SNAP = `faults${process.pid}`;

export const ofHost: Operation[] = [
  operation({
    covers: ['features'],
    before: nothing,
    act: () => features(),
    right: ({ pidfd_open }) => pidfd_open.since === '5.3',
  }),
  operation({
    covers: ['cgroupLayout'],
    before: nothing,
    act: () => cgroupLayout(),
    right: ({ hierarchies }) => hierarchies.length > 0,
  }),
  operation({
    covers: ['cgroupVersion'],
    before: nothing,
    act: () => procward.cgroupVersion(),
    right: (version) => version > 0,
  }),
  operation({ covers: ['isUnified'], before: nothing, act: () => procward.isUnified() }),
  operation({
    covers: ['cgroupPathOf'],
    before: nothing,
    act: () => procward.cgroupPathOf(process.pid, { unified: true }),
    right: (path) => path.startsWith('/'),
  }),
  ...ofSystemd(),
];

const tracked = cgroupLayout().hierarchies.some(
  ({ version, name, mountPoint }) =>
    mountPoint !== null && (name === 'systemd' || (version === 2 && procward.isUnified())),
);

/** Where systemd runs it would do what it is asked for, so there only what can be taken back is. */
function ofSystemd(): Operation[] {
  const absent = !existsSync('/run/systemd/system');
  const none = absent ? ({ expects: 'TrackingUnavailable' } as const) : {};
  return [
    operation({
      covers: ['createTransientScope', 'TransientScope.stop', 'TransientScope.freeze', 'TransientScope.thaw'],
      before: () => spawn('sleep', ['1000'], { stdio: 'ignore' }),
      act: (child) => procward.createTransientScope({ name: 'procward-faults', processes: [child] }),
      release: (scope) => scope.stop(),
      after: (child) => child[Symbol.asyncDispose](),
      ...none,
    }),
    operation({
      covers: ['createTransientScopeForTracking'],
      before: nothing,
      // One that is nobody's, so that we stay where we are.
      act: () => (absent ? snap.createTransientScopeForTracking(`snap.${SNAP}.app`) : undefined),
      ...none,
    }),
  ];
}

const frozenBy = cgroupLayout().hierarchies.find(
  ({ controllers, writable, version }) => writable && version === 1 && controllers.includes('freezer'),
);

interface Running {
  readonly group: Cgroup | undefined;
  readonly child: Child;
}

/** A snap that runs, where its group is one of the freezer; else one that does not. */
async function running(): Promise<Running> {
  const group = frozenBy === undefined ? undefined : Cgroup.create(`/snap.${SNAP}`, { controller: 'freezer' });
  const child = await spawn('sleep', ['1000'], { stdio: 'ignore', ...(group && { cgroup: group }) });
  return { group, child };
}

async function end({ group, child }: Running): Promise<void> {
  await group?.thaw();
  await child[Symbol.asyncDispose]();
  if (group === undefined) return;
  group.close();
  rmdirSync(join(frozenBy?.mountPoint ?? '', group.path));
}

const isThawed = ({ group }: Running) => {
  if (group !== undefined && group.freezeState().state !== 'thawed') throw new Error('it stays frozen');
};

export const ofSnaps: Operation[] = [
  operation({
    covers: ['trackingPathOf'],
    before: nothing,
    act: () => procward.trackingPathOf(process.pid),
    ...(tracked ? { right: (path: string) => path.startsWith('/') } : { expects: 'NotFound' as const }),
  }),
  operation({
    covers: ['snapNameFromPid'],
    before: nothing,
    act: () => snap.snapNameFromPid(process.pid),
    expects: 'NotFound',
  }),
  operation({
    covers: ['snapNameFromPid'],
    how: 'of one',
    before: running,
    act: ({ group, child }) => (group === undefined ? SNAP : snap.snapNameFromPid(child.pid)),
    right: (name) => name === SNAP,
    after: end,
  }),
  operation({
    covers: ['pidsOfSnap'],
    before: nothing,
    act: () => snap.pidsOfSnap(SNAP),
    ...(tracked ? { right: (pids: Map<string, number[]>) => pids.size === 0 } : { expects: 'Unsupported' as const }),
  }),
  operation({
    covers: ['freezeSnapProcesses'],
    before: running,
    act: () => snap.freezeSnapProcesses(SNAP),
    right: (_: unknown, { group }) => group === undefined || group.freezeState().state === 'frozen',
    undone: isThawed,
    release: () => snap.thawSnapProcesses(SNAP),
    after: end,
  }),
  operation({
    covers: ['thawSnapProcesses'],
    before: async () => {
      const subject = await running();
      await snap.freezeSnapProcesses(SNAP);
      return subject;
    },
    act: () => snap.thawSnapProcesses(SNAP),
    right: (_, { group }) => group === undefined || group.freezeState().state === 'thawed',
    after: end,
  }),
  operation({
    covers: ['killSnapProcesses'],
    before: running,
    act: () => snap.killSnapProcesses(SNAP),
    after: end,
  }),
  operation({
    covers: ['confirmSystemdServiceTracking'],
    before: nothing,
    act: () => snap.confirmSystemdServiceTracking(`snap.${SNAP}.svc`),
    expects: 'CannotTrack',
  }),
];

/** A number that says what it says, and errors that are looked at. */
const pure = (name: string, act: () => unknown, right: unknown) =>
  operation({ covers: [name], before: nothing, act, right: (value) => value === right });
const missing = Object.assign(new Error(), { code: 'ENOENT' });

export const ofNobody: Operation[] = [
  pure('decodeWaitStatus', () => procward.decodeWaitStatus(0x0700).type, 'exited'),
  pure('isExist', () => procward.isExist(missing), false),
  pure('isNotExist', () => procward.isNotExist(missing), true),
  pure('isPermission', () => procward.isPermission(missing), false),
  pure('isTemporary', () => procward.isTemporary(missing), false),
  pure('isTimeout', () => procward.isTimeout(missing), false),
  pure('isUnsupported', () => procward.isUnsupported(missing), false),
];
