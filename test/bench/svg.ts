/** The picture for people in a hurry: CPU time a call, one bar a variant. It follows the reader's light or dark theme. */
import type { Figures } from './measure.ts'

const WIDTH = 760
const LABEL_WIDTH = 330
const VALUE_WIDTH = 60
const ROW_HEIGHT = 30
const BAR_HEIGHT = 18
const TOP = 58
const BOTTOM = 34

const STYLE = `
  text { font: 13px system-ui, sans-serif; fill: #1f2328 }
  .title { font-size: 16px; font-weight: 600 }
  .note { font-size: 12px; fill: #59636e }
  .bar { fill: #8c959f }
  .tollgate { fill: #0969da }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc }
    .note { fill: #9198a1 }
    .bar { fill: #6e7681 }
    .tollgate { fill: #4493f8 }
  }`

/** A bar chart of the variants that have a cost. */
export function renderSvg(figures: readonly Figures[], note: string): string {
  const measured = figures.flatMap(({ variant, cpuUs }) => (cpuUs === null ? [] : [{ variant, cpuUs }]))
  const most = Math.max(1, ...measured.map(({ cpuUs }) => cpuUs))
  const scale = (WIDTH - LABEL_WIDTH - VALUE_WIDTH) / most
  const height = TOP + measured.length * ROW_HEIGHT + BOTTOM
  const bars = measured.map(({ variant, cpuUs }, index) => {
    const y = TOP + index * ROW_HEIGHT
    const middle = y + BAR_HEIGHT / 2 + 5
    const width = Math.max(1, cpuUs * scale)
    const kind = variant.startsWith('tollgate') ? 'bar tollgate' : 'bar'
    return [
      `<text x="${LABEL_WIDTH - 8}" y="${middle}" text-anchor="end">${escape(label(variant))}</text>`,
      `<rect class="${kind}" x="${LABEL_WIDTH}" y="${y}" width="${width.toFixed(1)}" height="${BAR_HEIGHT}" rx="2"/>`,
      `<text x="${(LABEL_WIDTH + width + 6).toFixed(1)}" y="${middle}">${cpuUs.toFixed(1)}</text>`,
    ].join('')
  })
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-label="CPU time of the proxy for one call, by variant">
<style>${STYLE}
</style>
<text class="title" x="0" y="20">CPU time of the proxy for one tools/call, in microseconds</text>
<text class="note" x="0" y="40">Less is better. Compare bars with each other, not with other machines.</text>
${bars.join('\n')}
<text class="note" x="0" y="${height - 8}">${escape(note)}</text>
</svg>
`
}

/** `tollgate:policies=1000,audit=on,upstream=http` in words. */
function label(variant: string): string {
  const [, name, policies, audit, upstream] =
    /^(\w+):policies=(\d+),audit=(on|off),upstream=(\w+)$/.exec(variant) ?? []
  if (name === undefined) return variant
  const rules = policies === '0' ? 'permit all' : `${policies} policies`
  return `${name}, ${rules}, ${audit === 'on' ? 'durable audit' : 'no audit'}, ${upstream}`
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
}
