// What a child may do: ids, capabilities, filters.

import type * as Addon from '../addon.d.ts';
import {
  checkBoolean,
  checkFd,
  checkInteger,
  checkList,
  checkOptions,
  checkString,
  invalid,
  isBytes,
} from '../arguments.ts';
import { native } from '../native.ts';
import type { SpawnOptions } from './options.ts';

const MAX_ID = 2 ** 32 - 2;
const CAPABILITIES = 64;
/** `struct sock_filter`, and how many of them the kernel takes. */
const INSTRUCTION_BYTES = 8;
const MAX_INSTRUCTIONS = 4096;

/** @internal */
export function toRights(options: SpawnOptions) {
  const { credentials, ambientCapabilities = [], dropCapabilities = [], landlock, seccomp, userNamespace } = options;
  const groupsAreFixed = userNamespace !== undefined && userNamespace.setgroups !== true;
  return {
    ambientCapabilities: toCapabilities('options.ambientCapabilities', ambientCapabilities),
    dropCapabilities:
      dropCapabilities === 'all'
        ? Array.from({ length: CAPABILITIES }, (_, number) => number)
        : toCapabilities('options.dropCapabilities', dropCapabilities, "'all' or "),
    noNewPrivileges: checkBoolean('options.noNewPrivileges', options.noNewPrivileges ?? false),
    ...(credentials !== undefined && { credentials: toCredentials(credentials, groupsAreFixed) }),
    ...(landlock !== undefined && { landlock: checkFd('options.landlock', landlock) }),
    ...(seccomp !== undefined && { seccomp: checkFilter(seccomp) }),
  };
}

function toCredentials(
  credentials: NonNullable<SpawnOptions['credentials']>,
  groupsAreFixed: boolean,
): Addon.CredentialsPlan {
  if (typeof credentials !== 'object' || credentials === null)
    throw invalid('options.credentials', credentials, 'an object with uid and gid');
  const name = 'options.credentials';
  const checked = checkOptions(name, credentials, ['uid', 'gid', 'groups']);
  const { uid, gid, groups = groupsAreFixed ? 'keep' : [] } = checked;
  const checkId = (here: string, id: unknown) => checkInteger(here, id, 0, MAX_ID);
  const ids = { uid: checkId(`${name}.uid`, uid), gid: checkId(`${name}.gid`, gid) };
  if (groups === 'keep') return ids;
  return { ...ids, groups: checkList(`${name}.groups`, groups, "an array of group ids, or 'keep'", checkId) };
}

function toCapabilities(name: string, names: readonly string[], or = ''): number[] {
  return checkList(name, names, `${or}an array of capability names`, (here, item) => {
    const number = native().capabilityNumber(checkString(here, item));
    if (number === null || number === undefined)
      throw invalid(here, item, "a capability as capabilities(7) names it, like 'net_bind_service'");
    return number;
  });
}

function checkFilter(filter: unknown): Uint8Array {
  const fits = (bytes: number) =>
    bytes > 0 && bytes % INSTRUCTION_BYTES === 0 && bytes <= MAX_INSTRUCTIONS * INSTRUCTION_BYTES;
  if (!isBytes(filter) || !fits(filter.byteLength))
    throw invalid(
      'options.seccomp',
      filter,
      `a Uint8Array of 1 to ${MAX_INSTRUCTIONS} instructions of ${INSTRUCTION_BYTES} bytes`,
    );
  return filter;
}
