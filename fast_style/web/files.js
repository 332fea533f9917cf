// Open pictures that are chosen, dropped or pasted; draw, reduce and save them.

export function setUpFiles({ input, buttons, drop, onFile }) {
  for (const button of buttons) button.addEventListener("click", () => input.click());
  input.addEventListener("change", () => {
    if (input.files[0]) onFile(input.files[0]);
    input.value = ""; // so that the same file can be chosen again
  });
  window.addEventListener("paste", (event) => take(event.clipboardData, onFile) && event.preventDefault());
  window.addEventListener("dragover", (event) => {
    event.preventDefault();
    drop.classList.add("over");
  });
  window.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) drop.classList.remove("over");
  });
  window.addEventListener("drop", (event) => {
    event.preventDefault();
    drop.classList.remove("over");
    take(event.dataTransfer, onFile);
  });
}

function take(data, onFile) {
  const file = [...(data?.files ?? [])].find((one) => one.type.startsWith("image/") || /\.tiff?$/i.test(one.name));
  if (file) onFile(file);
  return Boolean(file);
}

// Longest side of a canvas on screen, in px.
const SCREEN_PX = 2560;

export function draw(canvas, source, mostPx = SCREEN_PX) {
  const width = source.videoWidth || source.naturalWidth || source.width;
  const height = source.videoHeight || source.naturalHeight || source.height;
  const scale = Math.min(1, mostPx / Math.max(width, height));
  canvas.width = Math.max(1, Math.round(width * scale));
  canvas.height = Math.max(1, Math.round(height * scale));
  canvas.getContext("2d").drawImage(source, 0, 0, canvas.width, canvas.height);
  return canvas;
}

// Return a copy with that short side as a blob; null when the picture is about as small itself.
export async function smaller(bitmap, shortSidePx, type) {
  const scale = shortSidePx / Math.min(bitmap.width, bitmap.height);
  if (scale > 0.8) return null;
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(bitmap.width * scale));
  canvas.height = Math.max(1, Math.round(bitmap.height * scale));
  const context = canvas.getContext("2d");
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  return new Promise((resolve) => canvas.toBlob(resolve, type === "image/jpeg" ? type : "image/png", 0.92));
}

export function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
