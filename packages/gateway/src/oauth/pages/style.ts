/** The style sheet and the icon of the pages: what they load, and all of it. */

export const STYLE = `
:root {
  color-scheme: light dark;
  --ground: #f4f5f7; --card: #fff; --ink: #16202b; --quiet: #52606d; --line: #cbd2d9; --field: #fff;
  --accent: #0b5a52; --accent-ink: #fff; --focus: #0b6bcb;
  --warn-ground: #fff6da; --warn-line: #b7791f; --bad-ground: #fdecec; --bad-line: #b42318;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #10161c; --card: #19222b; --ink: #e8edf2; --quiet: #a3b1bf; --line: #3b4854; --field: #10161c;
    --accent: #5fd0c0; --accent-ink: #06201d; --focus: #7ab8ff;
    --warn-ground: #33290f; --warn-line: #d9a441; --bad-ground: #3a1917; --bad-line: #f08a80;
  }
}
* { box-sizing: border-box; }
html { font: 100%/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; -webkit-text-size-adjust: 100%; }
body { margin: 0; background: var(--ground); color: var(--ink); min-height: 100vh; display: grid; place-items: start center; padding: 1rem; }
main { width: 100%; max-width: 30rem; background: var(--card); border: 1px solid var(--line); border-radius: .75rem; padding: 1.5rem; margin: 4vh 0; overflow-wrap: anywhere; }
.brand { display: flex; align-items: center; gap: .5rem; margin: 0 0 1rem; color: var(--quiet); font-weight: 600; }
h1 { font-size: 1.4rem; line-height: 1.25; margin: 0 0 .75rem; }
h2 { font-size: 1rem; margin: 1.25rem 0 .5rem; }
p { margin: 0 0 1rem; }
small, .quiet { color: var(--quiet); font-size: .875rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .5rem 1rem; margin: 1rem 0; }
dt { color: var(--quiet); }
dd { margin: 0; min-width: 0; }
dd small { display: block; }
.tools { list-style: none; margin: 0 0 1rem; padding: 0; display: flex; flex-wrap: wrap; gap: .375rem; }
.tools code { display: block; font: .875rem/1.4 ui-monospace, "SF Mono", Menlo, Consolas, monospace; background: var(--ground); border: 1px solid var(--line); border-radius: .375rem; padding: .125rem .5rem; }
details { margin: -.5rem 0 1rem; }
summary { cursor: pointer; padding: .25rem 0; }
details .tools { margin-top: .5rem; }
.warning, .problem { border: 1px solid; border-left-width: .375rem; border-radius: .375rem; padding: .75rem 1rem; }
.warning { background: var(--warn-ground); border-color: var(--warn-line); }
.problem { background: var(--bad-ground); border-color: var(--bad-line); }
label { display: block; font-weight: 600; margin: 1rem 0 .25rem; }
input, select { width: 100%; font: inherit; color: inherit; background: var(--field); border: 1px solid var(--quiet); border-radius: .375rem; padding: .625rem .75rem; min-height: 2.75rem; }
.said { margin: 0 0 .5rem; padding: .5rem 0 .5rem 1rem; border-left: .25rem solid var(--line); font-size: 1.0625rem; }
h3 { font-size: 1rem; margin: 1rem 0 .25rem; }
fieldset { border: 1px solid var(--line); border-radius: .375rem; margin: 1rem 0; padding: .25rem 1rem; min-width: 0; }
legend { font-weight: 600; padding: 0 .375rem; margin-left: -.375rem; }
.tick { display: flex; gap: .75rem; align-items: flex-start; margin: 0; padding: .75rem 0; font-weight: 400; }
.tick + .tick { border-top: 1px solid var(--line); }
.tick > :last-child { flex: 1; min-width: 0; }
.tick input { flex: none; width: 1.5rem; height: 1.5rem; padding: 0; min-height: 0; margin: 0; accent-color: var(--accent); }
.tick label { margin: 0; font-weight: 400; }
.tick small { display: block; }
code { unicode-bidi: isolate; font-family: ui-monospace, "SF Mono", Menlo, Consolas, monospace; font-size: .9375em; }
.call { margin: 0; padding: .75rem; max-height: 22rem; overflow: auto; white-space: pre-wrap; overflow-wrap: anywhere; background: var(--ground); border: 1px solid var(--line); border-radius: .375rem; font: .875rem/1.45 ui-monospace, "SF Mono", Menlo, Consolas, monospace; unicode-bidi: isolate; }
.limits { margin: .25rem 0 0; padding: 0 0 0 1.125rem; color: var(--quiet); font-size: .875rem; }
.limits code { color: var(--ink); }
section > details { margin: 1rem 0; }
.back { margin-top: 1rem; }
.templates { margin: 1.5rem 0 0; border-top: 1px solid var(--line); padding-top: .75rem; }
.running form { border: 1px solid var(--line); border-radius: .375rem; padding: 1rem; margin: 0 0 1rem; }
.running .buttons { margin-top: .75rem; }
.templates form + form { border-top: 1px solid var(--line); margin-top: 1.5rem; }
.code { font: 600 1.5rem/1.4 ui-monospace, "SF Mono", Menlo, Consolas, monospace; letter-spacing: .08em; text-align: center; }
input.code { text-transform: uppercase; margin-bottom: 1rem; }
.unseen { display: none; }
input + .quiet { margin: .25rem 0 0; }
.buttons { display: flex; flex-wrap: wrap; gap: .75rem; margin-top: 1.5rem; }
button { flex: 1 1 10rem; font: inherit; font-weight: 600; min-height: 2.75rem; padding: .625rem 1rem; border-radius: .375rem; border: 1px solid var(--quiet); background: transparent; color: inherit; cursor: pointer; }
button.primary { background: var(--accent); border-color: var(--accent); color: var(--accent-ink); }
.choice:not([hidden]) ~ form button.primary, .choice:not([hidden]) ~ .choice button.primary { background: transparent; border-color: var(--quiet); color: inherit; }
button:disabled { opacity: .6; cursor: progress; }
button.link { flex: none; min-height: 1.5rem; padding: .125rem 0; border: 0; font-weight: 400; font-size: .875rem; color: inherit; text-decoration: underline; }
.or { display: flex; align-items: center; gap: .75rem; margin: 1.25rem 0 0; color: var(--quiet); font-size: .875rem; }
.or::before, .or::after { content: ""; flex: 1; border-top: 1px solid var(--line); }
[hidden] { display: none; }
button:hover { filter: brightness(1.08); }
:focus-visible { outline: 3px solid var(--focus); outline-offset: 2px; }
@media (max-width: 30rem) {
  body { padding: 0; background: var(--card); }
  main { border: 0; border-radius: 0; margin: 0; padding: 1.25rem; }
  dl { grid-template-columns: 1fr; gap: 0; }
  dd { margin-bottom: .75rem; }
}
@media (forced-colors: active) { button.primary { border-width: 3px; } }
`

export const ICON = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24"><rect x="2" y="4" width="5" height="18" rx="1" fill="#0b7a6e"/><rect x="7" y="8" width="15" height="4" rx="1" fill="#c8553d"/><rect x="11" y="8" width="4" height="4" fill="#fff"/></svg>`
