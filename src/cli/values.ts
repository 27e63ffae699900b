// Values of options: durations, sizes, counts, signals, each refused with what is allowed.

import { constants } from 'node:os';
import { InvalidArgumentError } from 'commander';
import type { SignalName } from '../signals.ts';

const DURATIONS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const SIZES: Readonly<Record<string, bigint>> = { '': 1n, K: 1n << 10n, M: 1n << 20n, G: 1n << 30n, T: 1n << 40n };
/** The longest that a timer takes. */
const LONGEST_MS = 2 ** 31 - 1;
const MOST_BYTES = 2n ** 63n - 1n;

/** `500ms`, `1.5s`, `2m`, `1h`, `1d`; a bare number is seconds, as with timeout(1). In whole milliseconds. */
export function duration(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)?$/.exec(text);
  const ms = match === null ? Number.NaN : Number(match[1]) * (DURATIONS[match[2] ?? 's'] ?? Number.NaN);
  if (ms <= LONGEST_MS) return Math.ceil(ms);
  throw new InvalidArgumentError(
    'A duration is a number with ms, s, m, h or d after it, like 500ms or 1.5s, and at most 24 days.',
  );
}

/** `64M`, `1.5G`, `65536`, `max`; units are powers of 1024. In bytes. */
export function size(text: string): bigint | 'max' {
  if (text === 'max') return 'max';
  const match = /^(\d+)(?:\.(\d{1,6}))?([KMGT]?)(?:i?B)?$/i.exec(text);
  const unit = match === null ? undefined : SIZES[(match[3] ?? '').toUpperCase()];
  if (match !== null && unit !== undefined) {
    const fraction = match[2] ?? '';
    const bytes = (BigInt(`${match[1]}${fraction}`) * unit) / 10n ** BigInt(fraction.length);
    if (bytes <= MOST_BYTES) return bytes;
  }
  throw new InvalidArgumentError(
    "A size is a number of bytes, perhaps with K, M, G or T after it, like 64M, or 'max'.",
  );
}

/** How many; `max` is no limit. */
export function count(text: string): bigint | 'max' {
  if (text === 'max') return 'max';
  if (/^\d{1,7}$/.test(text) && Number(text) > 0) return BigInt(text);
  throw new InvalidArgumentError("A number of processes is an integer from 1 to 9999999, or 'max'.");
}

/** Processors: `0.5` is half of one. */
export function cores(text: string): number | 'max' {
  if (text === 'max') return 'max';
  const value = /^\d+(?:\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
  if (value >= 0.001 && value <= 1_000_000) return value;
  throw new InvalidArgumentError("A number of processors is from 0.001 to 1000000, like 1.5, or 'max'.");
}

/** `TERM`, `SIGTERM`, `15`, `RTMIN+1`. By its name, or by number where it has none. */
export function signal(text: string): SignalName | number {
  if (/^\d{1,2}$/.test(text) && Number(text) <= 64) return Number(text);
  const upper = text.toUpperCase();
  const name = upper.startsWith('SIG') ? upper : `SIG${upper}`;
  const offset = /^SIGRT(?:MIN\+|MAX-)(\d{1,2})$/.exec(name)?.[1];
  if (name in constants.signals || (offset !== undefined && Number(offset) <= 30)) return name as SignalName;
  throw new InvalidArgumentError('A signal is a name like TERM, HUP or RTMIN+1, or a number from 0 to 64.');
}
