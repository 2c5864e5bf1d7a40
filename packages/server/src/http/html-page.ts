/** The style of the pages that the server renders without scripts. */
export const PAGE_STYLE = `
:root { color-scheme: light dark; --line: light-dark(#d8dbe2, #3a3f4b); --soft: light-dark(#f4f5f8, #1d2027); --accent: light-dark(#1f5fbf, #86b4ff) }
body { font: 16px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 62rem; padding: 1rem 1.25rem 4rem; background: light-dark(#fff, #14161b); color: light-dark(#1c1f26, #e4e7ee) }
h1 { margin-bottom: 0 } h2 { margin-top: 2.5rem; border-bottom: 1px solid var(--line) }
a { color: var(--accent) } nav { columns: 16rem; font-size: .9rem } nav, summary, td { overflow-wrap: anywhere } nav p { break-inside: avoid; margin: 0 0 .75rem }
details { border: 1px solid var(--line); border-radius: .4rem; margin: .5rem 0 } details > div { padding: 0 1rem 1rem }
summary { cursor: pointer; padding: .5rem 1rem } summary:focus-visible { outline: 2px solid var(--accent) }
code, pre { font: .85rem/1.45 ui-monospace, monospace } pre { background: var(--soft); padding: .75rem; overflow: auto; max-height: 24rem; border-radius: .3rem }
table { border-collapse: collapse; width: 100%; font-size: .9rem } th, td { text-align: left; vertical-align: top; padding: .3rem .6rem .3rem 0; border-bottom: 1px solid var(--line) }
.method { font-weight: 700; display: inline-block; min-width: 4.2rem; color: var(--accent) } .note { color: light-dark(#5a6070, #a3a9b8) }
`;

/** A page runs no script and loads nothing: only its own style may apply. */
export const PAGE_POLICY = `default-src 'none'; style-src 'sha256-${digest(PAGE_STYLE)}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;

function digest(text: string): string {
  return new Bun.CryptoHasher("sha256").update(text).digest("base64");
}
