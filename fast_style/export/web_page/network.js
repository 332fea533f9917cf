// The network in a thread of its own: ONNX Runtime on WebGPU where there is one, else WebAssembly.

const FOLDER = new URL("./runtime/", self.location.href).href;
let loading = null;

self.addEventListener("message", async ({ data }) => {
  try {
    loading ??= open(data.gpu);
    const loaded = await loading;
    const result = await run(loaded, data);
    self.postMessage({ id: data.id, result, on: loaded.on }, [result.buffer]);
  } catch (error) {
    self.postMessage({ id: data.id, error: String(error.message ?? error) });
  }
});

async function open(gpu) {
  if (gpu && (await self.navigator.gpu?.requestAdapter().catch(() => null))) {
    try {
      return await session("./runtime/ort.webgpu.min.mjs", "webgpu");
    } catch (error) {
      console.warn("WebGPU cannot run this network:", error);
    }
  }
  return session("./runtime/ort.wasm.min.mjs", "wasm");
}

async function session(module, on) {
  const ort = await import(module);
  ort.env.wasm.wasmPaths = FOLDER;
  // Threads need a page that is isolated from others, which a plain static server's is not.
  ort.env.wasm.numThreads = self.crossOriginIsolated ? Math.min(8, self.navigator.hardwareConcurrency) : 1;
  ort.env.logLevel = "error";
  const loaded = await ort.InferenceSession.create("model.onnx", { executionProviders: [on] });
  return { ort, session: loaded, on };
}

// pixels: (3, height, width) float32 in [0, 1]; blend: weights of the styles. Returns the like of pixels.
async function run({ ort, session, on }, { pixels, width, height, blend }) {
  const inputs = { image: new ort.Tensor("float32", pixels, [1, 3, height, width]) };
  if (session.inputNames.includes("blend")) inputs.blend = new ort.Tensor("float32", blend, [1, blend.length]);
  const { stylized } = await session.run(inputs);
  const data = on === "webgpu" ? await stylized.getData() : stylized.data;
  return new Float32Array(data);
}
