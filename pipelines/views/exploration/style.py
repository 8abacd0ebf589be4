"""How the page of a profile looks, on light and on dark screens."""

STYLE = """
:root { color-scheme: light dark; --ink: #1d2733; --soft: #5f6f80; --line: #e1e6ec; --paper: #fff; --bar: #4a7fb0;
  --mark: #b4531c; --plus: #2f6fab; --minus: #c2571a; }
@media (prefers-color-scheme: dark) { :root { --ink: #dfe6ee; --soft: #93a1b0; --line: #2b3541; --paper: #12171d;
  --bar: #6a9fd0; --mark: #e59a5c; --plus: #5b9bd8; --minus: #e08a4a; } }
* { box-sizing: border-box; }
body { font: 14px/1.45 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 1120px;
  margin: 2rem auto; padding: 0 1.2rem; font-variant-numeric: tabular-nums; }
h1 { font-size: 1.5rem; margin: 0 0 .3rem; } h2 { font-size: 1.1rem; margin: 2.2rem 0 .6rem; }
h3 { font-size: .95rem; margin: 0; overflow-wrap: anywhere; } p { margin: 0; }
.about { display: flex; flex-wrap: wrap; gap: 0 1.4rem; color: var(--soft); font-size: .85rem; }
.about b { color: var(--ink); font-weight: normal; overflow-wrap: anywhere; }
.facts { display: flex; flex-wrap: wrap; gap: .6rem 2.4rem; list-style: none; padding: 0; margin: 1.4rem 0 0;
  color: var(--soft); } .facts b { display: block; color: var(--ink); font-size: 1.45rem; font-weight: 600; }
.notices { padding-left: 1.1rem; margin: 0; columns: 2; column-gap: 2.5rem; } .notices li { break-inside: avoid; }
.notices li::marker { color: var(--mark); }
section { display: grid; grid-template-columns: 200px minmax(0, 1fr) 190px 220px; gap: 0 1.6rem; padding: .9rem 0;
  border-top: 1px solid var(--line); break-inside: avoid; }
section > div:first-child p { color: var(--soft); font-size: .85rem; }
section > div:first-child p.notice { color: var(--mark); line-height: 1.3; margin-top: .25rem; }
.wide { grid-column: 2 / 4; } svg { display: block; }
.chart { width: 100%; height: 100px; fill: var(--bar); } .chart .median { stroke: var(--ink); stroke-dasharray: 3 3;
  opacity: .55; vector-effect: non-scaling-stroke; }
.rows { width: 100%; height: 90px; fill: var(--bar); }
.ends { display: flex; justify-content: space-between; color: var(--soft); font-size: .8rem;
  border-top: 1px solid var(--line); padding-top: .15rem; }
.line { max-width: 100%; overflow: visible; fill: var(--bar); } .line path { fill: none;
  stroke: var(--bar); stroke-width: 1.5; }
.gaps { max-width: 100%; fill: var(--mark); } .caption { color: var(--soft); font-size: .8rem;
  overflow-wrap: anywhere; }
table { border-collapse: collapse; font-size: .85rem; } td, th { text-align: right; padding: 0 0 0 .8rem;
  font-weight: normal; }
.wide ul { list-style: none; padding: 0; margin: .2rem 0 0; columns: 2; font-size: .85rem; overflow-wrap: anywhere; }
section table { width: 100%; white-space: nowrap; line-height: 1.3; font-size: .8rem; }
section th { text-align: left; color: var(--soft); padding: 0; }
.bars { display: grid; grid-template-columns: minmax(60px, max-content) 1fr 52px; gap: 2px .7rem; align-items: center;
  font-size: .85rem; } .bars span, .bars i { overflow-wrap: anywhere; max-width: 240px; }
.bars i { color: var(--soft); }
.bars b { display: block; height: 11px; } .bars s { display: block; height: 100%; background: var(--bar);
  min-width: 1px; } .bars i + b s { opacity: .35; } .bars em { font-style: normal; color: var(--soft);
  text-align: right; }
.heat { max-width: 100%; font-size: 11px; margin-top: .8rem; } .heat text { fill: var(--ink); text-anchor: middle; }
.heat .name { text-anchor: end; font-size: 12px; } .heat .weak { opacity: .75; } .heat .strong { fill: var(--paper); }
.plus { fill: var(--plus); } .minus { fill: var(--minus); }
.scroll { overflow-x: auto; } .sample { white-space: nowrap; } .sample td, .sample th { text-align: left;
  padding: .2rem .9rem .2rem 0; border-bottom: 1px solid var(--line); } .sample th { color: var(--soft); }
.sample i { color: var(--soft); opacity: .7; }
footer { color: var(--soft); font-size: .8rem; margin-top: 2.5rem; max-width: 60rem; }
@media (max-width: 900px) { section { grid-template-columns: 1fr 1fr; gap: .6rem 1.6rem; } .wide { grid-column: auto; }
  .notices { columns: 1; } }
"""
