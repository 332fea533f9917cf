// Decode pictures: by the browser, or by the back end where the browser cannot; tell those that are too large.

import { PaintError } from "./errors.js";
import { draw, toBlob } from "./files.js";

const mega = (value) => `${(value / 1e6).toFixed(value < 1e7 ? 1 : 0)} million`;

// A picture: {file, name, bitmap, pixels, readable: by the browser}.
export class Opening {
  // network(): one of the back end's networks.
  constructor({ backend, network }) {
    Object.assign(this, { backend, network });
  }

  // Give a picture its bitmap. Raises PaintError.
  async decode(picture) {
    try {
      picture.bitmap = await createImageBitmap(picture.file);
      picture.readable = true;
    } catch {
      picture.bitmap = await this.byBackEnd(picture);
      picture.readable = false;
    }
    picture.pixels = picture.bitmap.width * picture.bitmap.height;
  }

  async byBackEnd(picture) {
    const { backend } = this;
    if (!backend.readable || !this.network()) throw new PaintError(`${picture.name} is not a picture that this browser can read`);
    this.check(picture);
    try {
      return await createImageBitmap(await backend.readable(picture.file, this.network()));
    } catch (error) {
      if (error instanceof PaintError && error.status !== 415) throw error;
      throw new PaintError(`${picture.name} is not a picture that can be read. JPEG, PNG, WebP, HEIC, AVIF and TIFF files can`);
    }
  }

  // Raise PaintError for a picture that is larger than the back end takes.
  check({ name, file, bitmap, pixels }) {
    const { limits } = this.backend;
    const help = bitmap ? "reduce" : "";
    if (file.size > limits.bytes) throw new PaintError(`${name} has ${mega(file.size)} bytes, more than the ${mega(limits.bytes)} that are taken`, help);
    if (pixels > limits.pixels) throw new PaintError(`${name} has ${mega(pixels)} pixels, more than the ${mega(limits.pixels)} that are taken`, help);
  }

  // Return a copy of a picture's file that is within the limits. Raises PaintError.
  async reduced({ bitmap, name }) {
    const { limits } = this.backend;
    const most = Math.min(0.9, Math.sqrt((0.9 * limits.pixels) / (bitmap.width * bitmap.height)));
    for (const scale of [most, most / 2, most / 4]) {
      const canvas = draw(document.createElement("canvas"), bitmap, scale * Math.min(bitmap.width, bitmap.height));
      const blob = await toBlob(canvas, "image/jpeg", 0.92);
      if (blob.size <= limits.bytes) return new File([blob], name, { type: blob.type });
    }
    throw new PaintError("It cannot be made small enough; choose a smaller picture");
  }
}

// Decoded pictures take much memory: only the one that is shown is kept.
export function release(picture) {
  picture.bitmap?.close();
  picture.bitmap = null;
}
