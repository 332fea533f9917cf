// Compare before and after: two canvases on top of each other, with a divider that can be moved.

import { draw } from "./files.js";

// Small pictures are shown at up to this many times their size.
const MAX_MAGNIFICATION = 2;

export class Compare {
  constructor({ stage, frame }) {
    this.stage = stage;
    this.frame = frame;
    this.before = frame.querySelector(".before");
    this.after = frame.querySelector(".after");
    this.wipe = frame.querySelector(".wipe");
    this.size = [1, 1];
    this.wipe.addEventListener("input", () => this.setWipe(this.wipe.value));
    new ResizeObserver(() => this.fit()).observe(stage);
    this.setWipe(this.wipe.value);
  }

  setWipe(percent) {
    this.wipe.value = percent;
    this.frame.style.setProperty("--wipe", `${percent}%`);
    this.wipe.setAttribute("aria-valuetext", `${Math.round(percent)} % photograph`);
  }

  // Show the photograph alone while `on`, wherever the divider is.
  peek(on) {
    this.after.style.opacity = on ? 0 : 1;
  }

  showBefore(source, width, height) {
    draw(this.before, source);
    if (this.size[0] !== width || this.size[1] !== height) {
      this.size = [width, height];
      this.stage.style.setProperty("--aspect", width / height);
      this.fit();
    }
    this.frame.hidden = false;
  }

  showAfter(source) {
    draw(this.after, source);
    this.after.hidden = false;
  }

  clearAfter() {
    this.after.hidden = true;
  }

  fit() {
    const [width, height] = this.size;
    const room = this.stage.clientWidth < 600 ? 0 : 24;
    const scale = Math.min(
      (this.stage.clientWidth - 2 * room) / width,
      (this.stage.clientHeight - 2 * room) / height,
      MAX_MAGNIFICATION,
    );
    this.frame.style.width = `${Math.max(1, Math.floor(width * scale))}px`;
    this.frame.style.height = `${Math.max(1, Math.floor(height * scale))}px`;
  }
}
