// Paint the camera's frames, at most two at a time, at a size that reaches the target rate.

import { draw } from "./files.js";

const SHORT_SIDES_PX = [480, 400, 360, 320, 256, 208, 160];
const FIRST_LEVEL = 2;
const TARGET_PER_S = 15;
const MAX_IN_FLIGHT = 2;
// The rate is that of the frames shown in this time.
const WINDOW_MS = 2000;
const FEWEST = 3;

export class Live {
  // backend: see backend.js. fields(), mask(): the settings. Callbacks: show(video, bitmap), ended(text), report(text),
  // rate({perSecond, latencyMs, shortSidePx}).
  constructor({ backend, fields, mask, show, rate, report, ended }) {
    Object.assign(this, { backend, fields, mask, show, rate, report, ended });
    this.on = false;
    this.level = FIRST_LEVEL;
  }

  // Raises what getUserMedia raises.
  async start() {
    if (!navigator.mediaDevices) throw new DOMException("cameras need https:// or localhost", "SecurityError");
    this.camera = await navigator.mediaDevices.getUserMedia({ video: { width: 1280, height: 720 }, audio: false });
    this.video = Object.assign(document.createElement("video"), { muted: true, playsInline: true, srcObject: this.camera });
    await this.video.play();
    this.camera.getTracks()[0].addEventListener("ended", () => this.end("The camera was taken away."));
    Object.assign(this, { on: true, shown: [], latencies: [], inFlight: new Map() });
    this.link = this.backend.openLive({
      opened: () => {
        this.change();
        this.next();
      },
      frame: (bitmap, number) => this.frame(bitmap, number),
      lost: (number, text) => {
        this.answered(number);
        this.report(text);
      },
      report: (text) => this.report(text),
      closed: (text) => this.end(text),
    });
  }

  stop() {
    this.on = false;
    this.link?.close();
    for (const track of this.camera?.getTracks() ?? []) track.stop();
  }

  end(text) {
    if (!this.on) return;
    this.stop();
    this.ended(text);
  }

  async change() {
    if (this.on && this.link.ready) this.link.change(this.fields(), await this.mask());
  }

  next() {
    if (!this.on || this.inFlight.size >= MAX_IN_FLIGHT || this.waiting) return;
    this.waiting = true;
    const send = async () => {
      this.waiting = false;
      if (!this.on || !this.link.ready) return;
      const taken = performance.now();
      const canvas = draw(document.createElement("canvas"), this.video, SHORT_SIDES_PX[this.level]);
      this.inFlight.set(this.link.send(canvas), taken);
      this.next();
    };
    if (this.video.requestVideoFrameCallback) this.video.requestVideoFrameCallback(send);
    else requestAnimationFrame(send);
  }

  frame(bitmap, number) {
    // Pictures are decoded side by side: one that is ready after a newer one would go back in time.
    if (!this.on || !this.inFlight.has(number)) return bitmap.close();
    this.latencies.push(performance.now() - this.inFlight.get(number));
    this.show(this.video, bitmap);
    this.answered(number);
    this.measure();
  }

  // Those before this one were replaced by newer ones while they waited, or are too late.
  answered(number) {
    for (const sent of this.inFlight.keys()) if (sent <= number) this.inFlight.delete(sent);
    this.next();
  }

  measure() {
    const now = performance.now();
    this.shown.push(now);
    // Of a slow network the last frames count, however long they took.
    while (this.shown.length > FEWEST && now - this.shown[0] > WINDOW_MS) this.shown.shift();
    while (this.latencies.length > this.shown.length) this.latencies.shift();
    if (this.shown.length < FEWEST) return;
    const span = now - this.shown[0];
    const perSecond = (1000 * (this.shown.length - 1)) / span;
    const latencyMs = this.latencies.reduce((sum, one) => sum + one, 0) / this.latencies.length;
    this.rate({ perSecond, latencyMs, shortSidePx: SHORT_SIDES_PX[this.level] });
    if (span > 0.7 * WINDOW_MS) this.adapt(perSecond);
  }

  // Choose the size of the next frames by the rate: each step has about 0.65 of the pixels of the one before.
  adapt(perSecond) {
    const slower = Math.log(TARGET_PER_S / perSecond) / Math.log(1 / 0.65);
    const step = slower > 0.8 ? Math.round(slower) : slower < -1.1 ? -1 : 0;
    const level = Math.min(SHORT_SIDES_PX.length - 1, Math.max(0, this.level + step));
    if (level !== this.level) Object.assign(this, { shown: [], latencies: [] });
    this.level = level;
  }
}
