/** Draws how a village's costs grow with its size, as SVG. */

export interface GrowthRow {
  readonly nodes: number;
  /** Of gossip, 200 ms each, until everybody knows of a newcomer. */
  readonly rounds: number;
  readonly bytes_per_node_s: number;
}

const WIDTH = 640;
const HEIGHT = 320;
const MARGIN = Object.freeze({ left: 56, right: 72, top: 36, bottom: 44 });

/** Rounds and traffic over the number of members, which has a logarithmic axis. */
export function drawGrowth(rows: readonly GrowthRow[]): string {
  const sizes = rows.map(({ nodes }) => nodes);
  const [low, high] = [Math.log(Math.min(...sizes)), Math.log(Math.max(...sizes))];
  const x = (nodes: number) =>
    MARGIN.left +
    (Math.log(nodes) - low) / (high - low || 1) * (WIDTH - MARGIN.left - MARGIN.right);
  const curves = [
    { name: "rounds until all know a newcomer", colour: "#1f77b4", side: "left", of: rounds },
    { name: "bytes a member and second", colour: "#d62728", side: "right", of: bytes },
  ] as const;
  const parts = curves.map(({ name, colour, side, of }, index) => {
    const top = niceAbove(Math.max(...rows.map(of)));
    const y = (value: number) =>
      HEIGHT - MARGIN.bottom - value / top * (HEIGHT - MARGIN.top - MARGIN.bottom);
    const points = rows.map((row) => `${at(x(row.nodes))},${at(y(of(row)))}`);
    const dots = rows.map((row) =>
      `<circle cx="${at(x(row.nodes))}" cy="${at(y(of(row)))}" r="3" fill="${colour}"/>`
    );
    const labelX = side === "left" ? MARGIN.left - 8 : WIDTH - MARGIN.right + 8;
    const anchor = side === "left" ? "end" : "start";
    const ticks = [0, 0.25, 0.5, 0.75, 1].map((share) =>
      `<text x="${labelX}" y="${at(y(share * top) + 4)}" text-anchor="${anchor}" fill="${colour}">${
        at(share * top)
      }</text>`
    );
    const legend = `<text x="${MARGIN.left + index * 280}" y="20" fill="${colour}">${name}</text>`;
    const line = `<polyline points="${points.join(" ")}" fill="none" stroke="${colour}" ` +
      `stroke-width="2"/>`;
    return [legend, line, ...dots, ...ticks].join("\n");
  });
  const axis = sizes.map((nodes) =>
    `<text x="${at(x(nodes))}" y="${
      HEIGHT - MARGIN.bottom + 18
    }" text-anchor="middle">${nodes}</text>`
  );
  const baseline = HEIGHT - MARGIN.bottom;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" ` +
    `font-family="sans-serif" font-size="12">
<rect width="${WIDTH}" height="${HEIGHT}" fill="white"/>
<line x1="${MARGIN.left}" y1="${baseline}" x2="${
      WIDTH - MARGIN.right
    }" y2="${baseline}" stroke="#999"/>
${axis.join("\n")}
<text x="${WIDTH / 2}" y="${HEIGHT - 8}" text-anchor="middle">members</text>
${parts.join("\n")}
</svg>
`;
}

function rounds(row: GrowthRow): number {
  return row.rounds;
}

function bytes(row: GrowthRow): number {
  return row.bytes_per_node_s;
}

/** The next of 1, 2, 2.5, 5 times a power of ten. */
function niceAbove(value: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(value, 1)));
  return [1, 2, 2.5, 5, 10].map((factor) => factor * power).find((each) => each >= value) ?? value;
}

/** To a tenth. */
function at(value: number): string {
  return String(Math.round(value * 10) / 10);
}
