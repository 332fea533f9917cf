// Write a ZIP archive of files that are compressed already, as pictures are (PKWARE APPNOTE 6.3, method 0: stored).

const CRC = Uint32Array.from({ length: 256 }, (_, n) => {
  for (let bit = 0; bit < 8; bit += 1) n = n & 1 ? (n >>> 1) ^ 0xedb88320 : n >>> 1;
  return n;
});

function crc32(bytes) {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = CRC[(crc ^ byte) & 255] ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}

// Names are UTF-8.
const UTF8 = 0x0800;

// The fields that a file's own header and its line in the directory share, from the version that is needed on.
function common({ name, bytes, crc }, date) {
  const view = new DataView(new ArrayBuffer(26));
  const time = (date.getHours() << 11) | (date.getMinutes() << 5) | (date.getSeconds() >> 1);
  const day = ((date.getFullYear() - 1980) << 9) | ((date.getMonth() + 1) << 5) | date.getDate();
  [20, UTF8, 0, time, day].forEach((value, i) => view.setUint16(2 * i, value, true));
  [crc, bytes.length, bytes.length].forEach((value, i) => view.setUint32(10 + 4 * i, value, true));
  view.setUint16(22, name.length, true);
  return new Uint8Array(view.buffer);
}

const words = (...values) => new Uint8Array(new Uint32Array(values).buffer); // browsers run on little-endian machines
const shorts = (...values) => new Uint8Array(new Uint16Array(values).buffer);

// files: [{name, blob}]; equal names get a number. Returns the archive as a blob.
export async function zip(files, date = new Date()) {
  const parts = [];
  const directory = [];
  let at = 0;
  for (const { name, blob } of distinct(files)) {
    const bytes = new Uint8Array(await blob.arrayBuffer());
    const entry = { name: new TextEncoder().encode(name), bytes, crc: crc32(bytes) };
    const head = common(entry, date);
    parts.push(words(0x04034b50), head, entry.name, bytes);
    directory.push(words(0x02014b50), shorts(20), head, shorts(0, 0, 0), words(0, at), entry.name);
    at += 30 + entry.name.length + bytes.length;
  }
  const length = directory.reduce((sum, part) => sum + part.length, 0);
  const end = [words(0x06054b50), shorts(0, 0, files.length, files.length), words(length, at), shorts(0)];
  return new Blob([...parts, ...directory, ...end], { type: "application/zip" });
}

function distinct(files) {
  const seen = new Map();
  return files.map(({ name, blob }) => {
    const count = (seen.get(name) ?? 0) + 1;
    seen.set(name, count);
    return { name: count === 1 ? name : name.replace(/(\.[^.]*)?$/, ` (${count})$1`), blob };
  });
}
