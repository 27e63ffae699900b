// Signal names and numbers, real-time signals included.

import { constants } from 'node:os';
import { invalid } from './arguments.ts';

/** A signal by name: Node's names, and the real-time signals as `SIGRTMIN+1`, `SIGRTMAX-1`. */
export type SignalName = NodeJS.Signals | `SIGRTMIN+${number}` | `SIGRTMAX-${number}`;

/** The C library keeps 32 and 33 for itself. */
const RT_MIN = 34;
const RT_MAX = 64;

const numbers = new Map<string, number>(Object.entries(constants.signals));
/** The first name of a number wins: 6 is SIGABRT, not SIGIOT. */
const names = new Map<number, NodeJS.Signals>();
for (const [name, number] of numbers) if (!names.has(number)) names.set(number, name as NodeJS.Signals);

/** The number of a signal given by name or number; 0 is allowed where `lowest` is 0. @internal */
export function signalNumber(argument: string, value: unknown, lowest: 0 | 1 = 1): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= lowest && value <= RT_MAX) return value;
  if (typeof value === 'string') {
    const number = numbers.get(value) ?? realTime(value);
    if (number !== undefined) return number;
    const upper = value.toUpperCase();
    const close = [upper, `SIG${upper}`].find((name) => numbers.has(name));
    if (close !== undefined) throw invalid(argument, value, `a signal name in upper case, like '${close}'`);
  }
  throw invalid(
    argument,
    value,
    `a signal name like 'SIGTERM' or 'SIGRTMIN+1', or a number from ${lowest} to ${RT_MAX}`,
  );
}

/** @internal */
export function signalName(number: number): SignalName {
  return names.get(number) ?? `SIGRTMIN+${number - RT_MIN}`;
}

function realTime(name: string): number | undefined {
  const match = /^SIGRT(MIN|MAX)(?:([+-])(\d{1,2}))?$/.exec(name);
  if (match === null) return undefined;
  const [, end, sign, offset = '0'] = match;
  if (sign !== undefined && sign !== (end === 'MIN' ? '+' : '-')) return undefined;
  const number = end === 'MIN' ? RT_MIN + Number(offset) : RT_MAX - Number(offset);
  return number >= RT_MIN && number <= RT_MAX ? number : undefined;
}
