// The sample pictures, which the project's own code rendered (fast_style.scenes).

export const SAMPLES = [
  { file: "samples/lake.jpg", title: "Lake" },
  { file: "samples/still_life.jpg", title: "Still life" },
  { file: "samples/mountains.jpg", title: "Mountains" },
  { file: "samples/fruit.jpg", title: "Fruit" },
];
