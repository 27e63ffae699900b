// What a child may use, and how it stands against others: limits, mask, niceness, processors, score.

import type * as Addon from '../addon.d.ts';
import { checkInteger, checkList, checkOptions, invalid } from '../arguments.ts';
import { checkLimit, RESOURCES } from '../limits.ts';
import type { SpawnOptions } from './options.ts';

/** More than any configuration of the kernel has. */
const MAX_PROCESSOR = 8191;

/** @internal */
export function toResources({ resourceLimits, umask, niceness, cpuAffinity, oomScoreAdjust }: SpawnOptions) {
  return {
    resourceLimits: resourceLimits === undefined ? [] : toLimits(resourceLimits),
    cpuAffinity: cpuAffinity === undefined ? [] : toProcessors(cpuAffinity),
    ...(umask !== undefined && { umask: checkInteger('options.umask', umask, 0, 0o777) }),
    ...(niceness !== undefined && { niceness: checkInteger('options.niceness', niceness, -20, 19) }),
    ...(oomScoreAdjust !== undefined && {
      oomScoreAdjust: checkInteger('options.oomScoreAdjust', oomScoreAdjust, -1000, 1000),
    }),
  };
}

function toLimits(limits: NonNullable<SpawnOptions['resourceLimits']>): Addon.LimitPlan[] {
  const name = 'options.resourceLimits';
  return Object.entries(checkOptions(name, limits, RESOURCES)).flatMap(([resource, limit]) =>
    limit === undefined ? [] : [{ resource, ...checkLimit(`${name}.${resource}`, limit) }],
  );
}

function toProcessors(numbers: readonly number[]): number[] {
  const name = 'options.cpuAffinity';
  const expected = 'an array of at least one processor number';
  const checked = checkList(name, numbers, expected, (here, number) => checkInteger(here, number, 0, MAX_PROCESSOR));
  if (checked.length === 0) throw invalid(name, numbers, expected);
  return checked;
}
