// Paint the user's own photo in every style, small and in the background, for the thumbnails.

import { fastest } from "./paintings.js";
import { smaller, toBlob, draw } from "./files.js";

const SIDE_PX = 160;

export class Thumbnails {
  constructor({ paintings, backend }) {
    Object.assign(this, { paintings, backend });
  }

  // Show the samples again, until `paint` is called.
  open(bitmap) {
    this.stop();
    this.bitmap = bitmap;
  }

  stop() {
    this.controller?.abort();
    this.bitmap = null;
  }

  // Paint all, one after the other; a picture is painted once, however often this is called.
  async paint() {
    if (!this.bitmap) return;
    const { signal } = (this.controller = new AbortController());
    const { bitmap } = this;
    this.bitmap = null;
    const photo = (await smaller(bitmap, SIDE_PX, "image/jpeg")) ?? (await toBlob(draw(document.createElement("canvas"), bitmap), "image/png"));
    for (const painting of this.paintings.all) {
      if (signal.aborted) return;
      const { model, name } = fastest(painting);
      const fields = { model, parts: [{ name, weight: 1 }], strokes: "fine", noise: 0, format: "jpeg", quality: 85 };
      try {
        const blob = await this.backend.paint(photo, fields, { signal, background: true });
        if (!signal.aborted) this.paintings.setPicture(painting.key, URL.createObjectURL(blob));
      } catch {
        // The picture itself tells what is wrong; a thumbnail keeps what it shows.
      }
    }
  }
}
