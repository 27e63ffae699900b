// Users and groups by name, from the files that every system has.

import { readFileSync } from 'node:fs';
import { Refusal } from './failure.ts';

const MAX_ID = 2 ** 32 - 2;

/** Whom a program is to run as. */
export interface Credentials {
  readonly uid: number;
  readonly gid: number;
  readonly groups: readonly number[];
}

/** The names of users by their ids; an empty map where there is no such file. */
export function userNames(): ReadonlyMap<number, string> {
  const names = new Map<number, string>();
  for (const [name = '', , uid] of records('/etc/passwd')) if (!names.has(Number(uid))) names.set(Number(uid), name);
  return names;
}

/** `alice`, `1000`, `1000:100`, `alice:staff`. By name all groups of the user come along. */
export function credentialsOf(text: string): Credentials {
  const [who = '', which, ...rest] = text.split(':');
  const user = records('/etc/passwd').find(([name, , uid]) => name === who || uid === who);
  const refuse = (what: string) =>
    new Refusal(`option '--user' has '${text}': ${what}; give a name of /etc/passwd, or numbers like 1000:1000`);
  if (rest.length > 0 || who === '' || which === '') throw refuse('that is neither USER nor USER:GROUP');
  const uid = id(who) ?? id(user?.[2] ?? '');
  if (uid === undefined) throw refuse(`there is no user ${who}`);
  if (which === undefined && user === undefined)
    throw refuse(`user ${who} is unknown here, so its group must be given`);
  const group = records('/etc/group').find(([name]) => name === which);
  const gid = which === undefined ? id(user?.[3] ?? '') : (id(which) ?? id(group?.[2] ?? ''));
  if (gid === undefined) throw refuse(`there is no group ${which}`);
  return { uid, gid, groups: user === undefined ? [] : groupsOf(user[0] ?? '', gid) };
}

function groupsOf(user: string, gid: number): number[] {
  const others = records('/etc/group')
    .filter(([, , , members = '']) => members.split(',').includes(user))
    .map(([, , number]) => Number(number));
  return [...new Set([gid, ...others])];
}

function id(text: string): number | undefined {
  return /^\d{1,10}$/.test(text) && Number(text) <= MAX_ID ? Number(text) : undefined;
}

function records(file: string): string[][] {
  try {
    return readFileSync(file, 'utf8')
      .split('\n')
      .filter((line) => line.includes(':'))
      .map((line) => line.split(':'));
  } catch {
    // Images without users have no such file; then there are numbers.
    return [];
  }
}
