// The camera's part of the page: its buttons, what is shown of the frames and of their rate, clips.

import { save } from "./files.js";
import { Live } from "./live.js";
import { Recorder, canRecord } from "./recorder.js";

const REASONS = {
  NotAllowedError: "The camera may not be used; allow it in the browser.",
  NotReadableError: "The camera is in use by another program.",
  SecurityError: "Browsers allow the camera on https:// and localhost alone.",
};

export class Camera {
  // elements: {button, record, rate}. names(): of the styles. Callbacks: begin(), before the first frame; end().
  constructor({ backend, settings, painter, viewer, notice, elements, names, begin, end }) {
    Object.assign(this, { viewer, painter, notice, elements, names, begin, end });
    this.recorder = new Recorder();
    this.live = new Live({
      backend,
      fields: () => settings.liveFields(),
      mask: () => painter.blob(),
      show: (video, bitmap) => this.show(video, bitmap),
      rate: (measured) => this.showRate(measured),
      report: (text) => notice.warn(text),
      ended: (text) => {
        this.stop();
        notice.warn(text, { text: "Start again", run: () => this.start() });
      },
    });
    elements.record.addEventListener("click", () => this.record());
  }

  get on() {
    return this.live.on;
  }

  change() {
    this.live.change();
  }

  async start() {
    const { live, notice, elements } = this;
    notice.clear();
    notice.say("Starting the camera…");
    elements.button.setAttribute("aria-pressed", true);
    try {
      await live.start();
    } catch (error) {
      this.stop();
      return notice.warn(REASONS[error.name] ?? "No camera was found.", { text: "Try again", run: () => this.start() });
    }
    notice.say("Live");
    elements.rate.textContent = "…";
    elements.rate.hidden = false;
    elements.record.hidden = !canRecord();
    this.viewer.clearAfter();
    this.viewer.fitted = true;
    this.painter.open(live.video.videoWidth, live.video.videoHeight); // without the mask of a picture
    this.begin();
  }

  stop() {
    const { button, rate, record } = this.elements;
    button.setAttribute("aria-pressed", false);
    rate.hidden = record.hidden = true;
    if (this.recorder.on) this.record();
    if (this.live.on) this.live.stop();
    this.notice.say("");
    this.end();
  }

  show(video, bitmap) {
    this.viewer.showBefore(video, video.videoWidth, video.videoHeight);
    this.viewer.showAfter(bitmap);
    this.recorder.add(bitmap);
    if (this.recorder.on) this.label(`${this.recorder.seconds.toFixed(0)} s`);
    bitmap.close();
  }

  showRate({ perSecond, latencyMs, shortSidePx }) {
    this.elements.rate.textContent = `${perSecond.toFixed(1)} frames/s · ${Math.round(latencyMs)} ms · ${shortSidePx} px`;
  }

  label(text) {
    this.elements.record.lastElementChild.textContent = text;
  }

  // Begin a clip, or end it and write it to a file.
  async record() {
    const { recorder, elements } = this;
    if (recorder.on) {
      const { blob, ending } = await recorder.stop();
      save(blob, `camera-${this.names().join("-")}.${ending}`);
      this.label("Record");
    } else if (this.on && !elements.record.hidden) recorder.start(this.viewer.after.width, this.viewer.after.height);
    elements.record.setAttribute("aria-pressed", recorder.on);
  }
}
