// Take pictures that are chosen, dropped or pasted; draw, reduce and save them.

// Files of these kinds are pictures whatever the system says of them: it often has no type for HEIC and AVIF.
const NAMES = /\.(jpe?g|png|webp|gif|bmp|tiff?|hei[cf]|avif|p[pgb]m)$/i;

// Types of clipboards and systems that are certainly no picture; a file without a type may be one.
const isNoPicture = (file) => Boolean(file.type) && !file.type.startsWith("image/") && !NAMES.test(file.name);

// Take the files of an input, a paste or a drop; returns how many there are. onFiles(files): pictures, or what may be
// some; onRefused(text): why others are none.
export function take(data, { onFiles, onRefused }) {
  const files = [...(data?.files ?? [])];
  const pictures = files.filter((file) => !isNoPicture(file));
  const others = files.filter(isNoPicture);
  if (others.length) onRefused(`${others.map((file) => file.name).join(", ")}: not a picture. Pictures are JPEG, PNG, WebP, HEIC, AVIF or TIFF files.`);
  if (pictures.length) onFiles(pictures);
  return files.length;
}

// Take what is dropped on the page, or on a part of it that has a drop of its own, and mark where that would be.
// zone: what is marked; callbacks: as in `take`; target: what it may be dropped on.
export function setUpDrop(zone, callbacks, target = zone) {
  target.addEventListener("dragover", (event) => {
    zone.classList.toggle("over", !event.defaultPrevented); // else a part of it takes it
    event.preventDefault();
  });
  target.addEventListener("dragleave", (event) => {
    const stays = event.relatedTarget && (target === window || target.contains(event.relatedTarget));
    if (!stays) zone.classList.remove("over");
  });
  target.addEventListener("drop", (event) => {
    zone.classList.remove("over");
    if (event.defaultPrevented) return;
    event.preventDefault();
    if (!take(event.dataTransfer, callbacks)) callbacks.onRefused("What was dropped is no file. Save the picture first, then drop the file.");
  });
}

// callbacks: as in `take`.
export function setUpFiles({ input, buttons, drop, ...callbacks }) {
  for (const button of buttons) button.addEventListener("click", () => input.click());
  input.addEventListener("change", () => {
    take(input, callbacks);
    input.value = ""; // so that the same file can be chosen again
  });
  window.addEventListener("paste", (event) => {
    if (event.target.matches?.("input")) return;
    if (take(event.clipboardData, callbacks)) event.preventDefault();
    else callbacks.onRefused("The clipboard holds no picture.");
  });
  setUpDrop(drop, callbacks, window);
}

// Most pixels of a canvas: what every browser can hold, phones too.
const CANVAS_PX = 16_000_000;

const sizeOf = (source) => [
  source.videoWidth || source.naturalWidth || source.width,
  source.videoHeight || source.naturalHeight || source.height,
];

export function draw(canvas, source, shortSidePx = Infinity) {
  const [width, height] = sizeOf(source);
  const scale = Math.min(1, shortSidePx / Math.min(width, height), Math.sqrt(CANVAS_PX / (width * height)));
  canvas.width = Math.max(1, Math.round(width * scale));
  canvas.height = Math.max(1, Math.round(height * scale));
  const context = canvas.getContext("2d");
  context.imageSmoothingQuality = "high";
  context.drawImage(source, 0, 0, canvas.width, canvas.height);
  return canvas;
}

export const toBlob = (canvas, type, quality) => new Promise((resolve) => canvas.toBlob(resolve, type, quality));

// Return a copy with that short side as a blob; null when the picture is about as small itself.
export async function smaller(bitmap, shortSidePx, type, quality = 0.92) {
  if (shortSidePx > 0.8 * Math.min(bitmap.width, bitmap.height)) return null;
  const canvas = draw(document.createElement("canvas"), bitmap, shortSidePx);
  return toBlob(canvas, type === "image/jpeg" ? type : "image/png", quality);
}

export function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
