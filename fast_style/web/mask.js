// Paint a mask with a brush: white is styled, black is the photograph.

import { toBlob } from "./files.js";
import { fill } from "./settings.js";

const TINT = [24, 22, 20];
const WORK_PX = 1024;
// States that undo can go back to.
const HISTORY = 30;
const SIZE_STEP = 2;

export class MaskPainter {
  constructor({ canvas, toolbar, onChange }) {
    this.canvas = canvas;
    this.onChange = onChange;
    this.size = toolbar.querySelector("#brush-size");
    this.removes = toolbar.querySelector("[name=brush][value=remove]");
    this.mask = document.createElement("canvas"); // white; its alpha is the strength
    this.used = false;
    this.cursor = { x: 0.5, y: 0.5 };
    canvas.addEventListener("pointerdown", (event) => this.down(event));
    canvas.addEventListener("pointermove", (event) => this.move(event));
    for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, () => this.up());
    canvas.addEventListener("keydown", (event) => this.key(event));
    canvas.addEventListener("focus", () => this.show(true));
    canvas.addEventListener("blur", () => this.show(false));
    this.undoButton = toolbar.querySelector("#mask-undo");
    this.undoButton.addEventListener("click", () => this.undo());
    this.size.addEventListener("input", () => fill(this.size));
    fill(this.size);
    toolbar.querySelector("#mask-clear").addEventListener("click", () => this.everywhere());
    toolbar.querySelector("#mask-invert").addEventListener("click", () => this.invert());
  }

  open(width, height) {
    const scale = Math.min(1, WORK_PX / Math.max(width, height));
    for (const canvas of [this.canvas, this.mask]) {
      canvas.width = Math.max(1, Math.round(width * scale));
      canvas.height = Math.max(1, Math.round(height * scale));
    }
    this.used = false;
    this.forget();
    this.show();
  }

  forget() {
    this.history = [];
    this.undoButton.disabled = true;
  }

  // Keep the mask as it is, before a change.
  remember() {
    const canvas = document.createElement("canvas");
    Object.assign(canvas, { width: this.mask.width, height: this.mask.height });
    if (this.used) canvas.getContext("2d").drawImage(this.mask, 0, 0);
    this.history.push({ canvas, used: this.used });
    if (this.history.length > HISTORY) this.history.shift();
    this.undoButton.disabled = false;
  }

  undo() {
    const before = this.history.pop();
    if (!before) return;
    const context = this.mask.getContext("2d");
    context.globalCompositeOperation = "copy";
    context.drawImage(before.canvas, 0, 0);
    this.used = before.used;
    this.undoButton.disabled = !this.history.length;
    this.changed();
  }

  resize(steps) {
    this.size.value = Number(this.size.value) + steps * SIZE_STEP;
    fill(this.size);
    this.show(true);
  }

  // Return the mask as a PNG, or null when the style applies everywhere.
  async blob() {
    if (!this.used) return null;
    const flat = document.createElement("canvas");
    Object.assign(flat, { width: this.mask.width, height: this.mask.height });
    const context = flat.getContext("2d");
    context.fillRect(0, 0, flat.width, flat.height);
    context.drawImage(this.mask, 0, 0);
    return toBlob(flat, "image/png");
  }

  everywhere() {
    if (!this.used) return;
    this.remember();
    this.used = false;
    this.changed();
  }

  invert() {
    const context = this.mask.getContext("2d");
    this.remember();
    this.begin();
    context.globalCompositeOperation = "xor";
    context.fillStyle = "white";
    context.fillRect(0, 0, this.mask.width, this.mask.height);
    this.changed();
  }

  // The first stroke begins with an empty mask when it paints, with a full one when it removes.
  begin() {
    if (this.used) return;
    const context = this.mask.getContext("2d");
    context.globalCompositeOperation = "source-over";
    context.clearRect(0, 0, this.mask.width, this.mask.height);
    context.fillStyle = "white";
    if (this.removes.checked) context.fillRect(0, 0, this.mask.width, this.mask.height);
    this.used = true;
  }

  stroke(from, to, remove = this.removes.checked) {
    this.begin();
    const context = this.mask.getContext("2d");
    context.globalCompositeOperation = remove ? "destination-out" : "source-over";
    Object.assign(context, { lineCap: "round", strokeStyle: "white", lineWidth: this.width() });
    context.beginPath();
    context.moveTo(from.x * this.mask.width, from.y * this.mask.height);
    context.lineTo(to.x * this.mask.width, to.y * this.mask.height + 0.01);
    context.stroke();
    this.show(true);
  }

  width() {
    return (this.size.value / 100) * Math.min(this.mask.width, this.mask.height);
  }

  place(event) {
    const box = this.canvas.getBoundingClientRect();
    return { x: (event.clientX - box.left) / box.width, y: (event.clientY - box.top) / box.height };
  }

  down(event) {
    if (!event.isPrimary) return this.giveUp(); // a second finger zooms
    if (event.button) return;
    this.remember();
    this.canvas.setPointerCapture(event.pointerId);
    this.cursor = this.place(event);
    this.painting = true;
    this.stroke(this.cursor, this.cursor);
  }

  move(event) {
    const to = this.place(event);
    if (this.painting) this.stroke(this.cursor, to);
    this.cursor = to;
    this.show(true);
  }

  // Take back a stroke that turned out to be the begin of a zoom.
  giveUp() {
    if (!this.painting) return;
    this.painting = false;
    this.undo();
  }

  up() {
    if (!this.painting) return;
    this.painting = false;
    this.changed();
  }

  key(event) {
    const step = event.shiftKey ? 0.08 : 0.02;
    const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const move = moves[event.key];
    if (move) {
      const clamp = (value) => Math.min(1, Math.max(0, value));
      this.cursor = { x: clamp(this.cursor.x + step * move[0]), y: clamp(this.cursor.y + step * move[1]) };
      this.show(true);
    } else if (event.key === " " || event.key.toLowerCase() === "x") {
      this.remember();
      this.stroke(this.cursor, this.cursor, event.key !== " " || this.removes.checked);
      this.changed();
    } else return;
    event.preventDefault();
  }

  changed() {
    this.show();
    this.onChange();
  }

  // Draw a veil over what stays a photograph, and the brush as a ring.
  show(ring = false) {
    const { canvas } = this;
    const context = canvas.getContext("2d");
    context.clearRect(0, 0, canvas.width, canvas.height);
    if (this.used) {
      context.fillStyle = `rgb(${TINT})`;
      context.fillRect(0, 0, canvas.width, canvas.height);
      context.globalCompositeOperation = "destination-out";
      context.drawImage(this.mask, 0, 0);
      context.globalCompositeOperation = "source-over";
    }
    if (!ring) return;
    context.beginPath();
    context.arc(this.cursor.x * canvas.width, this.cursor.y * canvas.height, this.width() / 2, 0, 2 * Math.PI);
    Object.assign(context, { strokeStyle: "white", lineWidth: canvas.width / 300 });
    context.stroke();
    Object.assign(context, { strokeStyle: "black", lineWidth: canvas.width / 900 });
    context.stroke();
  }
}
