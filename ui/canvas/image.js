// Levels over time and frequency as an image: unpacking, pixels, colours.
(() => {
  "use strict";

  const NOTHING = -1; // a pixel beside the image

  // Every fifth colour of matplotlib's tables of 256.
  const MAPS = {
    cividis:
      "00224d00265500295e002c6700307008337016366f1f3a6e273d6d2e416c34446c39486c3f4b6b" +
      "444f6b49526b4e566c52596c575d6d5b606e60646e64676f686b716d6e72717273757575797977" +
      "7e7d788380788784788c8878918c77968f779b9376a09775a59b73aa9f72afa370b4a76fb9ab6d" +
      "beb06ac4b468c9b865cebc62d4c15ed9c55adfca56e4ce51ead34cefd846f5dc3ffbe136fde737",
    magma:
      "00000301010b04041509071f0e0a2a140d351a104120114d281159301065390f6e420f744a1079" +
      "52127c5a157e61187f691c80711f81792281812581892881912a80992d7fa12f7ea9327cb1357a" +
      "b93778c23a75ca3e72d1426ed9466ae04b66e65162ec585ff0605df4685bf7715bf97b5dfb8460" +
      "fc8e63fd9768fda16efeaa74feb37bfebc82fec689fdcf92fdd89afde1a3fceaacfcf3b5fbfcbf",
    viridis:
      "44015445085b470f62471669481d6f482374472a7946307d453681433c844142863e48883c4d8a" +
      "3a538b37588c355d8c32628d30678d2e6c8e2c718e2a768e287a8e267f8e24848d23898d218d8c" +
      "1f928c1e978a1e9b891ea08720a58523a98228ae7f2eb27c35b7783dbb7445bf6f4fc36959c764" +
      "64cb5d70ce567cd24f88d54795d73fa2da37afdc2ebdde26cae01ed7e219e4e318f1e51cfde724",
    grey: "000000ffffff",
  };

  /** 256 colours [red, green, blue] of a map, dark to bright. */
  function coloursOf(name) {
    const anchors = (MAPS[name] ?? MAPS.cividis).match(/../g).map((two) => parseInt(two, 16));
    const n_gaps = anchors.length / 3 - 1;
    return Array.from({ length: 256 }, (_, i) => {
      const place = (i / 255) * n_gaps;
      const k = Math.min(Math.floor(place), n_gaps - 1);
      return [0, 1, 2].map((c) => {
        const [one, next] = [anchors[3 * k + c], anchors[3 * k + 3 + c]];
        return Math.round(one + (place - k) * (next - one));
      });
    });
  }

  const bytesOf = (text) =>
    Uint8Array.fromBase64?.(text) ?? Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));

  /** The bytes of an image layer, lowest row first: read piece by piece, which waits for
   * nothing else that the page has to do, as a `Response` would. */
  async function unpacked(image) {
    const { writable, readable } = new DecompressionStream("deflate");
    const writer = writable.getWriter();
    const written = [writer.write(bytesOf(image.levels)), writer.close()];
    for (const each of written) each.catch(() => {}); // the reader meets the same error
    const bytes = new Uint8Array(image.n_columns * image.frequencies_hz.length);
    const reader = readable.getReader();
    let n = 0;
    for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
      n += piece.value.length;
      if (n <= bytes.length) bytes.set(piece.value, n - piece.value.length);
    }
    if (n !== bytes.length) throw new Error("an image of another size than it says");
    return bytes;
  }

  /** First of the rising `values` that is not below `limit`. */
  function firstFrom(values, limit) {
    let [low, high] = [0, values.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (values[middle] < limit) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** For each pixel row, the bottom one first, the rows [start, stop) that it shows.

      Those whose centres it holds, as audio/transforms/pixels.py has it, or else the nearest one;
      nothing where the image has ended. */
  function rowShares(frequencies_hz, ruler, n_rows) {
    const last = frequencies_hz.length - 1;
    const middles_hz = frequencies_hz.slice(1).map((hz, i) => (hz + frequencies_hz[i]) / 2);
    const [f, l] = [frequencies_hz[0], frequencies_hz[last]];
    const bottom_hz = f - 1.5 * (frequencies_hz[Math.min(1, last)] - f);
    const top_hz = l + 1.5 * (l - frequencies_hz[Math.max(0, last - 1)]);
    const edges_hz = Array.from({ length: n_rows + 1 }, (_, i) => ruler.value(n_rows - i));
    return Array.from({ length: n_rows }, (_, i) => {
      const isTop = i === n_rows - 1; // its upper edge belongs to it
      const start = firstFrom(frequencies_hz, edges_hz[i]);
      const stop = firstFrom(frequencies_hz, edges_hz[i + 1] * (isTop ? 1 + 1e-9 : 1));
      if (start < stop) return [start, stop];
      const middle_hz = (edges_hz[i] + edges_hz[i + 1]) / 2;
      if (last && (middle_hz < bottom_hz || middle_hz > top_hz)) return null;
      const nearest = firstFrom(middles_hz, middle_hz);
      return [nearest, nearest + 1];
    });
  }

  /** For each pixel column the columns [start, stop) that it shows, or null. */
  function columnShares(image, ruler, n_columns) {
    const column = (pixel) => columnAt(image, ruler.value(pixel));
    return Array.from({ length: n_columns }, (_, i) => {
      const start = column(i);
      if (start < 0 || start >= image.n_columns) return null;
      return [start, Math.min(Math.max(column(i + 1), start + 1), image.n_columns)];
    });
  }

  /** The column that stands for a time; outside of the image, one that it lacks. */
  function columnAt(image, time_s) {
    const share = (time_s - image.start_s) / (image.stop_s - image.start_s);
    return Math.floor(share * image.n_columns + 1e-6);
  }

  /** What a canvas's pixels show, (height * width) bytes, top row first: the loudest. */
  function pooled(image, bytes, xAxis, yAxis, width, height) {
    const columns = columnShares(image, xAxis, width);
    const rows = rowShares(image.frequencies_hz, yAxis, height);
    const pixels = new Int16Array(width * height).fill(NOTHING);
    const loudest = new Uint8Array(image.n_columns);
    rows.forEach((share, i) => {
      if (!share) return;
      loudest.fill(0);
      for (let at = share[0] * image.n_columns; at < share[1] * image.n_columns; )
        for (let c = 0; c < image.n_columns; c++, at++)
          if (bytes[at] > loudest[c]) loudest[c] = bytes[at];
      const row = (height - 1 - i) * width;
      columns.forEach((range, k) => {
        if (!range) return;
        let level = 0;
        for (let c = range[0]; c < range[1]; c++) if (loudest[c] > level) level = loudest[c];
        pixels[row + k] = level;
      });
    });
    return pixels;
  }

  /** Pixels in their colours, as a canvas of that size. */
  function coloured(image, pixels, width, height, colours, limits) {
    const canvas = document.createElement("canvas");
    Object.assign(canvas, { width, height });
    const pen = canvas.getContext("2d");
    const data = pen.createImageData(width, height);
    const words = new Uint32Array(data.data.buffer);
    const table = Uint32Array.from({ length: 256 }, (_, byte) => {
      const [red, green, blue] = colours[shade(valueOfByte(image, byte), limits)];
      return ((255 << 24) | (blue << 16) | (green << 8) | red) >>> 0;
    });
    pixels.forEach((byte, i) => {
      if (byte !== NOTHING) words[i] = table[byte];
    });
    pen.putImageData(data, 0, 0);
    return canvas;
  }

  /** Which of the 256 colours stands for a value. */
  function shade(value, [low, high]) {
    const share = (value - low) / (high - low);
    return Math.min(255, Math.max(0, Math.floor(share * 256)));
  }

  /** The value of a byte of an image; byte 0 is anything lower than this. */
  const valueOfByte = ({ bottom, step }, byte) => bottom + byte * step;

  /** The byte of an image at a time and a frequency; undefined outside. */
  function byteAt(image, bytes, time_s, hz) {
    const column = columnAt(image, time_s);
    if (column < 0 || column >= image.n_columns) return undefined;
    return bytes[nearestRow(image, hz) * image.n_columns + column];
  }

  function nearestRow({ frequencies_hz }, hz) {
    const next = firstFrom(frequencies_hz, hz);
    if (next === 0) return 0;
    if (next === frequencies_hz.length) return next - 1;
    return hz - frequencies_hz[next - 1] <= frequencies_hz[next] - hz ? next - 1 : next;
  }

  Genrescope.image = {
    MAPS, coloursOf, unpacked, pooled, coloured, valueOfByte, byteAt, columnAt,
  };
})();
