// The status page's style: light and dark, from a phone to a wide screen, and for print. Served as its own file, as the
// page's Content-Security-Policy requires, and loads nothing else.

export const STYLE = `:root {
  color-scheme: light dark;
  --ground: #f3f5f8; --card: #fff; --text: #1c2330; --soft: #5b6575; --line: #e2e6ed; --field: #fff;
  --link: #0b5cad; --good: #146c3e; --bad: #b3261e; --warn: #8a5a00;
  --good-ground: #e6f4ec; --bad-ground: #fdecea; --warn-ground: #fbf1dc; --plain-ground: #edf0f5;
  --bar: #4c8bd6; --bar2: #d98a48; --trace: #6b4fbb;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #11151b; --card: #191f28; --text: #e4e9f1; --soft: #9aa6b8; --line: #2b3341; --field: #11151b;
    --link: #7cb8ff; --good: #5fcf95; --bad: #ff8a80; --warn: #f0b95a;
    --good-ground: #15301f; --bad-ground: #3a1b1b; --warn-ground: #33270f; --plain-ground: #262e3a;
    --bar: #5a9be6; --bar2: #e0965a; --trace: #b09cf5;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--text); font: 15px/1.5 system-ui, sans-serif; }
a { color: var(--link); text-underline-offset: .15em; }
:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; border-radius: 3px; }
.skip { position: absolute; left: -100rem; }
.skip:focus { left: 1rem; top: .5rem; background: var(--card); padding: .5rem 1rem; z-index: 1; }

header, main, footer { max-width: 88rem; margin: 0 auto; padding: .75rem 1.25rem; }
header { display: flex; flex-wrap: wrap; gap: .6rem 1.25rem; align-items: center; }
header p { margin: 0; }
header .name { font-size: 1.25rem; font-weight: 650; }
header .name a { color: inherit; text-decoration: none; display: inline-flex; align-items: center; gap: .6rem; }
header .live { color: var(--soft); font-size: .85rem; margin-right: auto; }
header .live.on::before, header .live.off::before { content: ""; display: inline-block; width: .6rem; height: .6rem; border-radius: 50%; margin-right: .4rem; background: var(--good); }
header .live.off::before { background: var(--bad); }
header .live.off { color: var(--bad); font-weight: 600; }
.stale main { opacity: .5; }
footer { color: var(--soft); font-size: .85rem; }

section { background: var(--card); border: 1px solid var(--line); border-radius: .75rem; padding: 1rem 1.25rem; margin: 0 0 1rem; }
h1 { font-size: 1.3rem; margin: 0 0 .5rem; overflow-wrap: anywhere; }
h2 { font-size: 1.05rem; margin: 0 0 .6rem; }
section p { margin: .4rem 0; }
.status { border-left: .35rem solid var(--line); }
.status.good { border-left-color: var(--good); }
.status.warn { border-left-color: var(--warn); }
.status.bad { border-left-color: var(--bad); }
h1.verdict { font-size: 1.35rem; line-height: 1.35; margin-bottom: .7rem; }
h1.verdict::before { content: ""; display: inline-block; width: .7em; height: .7em; border-radius: 50%; background: currentColor; margin-right: .5em; }
.good { color: var(--good); }
.bad { color: var(--bad); }
.warn { color: var(--warn); }
.status.good, .status.warn, .status.bad { color: var(--text); }
.soft { color: var(--soft); }
ul.reasons { margin: 0 0 1rem; padding-left: 1.2rem; overflow-wrap: anywhere; }
ul.reasons li + li { margin-top: .3rem; }
ul.reasons li { color: var(--text); }
ul.reasons li.bad::marker { color: var(--bad); }
ul.reasons li.warn::marker { color: var(--warn); }
ul.reasons li.soft { color: var(--soft); }
ul.errors { padding-left: 1.2rem; }
dl.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(6.5rem, 1fr)); gap: .6rem; margin: 0; }
dl.tiles div { background: var(--plain-ground); border-radius: .5rem; padding: .4rem .8rem .5rem; }
dl.tiles dt { color: var(--soft); font-size: .85rem; }
dl.tiles dd { margin: 0; font-size: 1.5rem; line-height: 1.25; font-weight: 600; font-variant-numeric: tabular-nums; }
dl.tiles div { position: relative; }
dl.tiles dd a { color: inherit; text-decoration: none; }
dl.tiles dd a::after { content: ""; position: absolute; inset: 0; }
dl.tiles div:has(a:hover) { outline: 1px solid var(--link); }
dl.tiles .failed.some dd, dl.tiles .expired.some dd { color: var(--bad); }
dl.tiles .held.some dd { color: var(--warn); }
dl.facts { display: grid; grid-template-columns: max-content 1fr; gap: .3rem 1.5rem; margin: 0; }
dl.facts dt { color: var(--soft); }
dl.facts dd { margin: 0; overflow-wrap: anywhere; }

.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; table-layout: fixed; font-variant-numeric: tabular-nums; }
.wide table { min-width: 66rem; }
thead [data-column=Job] { width: 8rem; }
thead [data-column=Mail] { width: 9rem; }
thead [data-column=State] { width: 6.2rem; }
thead [data-column=Outcome] { width: 7.2rem; }
thead [data-column=When], thead [data-column="Next deadline"] { width: 8.8rem; }
thead [data-column=Added], thead [data-column=What] { width: 11rem; }
#history thead [data-column=When] { width: 13rem; }
thead [data-column=Rule]:not(:first-child) { width: 8.2rem; }
thead [data-column=Region]:not(:first-child) { width: 7.2rem; }
thead [data-column=Reason] { width: 9rem; }
#decisions thead [data-column=Reason] { width: 13rem; }
thead [data-column=Attempts], thead [data-column=Waiting], thead [data-column=Size] { width: 5rem; }
#regions thead [data-column=State] { width: 11rem; }
thead [data-column="One call every"], thead [data-column="Drained in"] { width: 7.5rem; }
thead [data-column="Will miss deadline"] { width: 11rem; }
thead [data-column=Pause] { width: 14rem; }
th, td { text-align: left; vertical-align: baseline; padding: .4rem 1rem .4rem 0; border-top: 1px solid var(--line); overflow-wrap: break-word; }
th:last-child, td:last-child { padding-right: 0; }
thead th { border-top: 0; color: var(--soft); font-weight: 500; font-size: .85rem; white-space: nowrap; }
tbody th { font-weight: 600; }
tbody tr:hover { background: var(--plain-ground); }
.number { text-align: right; white-space: nowrap; }
time, .nowrap { white-space: nowrap; }
.words, td, tbody th { overflow-wrap: anywhere; }
.clamp { display: -webkit-box; -webkit-box-orient: vertical; -webkit-line-clamp: 3; line-clamp: 3; overflow: hidden; }
.cut > span { font-size: 0; }
.cut > span::before { content: "\\2026"; font-size: .95rem; }
td time .soft { display: block; font-size: .85rem; }
.bad + .soft { display: block; font-size: .85rem; white-space: normal; }
.few > input, .few > label { display: none; }
.badge { display: inline-block; padding: 0 .55rem; border-radius: 1rem; font-size: .85rem; font-weight: 500; background: var(--plain-ground); color: var(--soft); }
.badge.sent, .badge.bounce { background: var(--good-ground); color: var(--good); }
.badge.failed, .badge.expired { background: var(--bad-ground); color: var(--bad); }
.badge.held, .badge.quarantine, .badge.defer { background: var(--warn-ground); color: var(--warn); }
.badge.sending, .badge.queued { color: var(--link); }
h1 .badge { font-size: 1rem; padding: .1rem .8rem; vertical-align: .1em; }
pre { overflow-x: auto; margin: 0; font-size: .85rem; }
code, pre { font-family: ui-monospace, monospace; overflow-wrap: anywhere; }

form { display: inline-flex; flex-wrap: wrap; gap: .5rem; align-items: center; margin: 0; }
input, button { font: inherit; color: inherit; background: var(--field); border: 1px solid var(--soft); border-radius: .45rem; padding: .25rem .7rem; min-height: 2.1rem; max-width: 100%; }
button { cursor: pointer; background: var(--plain-ground); border-color: var(--line); }
button:hover { border-color: var(--link); color: var(--link); }
.confirm button { border-color: var(--bad); color: var(--bad); }
td button, td summary { padding: .05rem .6rem; min-height: 1.8rem; font-size: .9rem; }
.confirm { display: inline-block; text-align: left; vertical-align: top; max-width: 100%; }
.confirm > summary { display: inline-block; list-style: none; cursor: pointer; background: var(--plain-ground); border: 1px solid var(--line); border-radius: .45rem; padding: .25rem .7rem; line-height: 1.5; }
.confirm > summary::-webkit-details-marker { display: none; }
.confirm > summary:hover { border-color: var(--link); color: var(--link); }
.confirm > div, .confirm > form { display: block; border: 1px solid var(--bad); border-radius: .45rem; padding: .5rem .8rem .7rem; margin-top: .4rem; max-width: 22rem; white-space: normal; }
.confirm p { margin: 0 0 .5rem; }
.actions { display: flex; flex-wrap: wrap; gap: .5rem; margin-top: .9rem; }

.charts { display: grid; grid-template-columns: 3fr 2fr; gap: 1rem 2.5rem; }
svg { display: block; width: 100%; height: auto; overflow: visible; }
svg text { fill: var(--soft); font-size: 12px; }
svg .sent, svg .deadline { fill: var(--bar); }
svg .others { fill: var(--bar2); }
svg .waiting { fill: none; stroke: var(--trace); stroke-width: 2; }
svg .axis { stroke: var(--soft); }
svg .grid { stroke: var(--line); }
svg g:hover rect { opacity: .75; }
.key { display: flex; flex-wrap: wrap; gap: .2rem 1.2rem; margin: .4rem 0 0; padding: 0; list-style: none; color: var(--soft); font-size: .85rem; }
.key svg { display: inline-block; width: .9rem; height: .9rem; vertical-align: -.1rem; margin-right: .3rem; }
svg.meter { display: inline-block; width: 8rem; max-width: 25vw; height: .5rem; margin-left: .8rem; background: var(--plain-ground); border-radius: .25rem; }

@media (max-width: 60rem) {
  table, tbody { display: block; }
  .wide table { min-width: 0; }
  thead { position: absolute; left: -100rem; }
  tr { display: flex; flex-wrap: wrap; gap: .1rem 1rem; align-items: baseline; border-top: 1px solid var(--line); padding: .55rem 0; }
  tr:first-child { border-top: 0; }
  td, tbody th { display: inline-flex; gap: .4rem; align-items: baseline; border: 0; padding: 0; text-align: left; min-width: 0; white-space: normal; overflow-wrap: anywhere; }
  tbody th { width: 100%; }
  td::before { content: attr(data-column); color: var(--soft); font-size: .8rem; flex: none; }
  td[data-column=When]::before, td[data-column=State]::before, td[data-column=Outcome]::before, td[data-column=Pause]::before { display: none; }
  td[data-column=Outcome], td[data-column=State] { order: -1; }
  #regions td[data-column=State] { order: 0; }
  td time .soft, .bad + .soft { display: inline; }
  td:empty { display: none; }
  svg text { font-size: 16px; }
}
@media (max-width: 44rem) {
  .charts { grid-template-columns: 1fr; }
  header, main, footer { padding: .6rem .75rem; }
  section { padding: .8rem .9rem; }
  header form[role=search] { flex: 1 1 100%; flex-wrap: nowrap; order: 1; }
  header form[role=search] input { flex: 1; min-width: 0; }
  dl.tiles { grid-template-columns: repeat(4, 1fr); gap: .4rem; }
  dl.tiles div { padding: .3rem .5rem .4rem; min-width: 0; }
  dl.tiles dt { font-size: .75rem; }
  dl.tiles dd { font-size: 1.2rem; }
  dl.facts { grid-template-columns: 1fr; gap: 0; }
  dl.facts dd { margin-bottom: .5rem; }
  svg text { font-size: 24px; }
  .charts > div + div svg text { font-size: 16px; }
  h1.verdict { font-size: 1.15rem; }
  .few > input { display: block; position: absolute; opacity: 0; }
  .few > label { display: block; text-align: center; margin-top: .6rem; padding: .45rem; border: 1px solid var(--line); border-radius: .45rem; background: var(--plain-ground); color: var(--link); cursor: pointer; }
  .few > input:focus-visible ~ label { outline: 3px solid var(--link); outline-offset: 2px; }
  .few > input:not(:checked) ~ .scroll tbody tr:nth-child(n + 6), .few > input:not(:checked) ~ label span + span, .few > input:checked ~ label span:first-child { display: none; }
}
@media print {
  body { background: #fff; }
  form, .skip, .live { display: none; }
}
`
