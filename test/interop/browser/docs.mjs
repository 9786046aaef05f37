// Reads the page of the API in Chromium and tries a call on it: node docs.mjs URL CHROMIUM [PICTURE]. It prints what it
// saw as JSON.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";

const [url, executablePath, picture] = process.argv.slice(2);
const profile = mkdtempSync(join(tmpdir(), "chromium-"));
const context = await chromium.launchPersistentContext(profile, {
  executablePath,
  headless: true,
  viewport: { width: 1200, height: 1200 },
  args: ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update",
    "--disable-sync"],
});
try {
  const page = await context.newPage();
  page.setDefaultTimeout(60000);
  const log = [], foreign = [];
  page.on("console", (m) => { if (m.type() === "error") log.push(m.text()); });
  page.on("pageerror", (e) => log.push(String(e)));
  page.on("request", (r) => { if (/^http/.test(r.url()) && new URL(r.url()).host !== new URL(url).host) foreign.push(r.url()); });
  await page.goto(url);
  await page.locator(".opblock-tag").first().waitFor();
  const groups = await page.locator(".opblock-tag").count();
  await page.locator("#operations-tag-server").click();
  const call = page.locator("#operations-server-get_version");
  await call.getByRole("button").first().click();
  await call.getByRole("button", { name: "Try it out" }).click();
  await call.getByRole("button", { name: "Execute" }).click();
  const response = call.locator(".live-responses-table .response");
  const status = (await response.locator(".response-col_status").innerText()).trim();
  const body = await response.locator(".microlight, pre").first().innerText();
  if (picture) await page.screenshot({ path: picture });
  console.log(JSON.stringify({ groups, status, body, log, foreign }));
} finally {
  await context.close();
  rmSync(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
}
