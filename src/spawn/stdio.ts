// What the child's descriptors are, as the addon takes them.

import { checkFd, invalid } from '../arguments.ts';
import type { SpawnOptions, StdioOption } from './options.ts';

/** The addon takes a descriptor, or one of these. @internal */
export const PIPE = -1;
const NULL_DEVICE = -2;

/** @internal */
export function toStdio(stdio: SpawnOptions['stdio'] = 'pipe'): number[] {
  const all: readonly StdioOption[] = Array.isArray(stdio)
    ? stdio
    : [stdio, stdio, stdio].map((item) => item as StdioOption);
  return all.map((item, at) => {
    const name = `options.stdio[${at}]`;
    if (item === 'pipe') return PIPE;
    if (item === 'ignore') return NULL_DEVICE;
    if (item === 'inherit') return at;
    if (typeof item === 'number') return checkFd(name, item);
    if (typeof item === 'object' && item !== null && 'fd' in item) return checkFd(`${name}.fd`, item.fd);
    throw invalid(name, item, "'pipe', 'ignore', 'inherit', a descriptor or { fd }");
  });
}
