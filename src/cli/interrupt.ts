// ^C and its like, as an AbortSignal: what is under way is undone, and the exit code says what ended it.

import { signalled } from './failure.ts';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Does something that the first of these signals aborts. They end nothing until it is done, or undone. */
export async function interruptible<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T | undefined> {
  const controller = new AbortController();
  const signals = new Signals();
  signals.first.then((signal) => controller.abort(signal));
  try {
    return await work(controller.signal);
  } catch (error) {
    if (!controller.signal.aborted || !(error instanceof Error) || error.name !== 'AbortError') throw error;
    process.exitCode = signalled(await signals.first);
    return undefined;
  } finally {
    signals.leave();
  }
}

/** Listens to these signals, which end nothing meanwhile. */
export class Signals {
  readonly first: Promise<NodeJS.Signals>;
  #receive: (signal: NodeJS.Signals) => void = () => {};

  constructor() {
    this.first = new Promise((resolve) => {
      this.#receive = resolve;
    });
    for (const name of SIGNALS) process.on(name, this.#receive);
  }

  leave(): void {
    for (const name of SIGNALS) process.off(name, this.#receive);
  }
}
