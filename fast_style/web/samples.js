// The sample pictures, which the project's own code rendered: fast_style.scenes.landscape(720, 960, 11, winter=True)[:560]
// is the mountains, still_life(600, 800, 3, bowl=True) the fruit; painted: by the networks wave, scream, starry_night, udnie.

export const SAMPLES = [
  { file: "samples/lake.jpg", painted: "samples/lake_painted.jpg", title: "Lake" },
  { file: "samples/still_life.jpg", painted: "samples/still_life_painted.jpg", title: "Still life" },
  { file: "samples/mountains.jpg", painted: "samples/mountains_painted.jpg", title: "Mountains" },
  { file: "samples/fruit.jpg", painted: "samples/fruit_painted.jpg", title: "Fruit" },
];
