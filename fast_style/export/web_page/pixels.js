// Convert a canvas to planes (3, height, width) of float32 in [0, 1], and back with strength and colours.

export function toPlanes({ data, width, height }) {
  const count = width * height;
  const planes = new Float32Array(3 * count);
  for (let i = 0; i < count; i += 1) {
    for (let c = 0; c < 3; c += 1) planes[c * count + i] = data[4 * i + c] / 255;
  }
  return planes;
}

// Luma of ITU-R BT.601, which JPEG uses too.
const luma = (r, g, b) => 0.299 * r + 0.587 * g + 0.114 * b;

// Blend two planes into an image. strength: 0 is photo, 1 is styled, more exaggerates it. colours: none, luminance.
export function toImage(photo, styled, width, height, strength, colours) {
  const count = width * height;
  const image = new ImageData(width, height);
  const before = [0, 0, 0];
  const after = [0, 0, 0];
  for (let i = 0; i < count; i += 1) {
    for (let c = 0; c < 3; c += 1) {
      before[c] = photo[c * count + i];
      after[c] = styled[c * count + i];
    }
    if (colours === "luminance") withLuma(before, luma(...after), after);
    for (let c = 0; c < 3; c += 1) {
      image.data[4 * i + c] = Math.round(255 * (before[c] + strength * (after[c] - before[c])));
    }
    image.data[4 * i + 3] = 255;
  }
  return image;
}

// Give a colour another luma; its chroma is reduced where it would leave [0, 1].
function withLuma(color, target, out) {
  const own = luma(...color);
  let scale = 1;
  for (const value of color) {
    const chroma = value - own;
    const room = chroma > 0 ? 1 - target : target;
    if (Math.abs(chroma) > 1e-6) scale = Math.min(scale, room / Math.abs(chroma));
  }
  for (let c = 0; c < 3; c += 1) out[c] = target + Math.max(0, scale) * (color[c] - own);
}
