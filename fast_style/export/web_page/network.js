// Run the network in a worker: ONNX Runtime on WebGPU where there is one, else in WebAssembly.

const FOLDER = new URL("./runtime/", self.location.href).href;
const CACHE = "fast_style";
let loading = null;

self.addEventListener("message", async ({ data }) => {
  try {
    loading ??= open(data.runtime, data.version);
    const loaded = await loading;
    const result = await run(loaded, data);
    self.postMessage({ result, on: loaded.on }, [result.buffer]);
  } catch (error) {
    loading = null; // another attempt loads again
    self.postMessage({ error: String(error.message ?? error) });
  }
});

// runtime: webgpu or wasm from the address of the page (?runtime=wasm), or null for the faster one.
async function open(runtime, version) {
  const adapter = runtime === "wasm" ? null : await self.navigator.gpu?.requestAdapter().catch(() => null);
  // A GPU that the browser emulates on the CPU is slower than WebAssembly.
  const simulated = adapter?.info?.isFallbackAdapter ?? adapter?.isFallbackAdapter;
  if (adapter && (!simulated || runtime === "webgpu")) {
    try {
      return await session("webgpu", "ort.webgpu.min.mjs", "ort-wasm-simd-threaded.asyncify.wasm", version);
    } catch (error) {
      console.warn("WebGPU cannot run this network:", error);
    }
  }
  return session("wasm", "ort.wasm.min.mjs", "ort-wasm-simd-threaded.wasm", version);
}

async function session(on, module, wasm, version) {
  const [ort, binary, model] = await Promise.all([
    import(`./runtime/${module}`),
    load(`runtime/${wasm}.gz`, version),
    load("model.onnx", version),
  ]);
  ort.env.wasm.wasmPaths = FOLDER;
  ort.env.wasm.wasmBinary = binary;
  // Threads need cross-origin isolation, which needs headers that plain static servers do not send.
  ort.env.wasm.numThreads = self.crossOriginIsolated ? Math.min(8, self.navigator.hardwareConcurrency) : 1;
  const created = await ort.InferenceSession.create(new Uint8Array(model), { executionProviders: [on], logSeverityLevel: 3 });
  return { ort, session: created, on };
}

// Return the content of a large file, from the cache after the first time; files with that version never change.
async function load(path, version) {
  const address = new URL(`./${path}?version=${version}`, self.location.href).href;
  const cache = await self.caches?.open(CACHE).catch(() => null); // absent on http:// addresses
  const kept = await cache?.match(address);
  const answer = kept ?? (await fetch(address));
  if (!answer.ok) throw new Error(`${path}: the server answered ${answer.status}`);
  if (cache && !kept) {
    for (const one of await cache.keys()) if (new URL(one.url).pathname === new URL(address).pathname) await cache.delete(one);
    await cache.put(address, answer.clone()).catch(() => {}); // no room
  }
  return unpacked(await answer.arrayBuffer());
}

// Some servers unpack .gz themselves on the way.
async function unpacked(buffer) {
  const [first, second] = new Uint8Array(buffer, 0, 2);
  if (first !== 0x1f || second !== 0x8b) return buffer;
  return new Response(new Blob([buffer]).stream().pipeThrough(new DecompressionStream("gzip"))).arrayBuffer();
}

// Stylize pixels (3, height, width), float32 in [0, 1]; blend: weight of each style. Returns pixels of the same kind.
async function run({ ort, session, on }, { pixels, width, height, blend }) {
  const inputs = { image: new ort.Tensor("float32", pixels, [1, 3, height, width]) };
  if (session.inputNames.includes("blend")) inputs.blend = new ort.Tensor("float32", blend, [1, blend.length]);
  const { stylized } = await session.run(inputs);
  const data = on === "webgpu" ? await stylized.getData() : stylized.data;
  return new Float32Array(data);
}
