// Preview a change: stylize a small copy, then the full picture; requests that are out of date are aborted.

import { smaller } from "./shared/files.js";

const SMALL_PX = 288;
const WAIT_MS = 40;

export class Preview {
  // make(blob, small, signal) returns the stylized blob. Callbacks: show(blob, small), report(error), busy(on).
  constructor({ make, show, report, busy }) {
    Object.assign(this, { make, show, report, busy });
    this.full = null;
  }

  async open(file, bitmap) {
    this.file = file;
    this.small = await smaller(bitmap, SMALL_PX, file.type);
    this.change();
  }

  close() {
    this.stop();
    this.file = null;
  }

  // A promise of the full result for the current settings.
  get result() {
    return this.pending;
  }

  change() {
    if (!this.file) return;
    this.stop();
    this.full = null;
    this.pending = new Promise((resolve) => (this.finished = resolve));
    this.timer = setTimeout(() => this.run(), WAIT_MS);
  }

  stop() {
    clearTimeout(this.timer);
    this.controller?.abort();
    this.busy(false);
  }

  async run() {
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
      await this.show(blob, false);
      this.full = blob;
      this.finished(blob);
    } catch (error) {
      if (!signal.aborted) this.report(error);
    } finally {
      if (this.controller === controller) this.busy(false);
    }
  }
}
