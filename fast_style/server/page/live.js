// Send the camera's frames through the stream, at most two at a time, at a size that reaches the target rate.

import { openStream } from "./api.js";

const SHORT_SIDES_PX = [480, 400, 320, 256, 208, 160];
const TARGET_PER_S = 12;
const MAX_IN_FLIGHT = 2;
// The rate is that of the frames shown in this time.
const WINDOW_MS = 2000;

export class Live {
  // fields(), mask(): the settings. Callbacks: show(video, bitmap), rate(perSecond, shortSidePx), report(text), ended(text).
  constructor({ fields, mask, show, rate, report, ended }) {
    Object.assign(this, { fields, mask, show, rate, report, ended });
    this.on = false;
    this.level = 3;
  }

  async start() {
    this.camera = await navigator.mediaDevices.getUserMedia({ video: { width: 1280, height: 720 }, audio: false });
    this.video = Object.assign(document.createElement("video"), { muted: true, playsInline: true, srcObject: this.camera });
    await this.video.play();
    this.on = true;
    this.shown = [];
    this.inFlight = 0;
    this.socket = openStream();
    this.socket.addEventListener("message", (event) => this.message(event.data));
    this.socket.addEventListener("close", (event) => this.closed(event));
    this.socket.addEventListener("open", () => {
      this.change();
      this.next();
    });
  }

  stop() {
    this.on = false;
    this.socket?.close();
    for (const track of this.camera?.getTracks() ?? []) track.stop();
    this.blob = null;
  }

  async change() {
    if (!this.on || this.socket.readyState !== WebSocket.OPEN) return;
    const { feather, ...fields } = this.fields();
    const blob = await this.mask();
    const masks = blob ? { "": await base64(blob) } : undefined;
    this.socket.send(JSON.stringify({ ...fields, strength: Number(fields.strength), feather: Number(feather), masks }));
  }

  next() {
    if (!this.on || this.inFlight >= MAX_IN_FLIGHT) return;
    this.inFlight += 1;
    const send = async () => {
      const canvas = this.frame();
      const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", 0.85));
      if (this.on && this.socket.readyState === WebSocket.OPEN) this.socket.send(blob);
      this.next();
    };
    if (this.video.requestVideoFrameCallback) this.video.requestVideoFrameCallback(send);
    else requestAnimationFrame(send);
  }

  frame() {
    const { videoWidth: width, videoHeight: height } = this.video;
    const scale = SHORT_SIDES_PX[this.level] / Math.min(width, height);
    const canvas = Object.assign(document.createElement("canvas"), {
      width: Math.round(width * scale),
      height: Math.round(height * scale),
    });
    canvas.getContext("2d").drawImage(this.video, 0, 0, canvas.width, canvas.height);
    return canvas;
  }

  async message(data) {
    if (typeof data === "string") {
      const about = JSON.parse(data);
      if (about.type === "error") this.report(about.error);
      // A frame that a newer one replaced has no answer of its own.
      if (about.type === "frame") this.inFlight -= about.dropped - (this.dropped ?? 0);
      if (about.type === "frame") this.dropped = about.dropped;
      if (about.type === "error" && "frame" in about) this.answered();
      return;
    }
    this.blob = new Blob([data], { type: "image/jpeg" });
    const bitmap = await createImageBitmap(this.blob);
    if (!this.on) return;
    this.show(this.video, bitmap);
    this.measure();
    this.answered();
  }

  answered() {
    this.inFlight -= 1;
    this.next();
  }

  measure() {
    const now = performance.now();
    this.shown.push(now);
    while (now - this.shown[0] > WINDOW_MS) this.shown.shift();
    const span = now - this.shown[0];
    if (this.shown.length < 3) return;
    const perSecond = (1000 * (this.shown.length - 1)) / span;
    this.rate(perSecond, SHORT_SIDES_PX[this.level]);
    if (span < 0.7 * WINDOW_MS) return;
    const step = perSecond < 0.6 * TARGET_PER_S ? 1 : perSecond > 1.7 * TARGET_PER_S ? -1 : 0;
    const level = Math.min(SHORT_SIDES_PX.length - 1, Math.max(0, this.level + step));
    if (level !== this.level) this.shown = [];
    this.level = level;
  }

  closed(event) {
    if (!this.on) return;
    this.stop();
    this.ended(event.reason || "the live stream was closed by the service");
  }
}

async function base64(blob) {
  const bytes = new Uint8Array(await blob.arrayBuffer());
  let text = "";
  for (let i = 0; i < bytes.length; i += 32_768) text += String.fromCharCode(...bytes.subarray(i, i + 32_768));
  return btoa(text);
}
