// Draws media/icon.png (128 x 128): a balance that leans. From shapes, 4 x 4 samples a pixel; needs Node alone.
import { writeFileSync } from 'node:fs';
import { crc32, deflateSync } from 'node:zlib';

const SIZE = 128;
const SAMPLES = 4;
const NIGHT = [31, 42, 68];
const LIGHT = [236, 240, 248];
const AMBER = [244, 180, 62];

const segment = (ax, ay, bx, by, radius) => (x, y) => {
  const along = ((x - ax) * (bx - ax) + (y - ay) * (by - ay)) / ((bx - ax) ** 2 + (by - ay) ** 2);
  const t = Math.min(1, Math.max(0, along));
  return Math.hypot(x - ax - t * (bx - ax), y - ay - t * (by - ay)) <= radius;
};
const bowl = (cx, cy, radius) => (x, y) => y >= cy && Math.hypot(x - cx, y - cy) <= radius;
const card = (x, y) => {
  const dx = Math.max(Math.abs(x - 64) - 40, 0);
  const dy = Math.max(Math.abs(y - 64) - 40, 0);
  return Math.hypot(dx, dy) <= 22;
};

// Later shapes lie on top.
const SHAPES = [
  [card, NIGHT],
  [segment(64, 30, 64, 98, 3.2), LIGHT],
  [segment(44, 100, 84, 100, 3.6), LIGHT],
  [segment(26, 50, 102, 38, 3.2), LIGHT],
  [segment(26, 50, 15, 74, 1.5), LIGHT],
  [segment(26, 50, 37, 74, 1.5), LIGHT],
  [segment(102, 38, 91, 62, 1.5), LIGHT],
  [segment(102, 38, 113, 62, 1.5), LIGHT],
  [bowl(26, 74, 14), AMBER],
  [bowl(102, 62, 14), LIGHT],
  [segment(64, 27, 64, 27.01, 6), AMBER],
];

function pixel(px, py) {
  const sum = [0, 0, 0, 0];
  for (let s = 0; s < SAMPLES ** 2; s++) {
    const x = px + ((s % SAMPLES) + 0.5) / SAMPLES;
    const y = py + (Math.floor(s / SAMPLES) + 0.5) / SAMPLES;
    const top = SHAPES.findLast(([covers]) => covers(x, y));
    if (top) [...top[1], 255].forEach((value, at) => (sum[at] += at < 3 ? value : 255));
  }
  const covered = sum[3] / 255;
  return covered === 0 ? [0, 0, 0, 0] : [...sum.slice(0, 3).map((each) => Math.round(each / covered)), Math.round(sum[3] / SAMPLES ** 2)];
}

function chunk(type, data) {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const frame = Buffer.alloc(8);
  frame.writeUInt32BE(data.length, 0);
  frame.writeUInt32BE(crc32(body), 4);
  return Buffer.concat([frame.subarray(0, 4), body, frame.subarray(4)]);
}

const rows = Buffer.concat(
  Array.from({ length: SIZE }, (_, y) => Buffer.from([0, ...Array.from({ length: SIZE }, (_, x) => pixel(x, y)).flat()])),
);
const header = Buffer.alloc(13);
header.writeUInt32BE(SIZE, 0);
header.writeUInt32BE(SIZE, 4);
header.set([8, 6, 0, 0, 0], 8);
writeFileSync(
  new URL('../media/icon.png', import.meta.url),
  Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(rows, { level: 9 })),
    chunk('IEND', Buffer.alloc(0)),
  ]),
);
