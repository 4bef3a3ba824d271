// The style of the quarantine's pages, beside that of all pages.

export const QUARANTINE_STYLE = `
form.filters { display: flex; flex-wrap: wrap; gap: .5rem .9rem; align-items: end; margin: .6rem 0 1rem; }
form.filters label { display: inline-flex; flex-direction: column; color: var(--soft); font-size: .85rem; min-width: 0; }
form.filters input, form.filters select { width: 9.5rem; }
select { font: inherit; color: inherit; background: var(--field); border: 1px solid var(--soft); border-radius: .45rem; padding: .25rem .5rem; min-height: 2.1rem; max-width: 100%; }
h3 { font-size: .95rem; margin: .9rem 0 .4rem; }
pre.mail { white-space: pre-wrap; max-height: 32rem; overflow: auto; background: var(--plain-ground); border-radius: .5rem; padding: .6rem .8rem; }
details.confirm summary { cursor: pointer; border: 1px solid var(--line); background: var(--plain-ground); border-radius: .45rem; padding: .25rem .8rem; min-height: 2.1rem; }
details.confirm[open] { flex: 1 1 100%; border: 1px solid var(--line); border-radius: .5rem; padding: .6rem .8rem; }
details.confirm form { display: flex; flex-direction: column; align-items: flex-start; margin-top: .5rem; }
@media (max-width: 44rem) {
  form.filters { display: grid; grid-template-columns: 1fr 1fr; }
  form.filters input, form.filters select { width: 100%; }
}
`
