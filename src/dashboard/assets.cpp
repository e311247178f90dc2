// SPDX-License-Identifier: Apache-2.0
#include "dashboard/view.h"

namespace ledgermill::dashboard {

namespace {

// Contrast of every text is 4.5 : 1 or more on its ground, in both schemes (tests/browser measures it).
constexpr std::string_view kStyle = R"css(:root {
  color-scheme: light dark;
  --ground: #ffffff; --panel: #f4f6f8; --line: #c9d0d8; --ink: #16202b; --soft: #4a5766;
  --link: #0b57a4; --good: #12663a; --bad: #a31621; --open: #7a4b00; --mark: #ffe08a; --mark-ink: #16202b;
  --bar-posted: #2f7d54; --bar-rejected: #c2410c; --bar-open: #8a6d1f;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #10161d; --panel: #1a232d; --line: #3a4653; --ink: #e8edf2; --soft: #aab7c4;
    --link: #8cc4ff; --good: #7fd6a4; --bad: #ff9a94; --open: #f0c877; --mark: #6b5200; --mark-ink: #ffffff;
    --bar-posted: #4fae7d; --bar-rejected: #e8794a; --bar-open: #c9a545;
  }
}
* { box-sizing: border-box; }
html { font: 100%/1.5 system-ui, sans-serif; background: var(--ground); color: var(--ink); }
@media (min-width: 2400px) { html { font-size: 137.5%; } }
body { margin: 0; overflow-wrap: anywhere; }
a { color: var(--link); }
:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; }
.hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.skip { position: absolute; left: -999rem; }
.skip:focus { left: 1rem; top: 1rem; background: var(--ground); padding: .5rem 1rem; z-index: 1; }
header { display: flex; flex-wrap: wrap; gap: .5rem 1.5rem; align-items: center; padding: .75rem 1rem; background: var(--panel); border-bottom: 1px solid var(--line); }
.brand { font-weight: 700; text-decoration: none; color: var(--ink); }
nav ul { display: flex; flex-wrap: wrap; gap: .25rem 1rem; list-style: none; margin: 0; padding: 0; }
nav a { display: inline-block; padding: .25rem 0; }
nav a[aria-current] { color: var(--ink); font-weight: 700; text-decoration: none; border-bottom: 3px solid var(--link); }
.search { display: flex; gap: .5rem; flex: 1 1 16rem; max-width: 34rem; }
.search input { flex: 1; min-width: 0; }
input, select, button { font: inherit; color: var(--ink); background: var(--ground); border: 1px solid var(--soft); border-radius: .25rem; padding: .25rem .5rem; }
button { cursor: pointer; }
main { padding: 0 1rem 2rem; max-width: 120rem; margin: 0 auto; }
h1 { font-size: 1.5rem; margin: 1rem 0 .5rem; } h2 { font-size: 1.15rem; margin: 1.5rem 0 .5rem; }
footer { padding: 1rem; color: var(--soft); border-top: 1px solid var(--line); }
.soft { color: var(--soft); }
.tiles { display: grid; grid-template-columns: repeat(auto-fill, minmax(13rem, 1fr)); gap: .75rem; margin: 1rem 0; padding: 0; list-style: none; }
.tile { background: var(--panel); border: 1px solid var(--line); border-radius: .5rem; padding: .75rem; }
.tile b { display: block; font-size: 1.5rem; font-variant-numeric: tabular-nums; }
.scroll { overflow-x: auto; margin: .5rem 0 1rem; max-width: 100%; }
table { border-collapse: collapse; min-width: 100%; }
caption { text-align: left; font-weight: 600; padding: .25rem 0; }
th, td { text-align: left; padding: .35rem .75rem .35rem 0; border-bottom: 1px solid var(--line); vertical-align: top; overflow-wrap: normal; }
thead th { color: var(--soft); font-weight: 600; white-space: nowrap; }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.badge { white-space: nowrap; font-weight: 600; } .good { color: var(--good); } .bad { color: var(--bad); } .open { color: var(--open); }
.notice { border-left: .35rem solid var(--open); background: var(--panel); padding: .5rem .75rem; margin: .75rem 0; }
.notice.wrong { border-color: var(--bad); }
pre { background: var(--panel); border: 1px solid var(--line); border-radius: .25rem; padding: .5rem; overflow-x: auto; margin: .5rem 0; font: .9rem/1.5 ui-monospace, monospace; }
mark { background: var(--mark); color: var(--mark-ink); outline: 1px solid currentColor; }
code { font: .9em ui-monospace, monospace; }
dl { display: grid; grid-template-columns: minmax(8rem, max-content) 1fr; gap: .25rem 1rem; margin: .5rem 0; }
dt { color: var(--soft); } dd { margin: 0; min-width: 0; }
@media (max-width: 30rem) { dl { grid-template-columns: 1fr; } dd { margin-bottom: .5rem; } }
.filter { display: flex; flex-wrap: wrap; gap: .5rem; align-items: end; margin: .75rem 0; }
.filter label { display: block; color: var(--soft); }
.pages { display: flex; gap: 1rem; flex-wrap: wrap; margin: .5rem 0; }
svg, .drawing { max-width: 100%; height: auto; display: block; }
.drawing { background: #fff; }
svg text { fill: var(--ink); font: 12px system-ui, sans-serif; }
.posted { fill: var(--bar-posted); } .rejected { fill: var(--bar-rejected); } .unfinished { fill: var(--bar-open); } .axis { stroke: var(--line); }
@media (forced-colors: active) { mark { forced-color-adjust: none; } }
@media print { header, footer { display: none; } }
)css";

// Replaces what is marked as live every five seconds, unless the reader is in the midst of it.
constexpr std::string_view kScript = R"js("use strict";
(() => {
  const every = 5000;
  const live = () => document.querySelector("[data-live]");
  if (!live()) return;
  const inUse = () => document.hidden || live().contains(document.activeElement) || String(getSelection()).length > 0;
  async function refresh() {
    try {
      if (!inUse()) {
        const answer = await fetch(location.href, { cache: "no-store" });
        if (answer.ok) {
          const page = Reflect.construct(DOMParser, []).parseFromString(await answer.text(), "text/html");
          const fresh = page.querySelector("[data-live]");
          if (fresh && fresh.innerHTML !== live().innerHTML) live().replaceWith(document.adoptNode(fresh));
        }
      }
    } catch (gone) { /* the server is away: what is shown stays, and the next turn asks again */ }
    setTimeout(refresh, every);
  }
  setTimeout(refresh, every);
})();
)js";

constexpr std::string_view kIcon =
    R"(<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><rect width="16" height="16" rx="3" fill="#0b57a4"/>)"
    R"(<path d="M4 3v10h8M7 10V6M10 10V8" stroke="#fff" stroke-width="1.6" fill="none"/></svg>)";

}  // namespace

std::optional<Asset> asset(const std::string& name) {
  if (name == "style.css") return Asset{"text/css; charset=utf-8", kStyle};
  if (name == "live.js") return Asset{"text/javascript; charset=utf-8", kScript};
  if (name == "icon.svg") return Asset{"image/svg+xml", kIcon};
  return std::nullopt;
}

}  // namespace ledgermill::dashboard
