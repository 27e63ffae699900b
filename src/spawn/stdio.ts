// What the child's descriptors are, as the addon takes them.

import { checkFd, checkList, invalid } from '../arguments.ts';
import type { SpawnOptions } from './options.ts';

/** The addon takes a descriptor, or one of these. @internal */
export const PIPE = -1;
const NULL_DEVICE = -2;

/** @internal */
export function toStdio(stdio: SpawnOptions['stdio'] = 'pipe'): number[] {
  if (stdio === 'pipe') return [PIPE, PIPE, PIPE];
  if (stdio === 'ignore') return [NULL_DEVICE, NULL_DEVICE, NULL_DEVICE];
  const all = Array.isArray(stdio) ? stdio : [stdio, stdio, stdio];
  return checkList('options.stdio', all, 'an array', toDescriptor);
}

function toDescriptor(name: string, item: unknown, at: number): number {
  if (item === 'pipe') return PIPE;
  if (item === 'ignore') return NULL_DEVICE;
  if (item === 'inherit') return at;
  if (typeof item === 'number') return checkFd(name, item);
  if (typeof item === 'object' && item !== null && 'fd' in item) return checkFd(`${name}.fd`, item.fd);
  throw invalid(name, item, "'pipe', 'ignore', 'inherit', a descriptor or { fd }");
}
