// Preview a change: paint a small copy, then the full picture; work that is out of date is aborted.

import { smaller } from "./files.js";

const SMALL_PX = 288;
const WAIT_MS = 40;

export class Preview {
  // make(blob, small, signal) returns the painted blob. Callbacks: show(blob, small), report(error), busy(on).
  constructor({ make, show, report, busy }) {
    Object.assign(this, { make, show, report, busy });
    this.full = null;
  }

  async open(file, bitmap) {
    this.close();
    const opened = (this.opened = {});
    const small = await smaller(bitmap, SMALL_PX, file.type);
    if (this.opened !== opened) return; // another one meanwhile
    this.file = file;
    this.small = small;
    this.change();
  }

  close() {
    this.stop();
    this.file = this.full = this.opened = null;
  }

  // A promise of the full result for the current settings; rejected when it cannot be made.
  get result() {
    return this.full ? Promise.resolve(this.full) : this.pending;
  }

  change() {
    if (!this.file) return;
    this.stop();
    this.full = null;
    this.pending = new Promise((resolve, reject) => (this.settle = { resolve, reject }));
    this.pending.catch(() => {}); // it is reported where it happens
    this.timer = setTimeout(() => this.run(this.settle), WAIT_MS);
  }

  stop() {
    clearTimeout(this.timer);
    this.controller?.abort();
    this.busy(false);
  }

  async run({ resolve, reject }) {
    const controller = (this.controller = new AbortController());
    const { signal } = controller;
    this.busy(true);
    try {
      if (this.small) {
        const blob = await this.make(this.small, true, signal);
        if (!signal.aborted) await this.show(blob, true);
      }
      if (signal.aborted) return;
      const blob = await this.make(this.file, false, signal);
      if (signal.aborted) return;
      this.full = blob;
      await this.show(blob, false);
      resolve(blob);
    } catch (error) {
      reject(error);
      if (!signal.aborted) this.report(error);
    } finally {
      if (this.controller === controller) this.busy(false);
    }
  }
}
