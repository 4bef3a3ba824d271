// How the status page looks: light and dark, from a phone to a wide screen, on paper too.
// Served as a file of its own, as the page's Content-Security-Policy wants it. Nothing of it is from elsewhere.

export const STYLE = `:root {
  color-scheme: light dark;
  --ground: #f6f7f9; --card: #fff; --text: #1c2330; --soft: #5b6575; --line: #dde2ea;
  --link: #0b5cad; --good: #1a7f4b; --bad: #b3261e; --warn: #8a5a00; --bar: #4c8bd6; --bar2: #c9793a; --trace: #6b4fbb;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #12161d; --card: #1a202a; --text: #e4e9f1; --soft: #9aa6b8; --line: #2d3644;
    --link: #7cb8ff; --good: #5fcf95; --bad: #ff8a80; --warn: #f0b95a; --bar: #5a9be6; --bar2: #e0965a; --trace: #b09cf5;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--text); font: 16px/1.5 system-ui, sans-serif; }
a { color: var(--link); }
:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; border-radius: 3px; }
.skip { position: absolute; left: -100rem; }
.skip:focus { left: 1rem; top: .5rem; background: var(--card); padding: .5rem 1rem; z-index: 1; }
header, main, footer { max-width: 76rem; margin: 0 auto; padding: .75rem 1rem; }
header { display: flex; flex-wrap: wrap; gap: .5rem 1.5rem; align-items: center; justify-content: space-between; }
header p { margin: 0; }
header .name { font-size: 1.35rem; font-weight: 650; }
header .name a { color: inherit; text-decoration: none; }
h1 { font-size: 1.35rem; margin: 0; overflow-wrap: anywhere; }
h2 { font-size: 1.05rem; margin: 0 0 .6rem; }
section { background: var(--card); border: 1px solid var(--line); border-radius: .6rem; padding: 1rem; margin: 0 0 1rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
caption { text-align: left; color: var(--soft); padding-bottom: .4rem; }
th, td { text-align: left; vertical-align: top; padding: .35rem .8rem .35rem 0; border-top: 1px solid var(--line); overflow-wrap: break-word; }
thead th { border-top: 0; color: var(--soft); font-weight: 500; font-size: .875rem; white-space: nowrap; }
td.number, th.number { text-align: right; white-space: nowrap; }
time, .nowrap { white-space: nowrap; }
dl.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(7rem, 1fr)); gap: .6rem; margin: 0; }
dl.tiles div { border-left: 3px solid var(--line); padding-left: .7rem; }
dl.tiles dt { color: var(--soft); font-size: .875rem; }
dl.tiles dd { margin: 0; font-size: 1.5rem; font-weight: 600; font-variant-numeric: tabular-nums; }
dl.facts { display: grid; grid-template-columns: max-content 1fr; gap: .3rem 1rem; margin: 0; }
dl.facts dt { color: var(--soft); }
dl.facts dd { margin: 0; overflow-wrap: anywhere; }
.verdict { font-weight: 600; }
.good { color: var(--good); }
.bad { color: var(--bad); }
.warn { color: var(--warn); }
.soft { color: var(--soft); }
ul.plain { list-style: none; margin: 0; padding: 0; }
ul.plain li + li { margin-top: .3rem; }
pre { overflow-x: auto; margin: 0; font-size: .875rem; }
code, pre { font-family: ui-monospace, monospace; }
form { display: inline-flex; flex-wrap: wrap; gap: .4rem; align-items: center; margin: 0; }
input, button { font: inherit; color: inherit; background: var(--ground); border: 1px solid var(--soft); border-radius: .4rem; padding: .3rem .7rem; min-height: 2.2rem; max-width: 100%; }
button { cursor: pointer; }
button:hover { border-color: var(--link); color: var(--link); }
.actions { display: flex; flex-wrap: wrap; gap: .5rem; margin-top: .9rem; }
svg { display: block; width: 100%; height: auto; }
svg text { fill: var(--soft); font-size: 12px; }
svg .sent, svg .deadline { fill: var(--bar); }
svg .others { fill: var(--bar2); }
svg .waiting { fill: none; stroke: var(--trace); stroke-width: 2; }
svg .axis { stroke: var(--line); }
.key { display: flex; flex-wrap: wrap; gap: .2rem 1.2rem; margin: .3rem 0 1rem; padding: 0; list-style: none; color: var(--soft); font-size: .875rem; }
.key svg { display: inline-block; width: .9rem; height: .9rem; vertical-align: -.1rem; margin-right: .3rem; }
footer { color: var(--soft); font-size: .875rem; }
@media (max-width: 40rem) {
  body { font-size: 15px; }
  header, main, footer { padding: .6rem; }
  section { padding: .75rem; }
  dl.facts { grid-template-columns: 1fr; gap: 0; }
  dl.facts dd { margin-bottom: .5rem; }
  svg text { font-size: 20px; }
}
@media print { form, .skip { display: none; } }
`
