/** One row of a chart. */
export interface Bar {
  readonly name: string;
  readonly value: number;
  readonly label: string;
  readonly ours: boolean;
}

/** Bars that are compared with each other. */
export interface BarGroup {
  readonly title: string;
  readonly bars: readonly Bar[];
}

const WIDTH = 760;
const NAMES = 270;
const LABELS = 80;
const ROW = 24;
const TITLE = 58;
const GROUP = 34;

/** Horizontal bars, one group under the other, each group with a scale of its own, as SVG. */
export function chart(
  title: string,
  unit: string,
  groups: readonly BarGroup[],
): string {
  const parts: string[] = [];
  let y = TITLE;
  for (const { title, bars } of groups) {
    const most = Math.max(...bars.map(({ value }) => value));
    parts.push(
      `<text class="group" x="0" y="${y + 20}">${escape(title)}</text>`,
    );
    y += GROUP;
    for (const { name, value, label, ours } of bars) {
      const width = Math.max(1.5, value / most * (WIDTH - NAMES - LABELS));
      parts.push(
        `<text class="name${ours ? " ours" : ""}" x="${NAMES - 10}" y="${y + 15}">${
          escape(name)
        }</text>`,
        `<rect class="${ours ? "our" : "their"}-bar" x="${NAMES}" y="${y + 3}" rx="3" ` +
          `width="${width.toFixed(1)}" height="${ROW - 8}"/>`,
        `<text class="label" x="${(NAMES + width + 7).toFixed(1)}" y="${y + 15}">${
          escape(label)
        }</text>`,
      );
      y += ROW;
    }
    y += 8;
  }
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${y}" width="${WIDTH}" height="${y}" role="img" aria-label="${
    escape(title)
  }">
<style>
  text { font: 13px system-ui, sans-serif; fill: #57606a; }
  .title { font-size: 15px; font-weight: 600; fill: #1f2328; }
  .group { font-weight: 600; fill: #1f2328; }
  .name { text-anchor: end; }
  .ours { font-weight: 600; fill: #0b57d0; }
  .our-bar { fill: #0b57d0; }
  .their-bar { fill: #afb8c1; }
  @media (prefers-color-scheme: dark) {
    text { fill: #9198a1; }
    .title, .group { fill: #f0f6fc; }
    .ours { fill: #8ab4f8; }
    .our-bar { fill: #8ab4f8; }
    .their-bar { fill: #57606a; }
  }
</style>
<text class="title" x="0" y="18">${escape(title)}</text>
<text x="0" y="40">${escape(unit)}</text>
${parts.join("\n")}
</svg>
`;
}

function escape(text: string): string {
  return text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(
    /"/g,
    "&quot;",
  );
}
