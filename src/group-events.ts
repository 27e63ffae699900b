// What happens to a control group, one event after the other.

import type * as Addon from './addon.d.ts';
import { begin, type Operation } from './completions.ts';

/**
 * Something that happened to a control group or below it; see {@link Cgroup.watch}.
 *
 * - `populated`, `empty`: the first live process came, the last one went. Zombies do not count.
 * - `frozen`, `thawed`: the kernel counts every task as stopped, or no more.
 * - `removed`: the last event of all.
 * - `oom`: memory was short within the limit. `oom-kill`: a process was ended for it. `memory-max`: the limit was about to be
 *   exceeded. `pids-max`: a fork was refused. `count` is how often that has happened, not how often since the last event.
 */
export type CgroupEvent =
  | { readonly type: 'populated' | 'empty' | 'frozen' | 'thawed' | 'removed' }
  | { readonly type: 'oom' | 'oom-kill' | 'memory-max' | 'pids-max'; readonly count: bigint };

/** The events of one group, asked for as they are wanted: whoever is slow finds the latest state. @internal */
export class GroupEvents implements AsyncIterableIterator<CgroupEvent> {
  readonly #watch: Addon.Watch;
  readonly #signal: AbortSignal | undefined;
  readonly #ready: CgroupEvent[] = [];
  #operation: Operation<Addon.GroupEventRecord[]> | undefined;
  #ended = false;
  /** Those who ask at once are answered in turn. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(watch: Addon.Watch, signal: AbortSignal | undefined) {
    this.#watch = watch;
    this.#signal = signal;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<CgroupEvent, undefined>> {
    const answer = this.#turn.then(() => this.#take());
    this.#turn = answer.catch(() => {});
    return answer;
  }

  /** Ends the watch, also for those who wait for the next event. */
  async return(): Promise<IteratorResult<CgroupEvent, undefined>> {
    this.#end();
    await this.#turn;
    return { done: true, value: undefined };
  }

  async #take(): Promise<IteratorResult<CgroupEvent, undefined>> {
    if (this.#ready.length === 0 && !this.#ended) await this.#fill();
    const event = this.#ready.shift();
    return event === undefined ? { done: true, value: undefined } : { done: false, value: event };
  }

  async #fill(): Promise<void> {
    try {
      this.#operation = begin<Addon.GroupEventRecord[]>(
        (environment, id) => this.#watch.next(environment, id),
        this.#signal,
        this.next,
      );
      const events = await this.#operation.promise;
      if (this.#ended) return;
      // The addon's names come from the same closed list as this type; a test compares the two.
      this.#ready.push(...(events as CgroupEvent[]));
      if (events.some(({ type }) => type === 'removed')) this.#end();
    } catch (error) {
      // Whoever ended it is not told that it ended.
      if (this.#ended) return;
      this.#end();
      throw error;
    } finally {
      this.#operation = undefined;
    }
  }

  #end(): void {
    this.#ended = true;
    this.#operation?.cancel();
    this.#watch.close();
  }
}
