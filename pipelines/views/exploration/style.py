"""Holds the style of a profile's page, beyond that of all pages."""

STYLE = """
h3 { font-size: .95rem; margin: 0; overflow-wrap: anywhere; }
.about { display: flex; flex-wrap: wrap; gap: 0 1.4rem; color: var(--soft); font-size: .85rem; }
.about b { color: var(--ink); font-weight: normal; overflow-wrap: anywhere; }
.facts { display: flex; flex-wrap: wrap; gap: .6rem 2.4rem; list-style: none; padding: 0; margin: 1.4rem 0 0;
  color: var(--soft); } .facts b { display: block; color: var(--ink); font-size: 1.45rem; font-weight: 600; }
.notices { padding-left: 1.1rem; margin: 0; columns: 2; column-gap: 2.5rem; } .notices li { break-inside: avoid; }
.notices li::marker { color: var(--warning-text); }
section { display: grid; grid-template-columns: 200px minmax(0, 1fr) 190px 220px; gap: 0 1.6rem; padding: .9rem 0;
  border-top: 1px solid var(--rule); break-inside: avoid; }
section > div:first-child p { color: var(--soft); font-size: .85rem; }
section > div:first-child p.notice { color: var(--warning-text); line-height: 1.3; margin-top: .25rem; }
.wide { grid-column: 2 / 4; }
.chart { width: 100%; height: 100px; fill: var(--data); } .chart .median { stroke: var(--ink); stroke-dasharray: 3 3;
  opacity: .55; vector-effect: non-scaling-stroke; }
.rows { width: 100%; height: 90px; fill: var(--data); }
.ends { display: flex; justify-content: space-between; color: var(--soft); font-size: .8rem;
  border-top: 1px solid var(--rule); padding-top: .15rem; }
.line { overflow: visible; fill: var(--data); } .line polyline { fill: none; stroke: var(--data); stroke-width: 1.5; }
.gaps { fill: var(--contrast); } .caption { color: var(--soft); font-size: .8rem; overflow-wrap: anywhere; }
table { font-size: .85rem; } td, th { padding: 0 0 0 .8rem; font-weight: normal; }
.wide ul { list-style: none; padding: 0; margin: .2rem 0 0; columns: 2; font-size: .85rem; overflow-wrap: anywhere; }
section table { width: 100%; white-space: nowrap; line-height: 1.3; font-size: .8rem; }
section th { text-align: left; color: var(--soft); padding: 0; }
.bars { display: grid; grid-template-columns: minmax(60px, max-content) 1fr 52px; gap: 2px .7rem; align-items: center;
  font-size: .85rem; } .bars span, .bars i { overflow-wrap: anywhere; max-width: 240px; }
.bars i { color: var(--soft); }
.bars b { display: block; height: 11px; } .bars s { display: block; height: 100%; background: var(--data);
  min-width: 1px; } .bars i + b s { opacity: .35; } .bars em { font-style: normal; color: var(--soft);
  text-align: right; }
.heat { font-size: 11px; margin-top: .8rem; } .heat text { text-anchor: middle; }
.heat .name { text-anchor: end; font-size: 12px; } .heat .weak { opacity: .75; } .heat .strong { fill: var(--paper); }
.plus { fill: var(--data); } .minus { fill: var(--contrast); }
.scroll { overflow-x: auto; } .sample { white-space: nowrap; } .sample td, .sample th { text-align: left;
  padding: .2rem .9rem .2rem 0; border-bottom: 1px solid var(--rule); } .sample th { color: var(--soft); }
.sample i { color: var(--soft); opacity: .7; }
footer { color: var(--soft); font-size: .8rem; margin-top: 2.5rem; max-width: 60rem; }
@media (max-width: 900px) { section { grid-template-columns: 1fr 1fr; gap: .6rem 1.6rem; } .wide { grid-column: auto; }
  .notices { columns: 1; } }
"""
