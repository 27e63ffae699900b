// Namespaces of a child: new ones, those of another process, and the ids of a new user namespace.

import type * as Addon from '../addon.d.ts';
import { checkBoolean, checkInteger, checkOneOf, checkOptions, invalid } from '../arguments.ts';
import { nativeOf, Process } from '../process.ts';
import type { IdMap, NamespaceName, SpawnOptions } from './options.ts';

/** @internal */
export const NAMESPACES = ['user', 'pid', 'mount', 'network', 'ipc', 'uts', 'cgroup', 'time'] as const;
const MAX_ID = 2 ** 32 - 2;
/** What the kernel takes in one map. */
const MAX_RANGES = 340;

/** @internal */
export function toNamespaces({ namespaces = [], unshare = [], enterNamespacesOf, userNamespace }: SpawnOptions) {
  const born = checkNamespaces('options.namespaces', namespaces);
  const unshared = checkNamespaces('options.unshare', unshare);
  const twice = unshared.find((name) => born.includes(name));
  if (twice !== undefined)
    throw invalid('options.unshare', unshare, `without '${twice}', which options.namespaces has already`);
  return {
    namespaces: born,
    unshare: unshared,
    enteredNamespaces: enterNamespacesOf === undefined ? [] : toEntered(enterNamespacesOf),
    ...(userNamespace !== undefined && { userNamespace: toUserNamespace(userNamespace, [...born, ...unshared]) }),
  };
}

/** The process of `enterNamespacesOf`, which the addon takes beside the plan. @internal */
export function enteredProcess({ enterNamespacesOf }: SpawnOptions): Addon.Process | undefined {
  return enterNamespacesOf === undefined ? undefined : nativeOf(enterNamespacesOf.process);
}

function toEntered(entered: NonNullable<SpawnOptions['enterNamespacesOf']>): NamespaceName[] {
  const name = 'options.enterNamespacesOf';
  if (typeof entered !== 'object' || entered === null)
    throw invalid(name, entered, 'an object with process and namespaces');
  checkOptions(name, entered, ['process', 'namespaces']);
  if (!(entered.process instanceof Process)) throw invalid(`${name}.process`, entered.process, 'a Process');
  const namespaces = checkNamespaces(`${name}.namespaces`, entered.namespaces);
  if (namespaces.length === 0) throw invalid(`${name}.namespaces`, namespaces, 'a list of at least one namespace');
  return namespaces;
}

function toUserNamespace(
  maps: NonNullable<SpawnOptions['userNamespace']>,
  fresh: readonly NamespaceName[],
): Addon.UserNamespacePlan {
  const name = 'options.userNamespace';
  if (typeof maps !== 'object' || maps === null) throw invalid(name, maps, 'an object with uidMap and gidMap');
  const { uidMap = [], gidMap = [], setgroups = false } = checkOptions(name, maps, ['uidMap', 'gidMap', 'setgroups']);
  if (!fresh.includes('user'))
    throw invalid(name, maps, "given with 'user' among options.namespaces or options.unshare");
  return {
    uidMap: toRanges(`${name}.uidMap`, uidMap),
    gidMap: toRanges(`${name}.gidMap`, gidMap),
    setgroups: checkBoolean(`${name}.setgroups`, setgroups),
  };
}

function toRanges(name: string, ranges: readonly IdMap[]): Addon.IdMapPlan[] {
  if (!Array.isArray(ranges) || ranges.length > MAX_RANGES)
    throw invalid(name, ranges, `an array of at most ${MAX_RANGES} ranges`);
  return ranges.map((range: IdMap, at) => {
    const here = `${name}[${at}]`;
    if (typeof range !== 'object' || range === null)
      throw invalid(here, range, 'an object with containerId, hostId and size');
    return {
      containerId: checkInteger(`${here}.containerId`, range.containerId, 0, MAX_ID),
      hostId: checkInteger(`${here}.hostId`, range.hostId, 0, MAX_ID),
      size: checkInteger(`${here}.size`, range.size, 1, MAX_ID + 1),
    };
  });
}

function checkNamespaces(name: string, list: readonly NamespaceName[]): NamespaceName[] {
  if (!Array.isArray(list)) throw invalid(name, list, 'an array of namespace names');
  return list.map((item, at) => checkOneOf(`${name}[${at}]`, item, NAMESPACES));
}
