// Show the photograph and the painting on top of each other: zoom, pan, and a divider between before and after.

import { draw } from "./files.js";

// Small pictures are shown at up to this many times their size when the whole picture is shown.
const MAX_FITTED = 2;
// Screen pixels for a pixel of the picture.
const MAX_ZOOM = 8;
// From here on pixels are shown as squares, so that nothing is smoothed away.
const SQUARES_FROM = 3;
const STEP = 1.25;
const PAN_PX = 60;

export class Viewer {
  constructor({ stage, frame, divider, onZoom }) {
    Object.assign(this, { stage, frame, divider, onZoom });
    this.before = frame.querySelector(".before");
    this.after = frame.querySelector(".after");
    this.wipe = divider.querySelector("input");
    this.size = [1, 1]; // of the picture in px
    this.zoom = 1; // CSS px for a pixel of the picture
    this.fitted = true;
    this.at = { x: 0, y: 0 }; // of the frame's corner in the stage
    this.fingers = new Map();
    this.wipe.addEventListener("input", () => this.layout());
    for (const kind of ["pointerdown", "pointermove", "pointerup", "pointercancel"]) {
      stage.addEventListener(kind, (event) => this[kind]?.(event));
    }
    stage.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    stage.addEventListener("dblclick", (event) => this.onPicture(event) && this.toggle(event));
    new ResizeObserver(() => this.layout()).observe(stage);
  }

  showBefore(source, width, height) {
    draw(this.before, source);
    if (this.size[0] !== width || this.size[1] !== height) {
      this.size = [width, height];
      this.fitted = true;
      this.stage.style.setProperty("--aspect", width / height);
    }
    this.frame.hidden = false;
    this.layout();
  }

  showAfter(source) {
    draw(this.after, source);
    this.after.hidden = this.divider.hidden = false;
  }

  clearAfter() {
    this.after.hidden = this.divider.hidden = true; // it would divide two halves that are the same
  }

  // Show the photograph alone while `on`, wherever the divider is.
  peek(on) {
    this.after.style.opacity = on ? 0 : 1;
  }

  get whole() {
    const room = this.stage.clientWidth < 600 ? 0 : 24;
    const across = (this.stage.clientWidth - 2 * room) / this.size[0];
    const down = (this.stage.clientHeight - 2 * room) / this.size[1];
    return Math.max(1e-4, Math.min(across, down, MAX_FITTED));
  }

  // Share of the picture's size at which it is shown, in pixels of the screen: 1 is 100 %.
  get level() {
    return this.zoom * devicePixelRatio;
  }

  fit() {
    this.fitted = true;
    this.layout();
  }

  // Show at `level` (1 is 100 %); the point of the stage stays where it is.
  zoomTo(level, point = { x: this.stage.clientWidth / 2, y: this.stage.clientHeight / 2 }) {
    const next = Math.min(MAX_ZOOM, level) / devicePixelRatio;
    // Not smaller than the whole picture, or than 100 % where the whole is enlarged.
    if (next < Math.min(this.whole, 1 / devicePixelRatio) || next === this.whole) return this.fit();
    const ratio = next / this.zoom;
    this.at = { x: point.x - (point.x - this.at.x) * ratio, y: point.y - (point.y - this.at.y) * ratio };
    this.zoom = next;
    this.fitted = false;
    this.layout();
  }

  zoomBy(factor, point) {
    this.zoomTo(this.level * factor, point);
  }

  larger = () => this.zoomBy(STEP);
  smaller = () => this.zoomBy(1 / STEP);

  // From the whole picture to 100 %, or to twice where the whole is 100 %; from there back.
  toggle(event) {
    if (!this.fitted) return this.fit();
    this.zoomTo(this.level < 0.99 ? 1 : 2 * this.level, event && this.point(event));
  }

  pan(x, y) {
    this.at.x += x;
    this.at.y += y;
    this.layout();
  }

  panByKey(key) {
    const steps = { ArrowLeft: [1, 0], ArrowRight: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
    if (!this.fitted && steps[key]) this.pan(...steps[key].map((step) => step * PAN_PX));
  }

  layout() {
    if (this.frame.hidden) return;
    const room = [this.stage.clientWidth, this.stage.clientHeight];
    if (this.fitted) this.zoom = this.whole;
    const size = this.size.map((side) => Math.max(1, side * this.zoom));
    // A picture that is smaller than the stage stands in its middle; a larger one leaves no gap.
    const place = (at, i) => (size[i] <= room[i] ? (room[i] - size[i]) / 2 : Math.min(0, Math.max(room[i] - size[i], at)));
    this.at = { x: place(this.at.x, 0), y: place(this.at.y, 1) };
    const [x, y] = [Math.round(this.at.x), Math.round(this.at.y)]; // rounded here alone: many small moves add up
    Object.assign(this.frame.style, { width: `${size[0]}px`, height: `${size[1]}px`, transform: `translate(${x}px, ${y}px)` });
    this.frame.classList.toggle("squares", this.level >= SQUARES_FROM);
    this.stage.classList.toggle("zoomed", !this.fitted);
    this.layoutDivider([Math.max(0, x), Math.max(0, y)], [Math.min(room[0], x + size[0]), Math.min(room[1], y + size[1])]);
    this.onZoom(this.level);
  }

  // The divider stands in the part of the picture that is seen, so that it is in reach at every zoom.
  layoutDivider([left, top], [right, bottom]) {
    this.seen = { left, width: right - left };
    const line = left + (this.wipe.value / 100) * (right - left);
    Object.assign(this.divider.style, { left: `${line}px`, top: `${top}px`, height: `${bottom - top}px` });
    this.frame.style.setProperty("--cut", `${line - Math.round(this.at.x)}px`);
    this.wipe.setAttribute("aria-valuetext", `${Math.round(this.wipe.value)} % photograph`);
  }

  point(event) {
    const box = this.stage.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  }

  onPicture(event) {
    return Boolean(event.target.closest(".frame")) || event.target === this.stage;
  }

  wheel(event) {
    if (this.frame.hidden || event.target.closest(".brushes, .notice")) return;
    event.preventDefault();
    const speed = event.ctrlKey ? 0.01 : 0.002; // the pinch of a touch pad comes as small steps with ctrlKey
    this.zoomBy(Math.exp(-speed * event.deltaY * (event.deltaMode ? 16 : 1)), this.point(event));
  }

  pointerdown(event) {
    const onDivider = event.target.closest(".divider");
    if (!onDivider && !this.onPicture(event)) return;
    if (event.target.closest(".mask") && event.pointerType !== "touch") return; // it paints
    if (onDivider) event.preventDefault(); // the range would jump to the pointer
    this.fingers.set(event.pointerId, this.point(event));
    this.dragged = onDivider ? "divider" : "picture";
    if (!event.target.closest(".mask")) this.stage.setPointerCapture(event.pointerId);
    if (onDivider) this.wipe.focus({ preventScroll: true });
  }

  pointermove(event) {
    const from = this.fingers.get(event.pointerId);
    if (!from) return;
    const to = this.point(event);
    this.fingers.set(event.pointerId, to);
    if (this.fingers.size === 2) this.pinch(event.pointerId, from, to);
    else if (this.dragged === "divider") this.setWipe((100 * (to.x - this.seen.left)) / this.seen.width);
    else if (!this.fitted && !event.target.closest(".mask")) this.pan(to.x - from.x, to.y - from.y);
  }

  pinch(id, from, to) {
    const [other] = [...this.fingers].filter(([key]) => key !== id).map(([, point]) => point);
    const apart = (point) => Math.hypot(point.x - other.x, point.y - other.y);
    const middle = { x: (to.x + other.x) / 2, y: (to.y + other.y) / 2 };
    if (!this.fitted) this.pan((to.x - from.x) / 2, (to.y - from.y) / 2);
    this.zoomBy(apart(to) / Math.max(1, apart(from)), middle);
  }

  pointerup(event) {
    this.fingers.delete(event.pointerId);
  }

  pointercancel(event) {
    this.fingers.delete(event.pointerId);
  }

  setWipe(percent) {
    this.wipe.value = Math.min(100, Math.max(0, percent));
    this.layout();
  }
}
