// Record what is shown as a clip, in a format that the browser can write.

const KINDS = ["video/mp4;codecs=avc1.42E01E", "video/webm;codecs=vp9", "video/webm;codecs=vp8", "video/webm"];
const FRAMES_PER_S = 30;
const BITS_PER_S = 8_000_000;

export const canRecord = () => Boolean(window.MediaRecorder && HTMLCanvasElement.prototype.captureStream);

export class Recorder {
  get on() {
    return this.recorder?.state === "recording";
  }

  // The clip keeps the size of its first frame, although live frames change theirs with the rate.
  start(width, height) {
    this.canvas = Object.assign(document.createElement("canvas"), { width: width & ~1, height: height & ~1 });
    this.context = this.canvas.getContext("2d");
    const mimeType = KINDS.find((kind) => MediaRecorder.isTypeSupported(kind));
    this.recorder = new MediaRecorder(this.canvas.captureStream(FRAMES_PER_S), { mimeType, videoBitsPerSecond: BITS_PER_S });
    this.parts = [];
    this.recorder.addEventListener("dataavailable", (event) => this.parts.push(event.data));
    this.recorder.start(1000);
    this.began = performance.now();
  }

  add(bitmap) {
    if (this.on) this.context.drawImage(bitmap, 0, 0, this.canvas.width, this.canvas.height);
  }

  get seconds() {
    return (performance.now() - this.began) / 1000;
  }

  // Return the clip and the ending of its name.
  async stop() {
    const { recorder } = this;
    await new Promise((resolve) => {
      recorder.addEventListener("stop", resolve);
      recorder.stop();
    });
    for (const track of recorder.stream.getTracks()) track.stop();
    const type = recorder.mimeType.split(";")[0];
    return { blob: new Blob(this.parts, { type }), ending: type === "video/mp4" ? "mp4" : "webm" };
  }
}
