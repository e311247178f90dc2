// SPDX-License-Identifier: Apache-2.0
// Visits pages in Chromium: node visit.mjs < {url, chromium, pages: [{name, path}], shots: folder, views: [...]}; writes
// what was found as JSON. Says nothing itself: tests/browser/test_pages.py decides.
import { readFileSync, mkdirSync } from "node:fs";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

const asked = JSON.parse(readFileSync(0, "utf8"));
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const found = { pages: [], keyboard: [] };
mkdirSync(asked.shots, { recursive: true });
const browser = await chromium.launch({ executablePath: asked.chromium, args: ["--no-sandbox", "--disable-dev-shm-usage"] });
for (const view of asked.views) {
  const context = await browser.newContext({
    viewport: { width: view.width, height: view.height }, colorScheme: view.scheme, javaScriptEnabled: true, reducedMotion: "reduce",
  });
  const page = await context.newPage();
  for (const place of asked.pages) {
    const seen = { name: place.name, view: view.name, dialogs: 0, violations: [], errors: [], elsewhere: [], axe: [] };
    const onConsole = (message) => { if (message.type() === "error") seen.errors.push(message.text()); };
    const onDialog = (dialog) => { seen.dialogs += 1; dialog.dismiss(); };
    const onRequest = (request) => { if (!request.url().startsWith(asked.url)) seen.elsewhere.push(request.url()); };
    page.on("console", onConsole).on("dialog", onDialog).on("request", onRequest);
    await page.addInitScript(() => {
      window.violated = [];
      addEventListener("securitypolicyviolation", (event) => window.violated.push(event.violatedDirective + " " + event.blockedURI));
    });
    const answer = await page.goto(asked.url + place.path, { waitUntil: "networkidle" });
    seen.status = answer.status();
    const measured = await page.evaluate(() => ({
      violated: window.violated,
      paint: (performance.getEntriesByName("first-contentful-paint")[0] || {}).startTime,
      overflow: document.documentElement.scrollWidth - document.documentElement.clientWidth,
      scripts: document.scripts.length,
    }));
    seen.violations = measured.violated;
    seen.paint_ms = measured.paint;
    seen.overflow_px = measured.overflow;
    seen.scripts = measured.scripts;
    if (place.shot !== false) await page.screenshot({ path: `${asked.shots}/${place.name}-${view.name}.png`, fullPage: view.full === true });
    // axe is a script that is put in: by the debugger's way, which the page's policy does not concern.
    await page.evaluate(axe);
    const report = await page.evaluate(() => axe.run(document, { resultTypes: ["violations"] }));
    seen.axe = report.violations.map((each) => ({ id: each.id, impact: each.impact, nodes: each.nodes.map((node) => node.html.slice(0, 200)).slice(0, 3) }));
    page.off("console", onConsole).off("dialog", onDialog).off("request", onRequest);
    found.pages.push(seen);
  }
  await context.close();
}
if (asked.keyboard) {
  const page = await (await browser.newContext()).newPage();
  await page.goto(asked.url + "/");
  for (let i = 0; i < 12; ++i) {
    await page.keyboard.press("Tab");
    found.keyboard.push(await page.evaluate(() => {
      const at = document.activeElement;
      return { element: at.tagName, text: (at.textContent || at.getAttribute("name") || "").trim().slice(0, 40), outline: getComputedStyle(at).outlineStyle };
    }));
  }
}
await browser.close();
console.log(JSON.stringify(found));
