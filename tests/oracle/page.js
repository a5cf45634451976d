// Runs in Chromium: decodes pictures as a page shows them, and sends their pixels to the server of this page.
"use strict";

// The limit of pixels that are sent of one picture; a larger one is drawn smaller.
const MOST_PIXELS = 40e6;

// Sends a picture, drawn on a canvas in sRGB. Answers the size at which it was sent.
async function send(picture, width, height, name) {
  const scale = Math.min(1, Math.sqrt(MOST_PIXELS / (width * height)));
  const [across, down] = [width, height].map((side) => Math.max(1, Math.round(side * scale)));
  const context = new OffscreenCanvas(across, down).getContext("2d", { colorSpace: "srgb", willReadFrequently: true });
  context.imageSmoothingQuality = "high";
  context.drawImage(picture, 0, 0, across, down);
  await fetch(`/pixels/${name}`, { method: "POST", body: context.getImageData(0, 0, across, down).data });
  return [across, down];
}

// The picture as an <img> element shows it (upright, with its profile applied), and the timing of an animation.
async function shown(url, name, type) {
  const picture = new Image();
  picture.src = url;
  await picture.decode();
  const [width, height] = [picture.naturalWidth, picture.naturalHeight];
  if (!width || !height) throw new Error("no size");
  const sent = await send(picture, width, height, name);
  // What the decoder of animations refuses, an element may show all the same.
  const still = { milliseconds: [], repeats: 0 };
  return { width, height, sent, ...(type ? await timing(url, type).catch(() => still) : still) };
}

async function decoder(url, type) {
  const data = await (await fetch(url)).arrayBuffer();
  const made = new ImageDecoder({ data, type, preferAnimation: true });
  await made.tracks.ready;
  await made.completed;
  return made;
}

// Milliseconds of each frame, and how often the animation is repeated (-1: for ever).
async function timing(url, type) {
  const images = await decoder(url, type);
  const { frameCount, repetitionCount } = images.tracks.selectedTrack;
  const milliseconds = [];
  for (let frameIndex = 0; frameIndex < frameCount && frameCount > 1; frameIndex++) {
    const { image } = await images.decode({ frameIndex });
    milliseconds.push(image.duration / 1000);
    image.close();
  }
  images.close();
  return { milliseconds, repeats: Number.isFinite(repetitionCount) ? repetitionCount : -1 };
}

async function frames(url, type, indices, name) {
  const images = await decoder(url, type);
  const sizes = [];
  for (const frameIndex of indices) {
    const { image } = await images.decode({ frameIndex });
    sizes.push(await send(image, image.displayWidth, image.displayHeight, `${name}-${frameIndex}`));
    image.close();
  }
  images.close();
  return sizes;
}

// Calls one of the functions above for Selenium. Every fault and every delay becomes an answer.
function run(call, seconds, done) {
  const late = new Promise((_, reject) => setTimeout(() => reject(new Error("too slow")), seconds * 1000));
  Promise.race([call(), late]).then((value) => done({ value }), (fault) => done({ fault: String(fault) }));
}
