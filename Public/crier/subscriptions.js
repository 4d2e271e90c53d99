/**
 * The callers who wait for a subscription to be confirmed. Each waits for all of its topics; one that the server refuses fails the
 * whole call.
 */
export class SubscriptionWaiters {
  #waiters = new Set();

  /** @returns {Promise<{topics: string[], id: string|undefined}>} */
  wait(topics) {
    const promise = new Promise((resolve, reject) => {
      this.#waiters.add({ all: topics, left: new Set(topics), resolve, reject });
    });
    // A refusal is also an `error` event, so nobody has to look at the promise.
    promise.catch(() => {});
    return promise;
  }

  confirmed(topics, id) {
    for (const waiter of this.#waiters) {
      for (const topic of topics) waiter.left.delete(topic);
      if (waiter.left.size > 0) continue;
      this.#waiters.delete(waiter);
      waiter.resolve({ topics: waiter.all, id });
    }
  }

  refused(topics, error) {
    for (const waiter of this.#waiters) {
      if (!topics.some((topic) => waiter.left.has(topic))) continue;
      this.#waiters.delete(waiter);
      waiter.reject(error);
    }
  }

  refuseAll(error) {
    for (const waiter of this.#waiters) waiter.reject(error);
    this.#waiters.clear();
  }
}
