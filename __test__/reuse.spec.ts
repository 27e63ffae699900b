// One pid given to a thousand processes in turn: a handle and an identity stay with the one that was meant.

import { answer, fixture, runNodeInPidNamespace } from './fixture.ts';
import { needing } from './needs.ts';

/** `PROCWARD_ROUNDS` shortens it, as it does the long loops of the core. */
const ROUNDS = Number(process.env['PROCWARD_ROUNDS'] ?? 1000);

const QUESTIONS = ['signal', 'signal 0', 'info', 'readFile', 'readFileSync', 'readlink', 'open', 'fromIdentity'];

interface Reuse {
  readonly held: 'pidfd' | 'directory';
  /** Per question, how often it was answered how. */
  readonly answers: Record<string, Record<string, number>>;
  /** How often each signal ended a process that had the pid. */
  readonly exits: Record<string, number>;
  /** How often the end of the first was told while the second had its pid. */
  readonly seen: number;
}

needing('pidns')('a pid that is given away again is Gone for its handle, and a hit for process.kill', async (t) => {
  const reuse = answer(await runNodeInPidNamespace([fixture('reuses-a-pid.mjs'), String(ROUNDS)])) as Reuse;
  t.log(`${ROUNDS} rounds, held by ${reuse.held}`);
  for (const question of QUESTIONS) t.deepEqual(reuse.answers[question], { Gone: ROUNDS }, question);
  for (const [question, answers] of Object.entries(reuse.answers)) t.deepEqual(answers, { Gone: ROUNDS }, question);
  // SIGKILL by handle never reached who had the pid then; SIGTERM by number reached them all.
  t.deepEqual(reuse.exits, { SIGTERM: ROUNDS });
  t.is(reuse.seen, ROUNDS);
});
