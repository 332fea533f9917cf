// Live preview: after a change a small picture at once, then the full one; whatever is out of date is given up.

import { smaller } from "./shared/files.js";

const SMALL_PX = 288;
const WAIT_MS = 40;

export class Preview {
  // make(blob, small, signal): the stylized blob. show(blob, small), report(error) are told.
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

  // The result for the settings of now; resolves when it is there.
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
