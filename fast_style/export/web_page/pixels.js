// Convert pictures to planes (3, height, width) of float32 in [0, 1] and back; give them strength, colours and a mask.

export function toPlanes({ data, width, height }) {
  const count = width * height;
  const planes = new Float32Array(3 * count);
  for (let i = 0; i < count; i += 1) {
    for (let c = 0; c < 3; c += 1) planes[c * count + i] = data[4 * i + c] / 255;
  }
  return planes;
}

export function toImage(planes, width, height) {
  const count = width * height;
  const image = new ImageData(width, height);
  for (let i = 0; i < count; i += 1) {
    for (let c = 0; c < 3; c += 1) image.data[4 * i + c] = Math.round(255 * planes[c * count + i]);
    image.data[4 * i + 3] = 255;
  }
  return image;
}

// Luma of ITU-R BT.601, which JPEG uses too.
const luma = (r, g, b) => 0.299 * r + 0.587 * g + 0.114 * b;

// Blend a photograph into its styled picture, in place; all are ImageData of one size.
// strength: 0 is the photograph, 1 the styled picture, more exaggerates it. preserve_color: none or luminance.
// mask: grey, how much of the strength applies. blurred: the photograph as small as the network saw it; detail: how
// much of what it lacks is added again.
export function blendInto(styled, photo, { strength = 1, preserve_color = "none", mask = null, blurred = null, detail = 0 }) {
  const { data } = styled;
  const color = [0, 0, 0];
  for (let i = 0; i < data.length; i += 4) {
    for (let c = 0; c < 3; c += 1) {
      color[c] = data[i + c] + (blurred ? detail * (photo.data[i + c] - blurred.data[i + c]) : 0);
    }
    if (preserve_color === "luminance") {
      withLuma([photo.data[i], photo.data[i + 1], photo.data[i + 2]], Math.min(255, Math.max(0, luma(...color))), color);
    }
    const weight = strength * (mask ? mask.data[i] / 255 : 1);
    for (let c = 0; c < 3; c += 1) data[i + c] = photo.data[i + c] + weight * (color[c] - photo.data[i + c]); // clamps and rounds
  }
}

// Give a colour in [0, 255] another luma; its chroma is reduced where it would leave that range.
function withLuma(color, target, out) {
  const own = luma(...color);
  let scale = 1;
  for (const value of color) {
    const chroma = value - own;
    const room = chroma > 0 ? 255 - target : target;
    if (Math.abs(chroma) > 1e-4) scale = Math.min(scale, room / Math.abs(chroma));
  }
  for (let c = 0; c < 3; c += 1) out[c] = target + Math.max(0, scale) * (color[c] - own);
}
