// Namespaces of a child: new ones, those of another process, and the ids of a new user namespace.

import type * as Addon from '../addon.d.ts';
import { checkBoolean, checkInteger, checkList, checkOneOf, checkOptions, invalid } from '../arguments.ts';
import { isProcess, nativeOf } from '../process.ts';
import type { IdMap, NamespaceName, SpawnOptions } from './options.ts';

/** @internal */
export const NAMESPACES = ['user', 'pid', 'mount', 'network', 'ipc', 'uts', 'cgroup', 'time'] as const;
const MAX_ID = 2 ** 32 - 2;
/** What the kernel takes in one map. */
const MAX_RANGES = 340;

/** @internal */
export function toNamespaces({ namespaces = [], unshare = [], userNamespace }: SpawnOptions) {
  const born = checkNamespaces('options.namespaces', namespaces);
  const unshared = checkNamespaces('options.unshare', unshare);
  const twice = unshared.find((name) => born.includes(name));
  if (twice !== undefined)
    throw invalid('options.unshare', unshare, `without '${twice}', which options.namespaces has already`);
  return {
    namespaces: born,
    unshare: unshared,
    ...(userNamespace !== undefined && { userNamespace: toUserNamespace(userNamespace, [...born, ...unshared]) }),
  };
}

/** Whose namespaces are entered. The addon takes the process beside the plan. @internal */
export interface Entered {
  readonly process: Addon.Process;
  readonly namespaces: NamespaceName[];
}

/** @internal */
export function toEntered({ enterNamespacesOf: entered }: SpawnOptions): Entered | undefined {
  if (entered === undefined) return undefined;
  const name = 'options.enterNamespacesOf';
  if (typeof entered !== 'object' || entered === null)
    throw invalid(name, entered, 'an object with process and namespaces');
  const { process, namespaces: given } = checkOptions(name, entered, ['process', 'namespaces']);
  if (!isProcess(process)) throw invalid(`${name}.process`, process, 'a Process');
  const namespaces = checkNamespaces(`${name}.namespaces`, given);
  if (namespaces.length === 0) throw invalid(`${name}.namespaces`, namespaces, 'a list of at least one namespace');
  return { process: nativeOf(process), namespaces };
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
  const expected = `an array of at most ${MAX_RANGES} ranges`;
  if (Array.isArray(ranges) && ranges.length > MAX_RANGES) throw invalid(name, ranges, expected);
  return checkList(name, ranges, expected, (here, range) => {
    if (typeof range !== 'object' || range === null)
      throw invalid(here, range, 'an object with containerId, hostId and size');
    const { containerId, hostId, size } = checkOptions<IdMap>(here, range as IdMap, ['containerId', 'hostId', 'size']);
    return {
      containerId: checkInteger(`${here}.containerId`, containerId, 0, MAX_ID),
      hostId: checkInteger(`${here}.hostId`, hostId, 0, MAX_ID),
      size: checkInteger(`${here}.size`, size, 1, MAX_ID + 1),
    };
  });
}

function checkNamespaces(name: string, list: unknown): NamespaceName[] {
  return checkList(name, list, 'an array of namespace names', (here, item) => checkOneOf(here, item, NAMESPACES));
}
