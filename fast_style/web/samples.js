// The sample pictures, which the project's own code rendered: fast_style.scenes.landscape(720, 960, 11) is the
// mountains, still_life(600, 800, 3) the fruit.

export const SAMPLES = [
  { file: "samples/lake.jpg", title: "Lake" },
  { file: "samples/still_life.jpg", title: "Still life" },
  { file: "samples/mountains.jpg", title: "Mountains" },
  { file: "samples/fruit.jpg", title: "Fruit" },
];
