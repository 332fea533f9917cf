// Run the network in a worker: ONNX Runtime on WebGPU where there is one, else in WebAssembly.

const FOLDER = new URL("./runtime/", self.location.href).href;
let loading = null;

self.addEventListener("message", async ({ data }) => {
  try {
    loading ??= open(data.runtime);
    const loaded = await loading;
    const result = await run(loaded, data);
    self.postMessage({ id: data.id, result, on: loaded.on }, [result.buffer]);
  } catch (error) {
    self.postMessage({ id: data.id, error: String(error.message ?? error) });
  }
});

// runtime: webgpu or wasm from the address of the page (?runtime=wasm), or null for the faster one.
async function open(runtime) {
  const adapter = runtime === "wasm" ? null : await self.navigator.gpu?.requestAdapter().catch(() => null);
  // A GPU that the browser emulates on the CPU is slower than WebAssembly.
  const simulated = adapter?.info?.isFallbackAdapter ?? adapter?.isFallbackAdapter;
  if (adapter && (!simulated || runtime === "webgpu")) {
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
  // Threads need cross-origin isolation, which needs headers that plain static servers do not send.
  ort.env.wasm.numThreads = self.crossOriginIsolated ? Math.min(8, self.navigator.hardwareConcurrency) : 1;
  const loaded = await ort.InferenceSession.create("model.onnx", { executionProviders: [on], logSeverityLevel: 3 });
  return { ort, session: loaded, on };
}

// Stylize pixels (3, height, width), float32 in [0, 1]; blend: weight of each style. Returns pixels of the same kind.
async function run({ ort, session, on }, { pixels, width, height, blend }) {
  const inputs = { image: new ort.Tensor("float32", pixels, [1, 3, height, width]) };
  if (session.inputNames.includes("blend")) inputs.blend = new ort.Tensor("float32", blend, [1, blend.length]);
  const { stylized } = await session.run(inputs);
  const data = on === "webgpu" ? await stylized.getData() : stylized.data;
  return new Float32Array(data);
}
