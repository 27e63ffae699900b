// Everything that procward offers.

export { Cgroup } from './cgroup.ts';
export { Child } from './child.ts';
export { cloneFlags } from './clone-flags.ts';
export {
  type Bystander,
  type ErrorKind,
  isExist,
  isNotExist,
  isPermission,
  isTemporary,
  isTimeout,
  isUnsupported,
  ProcwardError,
  type ProcwardErrorFields,
} from './errors.ts';
export { exec } from './exec.ts';
export { decodeWaitStatus, type Exit, type ResourceUsage, type WaitStatus } from './exit.ts';
export { type FeatureName, type FeatureReport, features } from './features.ts';
export type { FreezeLease, FreezeOptions, FreezeState } from './freeze.ts';
export { freezeAll } from './freeze-all.ts';
export type { CgroupEvent } from './group-events.ts';
export type { CgroupLimits, CgroupStats } from './group-limits.ts';
export { type CgroupLayout, cgroupLayout, cgroupVersion, isUnified } from './layout.ts';
export { getResourceLimit, type ResourceLimit, type ResourceName, setResourceLimit } from './limits.ts';
export type { GroupMatcher } from './matcher.ts';
export { cgroupPathOf, trackingPathOf } from './membership.ts';
export { isSupported, version } from './native.ts';
export { pipe } from './pipe.ts';
export { type IdSet, Process, type ProcessIdentity, type ProcessInfo, type SignalScope } from './process.ts';
export { ProcFile, type ProcOpenOptions } from './procfile.ts';
export { type ProcBase, Procfs, type ProcfsGuarantee, type ProcfsInfo, type ProcfsOptions, procfs } from './procfs.ts';
export { type RunOptions, type RunResult, run, runSync } from './run.ts';
export { createTransientScope, type TransientScope, type TransientScopeOptions } from './scope.ts';
export type { SignalName } from './signals.ts';
export type { IdMap, NamespaceName, SpawnOptions, SpawnStage, StdioOption } from './spawn/options.ts';
export { spawn } from './spawn.ts';
export { waitAll, waitAny } from './wait.ts';
