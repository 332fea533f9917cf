// Service worker: the page opens without the network. Its files come from the network where that answers, else from
// the cache. Pictures and calls of the API are not kept; large files with a version keep themselves (network.js).

const CACHE = "fast_style";
const API = new URL("v1/", self.registration.scope).href;

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

// The page sends the addresses of all that it loads: of some of it before this worker stood between it and the network.
self.addEventListener("message", (event) => event.waitUntil(keep(event.data)));

function isShell(address) {
  return address.startsWith(self.registration.scope) && !address.startsWith(API) && !address.includes("version=");
}

async function keep(addresses) {
  const cache = await caches.open(CACHE);
  for (const address of addresses.filter(isShell)) {
    if (!(await cache.match(address))) await cache.add(address).catch(() => {});
  }
}

self.addEventListener("fetch", (event) => {
  if (event.request.method === "GET" && isShell(event.request.url)) event.respondWith(answer(event.request));
});

async function answer(request) {
  const cache = await caches.open(CACHE);
  try {
    const fresh = await fetch(request);
    if (fresh.status === 200) await cache.put(request, fresh.clone());
    return fresh;
  } catch (error) {
    const kept = await cache.match(request);
    if (kept) return kept;
    throw error;
  }
}
