// Keeps a view up to date: waits for a change where the gateway offers that, else looks again when the page has had its
// time, and after a failure only after a while. One request at a time, and none while nobody looks.

const WAIT_S = 30; // The gateway cuts it to what its front bears.
const LEAST_S = 2;
const POLL_S = [5, 30];
const BACK_OFF_S = [2, 60];

const within = ([least, most], value) => Math.min(most, Math.max(least, value));
const jittered = (seconds) => seconds * (0.85 + 0.3 * Math.random());

// `read({etag, wait, force, signal})` brings a page, shows it and returns its facts; `failed(problem, nextAt)` hears why
// there is none, and when the next try is by performance.now(), null for none: after a problem that `isFinal` nothing is
// asked until go() is called.
export class Live {
  #run = null;
  #wake = () => {};

  constructor({ read, failed, isFinal }) {
    Object.assign(this, { read, failed, isFinal });
  }

  // Begins, or begins again, with `force` by a page that is fetched from now on.
  go({ force = false, etag = null } = {}) {
    this.stop();
    this.#run = new AbortController();
    this.#loop(this.#run.signal, force, etag);
  }

  stop() {
    this.#run?.abort();
    this.#run = null;
    this.#wake();
  }

  async #loop(signal, force, etag) {
    let failures = 0;
    while (!signal.aborted) {
      const began = performance.now();
      let pauseS;
      try {
        const wait = etag && !force ? WAIT_S : 0;
        const facts = await this.read({ etag, wait, force, signal });
        if (signal.aborted) return;
        [failures, force, etag] = [0, false, facts.etag];
        const spentS = (performance.now() - began) / 1000;
        pauseS = facts.waited ? LEAST_S - spentS : wait || !etag ? jittered(within(POLL_S, facts.maxAgeS + 1)) : 0;
      } catch (problem) {
        if (signal.aborted) return;
        failures += 1;
        pauseS = Math.max(jittered(within(BACK_OFF_S, 2 ** failures)), Math.min(problem.retryAfterS ?? 0, 300));
        if (this.isFinal(problem)) {
          this.#run = null;
          this.failed(problem, null);
          return;
        }
        this.failed(problem, performance.now() + pauseS * 1000);
      }
      await this.#sleep(pauseS);
    }
  }

  #sleep(seconds) {
    if (seconds <= 0) return null;
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, seconds * 1000);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
