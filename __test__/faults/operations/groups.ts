// What can be asked of a control group, by both versions where they are here.

import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Cgroup, type CgroupEvent, type Child, cgroupLayout, freezeAll, type GroupMatcher, spawn } from 'procward';
import { type Operation, operation } from '../operation.ts';

/** A hierarchy that groups can be made in, and where it is. */
export interface Place {
  readonly name: string;
  readonly matcher: GroupMatcher;
  readonly mountPoint: string;
}

/** Those that can freeze. */
export function places(): Place[] {
  const { hierarchies } = cgroupLayout();
  return hierarchies.flatMap(({ version, controllers, mountPoint, writable }): Place[] => {
    if (mountPoint === null || !writable) return [];
    if (version === 2) return [{ name: 'version 2', matcher: { unified: true } as const, mountPoint }];
    return controllers.includes('freezer')
      ? [{ name: 'version 1', matcher: { controller: 'freezer' }, mountPoint }]
      : [];
  });
}

/** The hierarchy of version 1 that has this controller. */
function controllerPlace(controller: string): Place[] {
  const found = cgroupLayout().hierarchies.find((h) => h.version === 1 && h.controllers.includes(controller));
  if (!found?.writable || found.mountPoint === null) return [];
  return [{ name: `version 1, ${controller}`, matcher: { controller }, mountPoint: found.mountPoint }];
}

const close = (handle: { close(): void }) => handle.close();
let count = 0;

/** A name that nobody else has; {@link leftovers} knows it. */
const MARK = `procward-faults-${process.pid}`;
const nextName = () => `/${MARK}-${count++}`;

/** Groups of ours that are there still. */
export function leftovers(): string[] {
  const points = cgroupLayout().hierarchies.flatMap(({ mountPoint }) => mountPoint ?? []);
  return points.flatMap((point) =>
    readdirSync(point)
      .filter((name) => name.includes(MARK))
      .map((name) => join(point, name)),
  );
}

interface Populated {
  readonly group: Cgroup;
  readonly directory: string;
  readonly member: Child;
}

const ends: (() => Promise<void>)[] = [];

/** Gives back what many operations were done to. */
export async function endAll(): Promise<void> {
  for (const end of ends) await end();
}

export function ofGroups(place: Place): Operation[] {
  const { name, matcher, mountPoint } = place;
  const how = name;
  const directoryOf = (group: Cgroup) => join(mountPoint, group.path);
  const make = () => Cgroup.create(nextName(), matcher);
  const discard = async (group: Cgroup) => {
    await group.remove({ recursive: true });
    group.close();
  };
  const empty = { before: make, after: discard };
  const populate = async (): Promise<Populated> => {
    const group = make();
    const member = await spawn('sleep', ['1000'], { cgroup: group, stdio: 'ignore' });
    return { group, directory: directoryOf(group), member };
  };
  const clear = async ({ group, directory, member }: Populated) => {
    writeFileSync(join(directory, freezeFile.name), freezeFile.off);
    await member[Symbol.asyncDispose]();
    await discard(group);
  };
  const freezeFile =
    'unified' in matcher
      ? { name: 'cgroup.freeze', on: '1', off: '0', asked: 'cgroup.freeze' }
      : { name: 'freezer.state', on: 'FROZEN', off: 'THAWED', asked: 'freezer.self_freezing' };
  const isAsked = (directory: string) => readFileSync(join(directory, freezeFile.asked), 'utf8') === '1\n';
  const thawed = ({ directory }: Populated) => {
    if (isAsked(directory)) throw new Error('it is frozen still');
  };
  const shared = (subject: Promise<Populated>) => {
    ends.push(() => subject.then(clear));
    return subject;
  };
  // One for all that leave it as it is: a process takes longer to start than to be looked at.
  let common: Promise<Populated> | undefined;
  const populated = {
    before: () => {
      common ??= shared(populate());
      return common;
    },
  };
  const frozen = async () => {
    const subject = await populate();
    writeFileSync(join(subject.directory, freezeFile.name), freezeFile.on);
    return subject;
  };
  const isMember = (pids: readonly number[], { member }: Populated) => pids.length === 1 && pids[0] === member.pid;
  const released = (lease: { release(): Promise<void> }) => lease.release();
  const isFrozen = ({ group, directory }: Populated) => group.freezeState().state === 'frozen' && isAsked(directory);
  const absent = (path: string) => {
    if (existsSync(path)) throw new Error(`${path} is there`);
  };

  return [
    operation({
      covers: ['Cgroup.open'],
      how,
      ...empty,
      act: (group) => Cgroup.open(group.path, matcher),
      right: (found, group) => found.id === group.id,
      release: close,
    }),
    operation({
      covers: ['Cgroup.create'],
      how,
      before: nextName,
      act: (path) => Cgroup.create(path, matcher),
      right: (group) => existsSync(directoryOf(group)),
      undone: (path) => absent(join(mountPoint, path)),
      release: discard,
    }),
    operation({
      covers: ['Cgroup.of'],
      how,
      ...populated,
      act: ({ member }) => Cgroup.of(member, matcher),
      right: (found, { group }) => found.id === group.id,
      release: close,
    }),
    operation({
      covers: ['Cgroup.child'],
      how,
      before: () => {
        const group = make();
        mkdirSync(join(directoryOf(group), 'below'));
        return group;
      },
      act: (group) => group.child('below'),
      right: (child, group) => child.path === `${group.path}/below`,
      release: close,
      after: discard,
    }),
    operation({
      covers: ['Cgroup.createChild'],
      how,
      ...empty,
      act: (group) => group.createChild('below'),
      right: (child) => existsSync(directoryOf(child)),
      undone: (group) => absent(join(directoryOf(group), 'below')),
      release: discard,
    }),
    operation({
      covers: ['Cgroup.children'],
      how,
      ...populated,
      act: ({ group }) => group.children(),
      right: (names) => names.length === 0,
    }),
    operation({
      covers: ['Cgroup.add'],
      how,
      before: populate,
      act: ({ group, member }) => group.add(member),
      right: (_, { directory, member }) => readFileSync(join(directory, 'cgroup.procs'), 'utf8') === `${member.pid}\n`,
      after: clear,
    }),
    operation({
      covers: ['Cgroup.contains'],
      how,
      ...populated,
      act: ({ group, member }) => group.contains(member),
      right: (holds) => holds,
    }),
    operation({
      covers: ['Cgroup.pids'],
      how,
      ...populated,
      act: ({ group }) => group.pids({ recursive: true }),
      right: isMember,
    }),
    operation({
      covers: ['Cgroup.processes'],
      how,
      ...populated,
      act: async ({ group }) => {
        const pids: number[] = [];
        for await (using process of group.processes()) pids.push(process.pid);
        return pids;
      },
      right: isMember,
    }),
    operation({
      covers: ['Cgroup.freezeState'],
      how,
      ...populated,
      act: ({ group }) => group.freezeState(),
      right: ({ state }) => state === 'thawed',
    }),
    operation({ covers: ['Cgroup.stats'], how, ...populated, act: ({ group }) => group.stats() }),
    operation({
      covers: ['Cgroup.readFile'],
      how,
      ...populated,
      act: ({ group }) => group.readFile('cgroup.procs'),
      right: (text, { member }) => text === `${member.pid}\n`,
    }),
    operation({
      covers: ['Cgroup.writeFile'],
      how,
      ...populated,
      act: ({ group }) => group.writeFile(freezeFile.name, freezeFile.off),
    }),
    operation({
      covers: ['Cgroup.freeze'],
      how,
      ...populated,
      act: ({ group }) => group.freeze(),
      right: (_, subject) => isFrozen(subject),
      undone: thawed,
      release: released,
    }),
    operation({
      covers: ['freezeAll'],
      how,
      ...populated,
      act: ({ group }) => freezeAll([group, group]),
      right: (_, subject) => isFrozen(subject),
      undone: thawed,
      release: released,
    }),
    operation({
      covers: ['FreezeLease.release'],
      how,
      before: async () => {
        const subject = await populated.before();
        return { ...subject, lease: await subject.group.freeze() };
      },
      act: ({ lease }) => lease.release(),
      right: (_: unknown, subject) => !isAsked(subject.directory),
      after: thawed,
    }),
    operation({
      covers: ['Cgroup.thaw'],
      how,
      before: frozen,
      act: ({ group }) => group.thaw(),
      right: (_, { directory }) => !isAsked(directory),
      after: clear,
    }),
    operation({
      covers: ['Cgroup.kill'],
      how,
      before: frozen,
      act: ({ group }) => group.kill(),
      right: (_, { directory }) => readFileSync(join(directory, 'cgroup.procs'), 'utf8') === '',
      after: clear,
    }),
    operation({
      covers: ['Cgroup.stop'],
      how,
      before: populate,
      act: ({ group }) => group.stop(),
      right: (_, { directory }) => readFileSync(join(directory, 'cgroup.procs'), 'utf8') === '',
      after: clear,
    }),
    operation({
      covers: ['Cgroup.remove'],
      how,
      before: () => {
        const group = make();
        mkdirSync(join(directoryOf(group), 'below'));
        return group;
      },
      act: (group) => group.remove({ recursive: true }),
      right: (_, group) => !existsSync(directoryOf(group)),
      after: discard,
    }),
    operation({
      covers: ['Cgroup.close', 'Cgroup.[Symbol.dispose]'],
      how,
      before: () => {
        const group = make();
        rmdirSync(directoryOf(group));
        return group;
      },
      act: close,
    }),
    ...('unified' in matcher ? [watching(make, directoryOf)] : []),
  ];
}

/** Told of the removal, which nobody asked procward for. */
function watching(make: () => Cgroup, directoryOf: (group: Cgroup) => string): Operation {
  return operation({
    covers: ['Cgroup.watch'],
    before: make,
    act: async (group) => {
      const events: CgroupEvent[] = [];
      const loop = (async () => {
        for await (const event of group.watch()) events.push(event);
      })();
      rmdirSync(directoryOf(group));
      await loop;
      return events;
    },
    right: (events) => events.at(-1)?.type === 'removed',
    consumes: true,
    after: close,
  });
}

export function ofLimits(): Operation[] {
  const [cpu] = controllerPlace('cpu');
  const [memory] = controllerPlace('memory');
  const made = ({ matcher }: Place) => ({
    before: () => Cgroup.create(nextName(), matcher),
    after: async (group: Cgroup) => {
      await group.remove();
      group.close();
    },
  });
  const operations: Operation[] = [];
  for (const place of [cpu, memory]) {
    if (place === undefined) continue;
    operations.push(
      operation({
        covers: ['Cgroup.limits'],
        how: place.name,
        ...made(place),
        act: (group) => group.limits(),
        right: (limits) => Object.keys(limits).length > 0,
      }),
      operation({ covers: ['Cgroup.stats'], how: place.name, ...made(place), act: (group) => group.stats() }),
    );
  }
  if (cpu !== undefined) {
    const read = (group: Cgroup, file: string) => readFileSync(join(cpu.mountPoint, group.path, file), 'utf8').trim();
    operations.push(
      operation({
        covers: ['Cgroup.setLimits'],
        how: cpu.name,
        ...made(cpu),
        act: (group) => group.setLimits({ cpuMax: 0.5, cpuWeight: 50 }),
        right: (_, group) => read(group, 'cpu.cfs_quota_us') === '50000' && read(group, 'cpu.shares') === '512',
        undone: (group) => {
          const now = `${read(group, 'cpu.cfs_quota_us')} ${read(group, 'cpu.shares')}`;
          if (now !== '-1 1024') throw new Error(`half of it is set: ${now}`);
        },
      }),
    );
  }
  return operations;
}
