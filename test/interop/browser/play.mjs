// Plays a stream of the page in Chromium: node play.mjs URL SECONDS. Prints what it saw as JSON.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";

const [url, seconds, shot] = process.argv.slice(2);
const profile = mkdtempSync(join(tmpdir(), "chromium-"));
const context = await chromium.launchPersistentContext(profile, {
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  headless: true,
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--autoplay-policy=no-user-gesture-required"],
});
try {
  const page = await context.newPage();
  const log = [];
  page.on("console", (m) => { if (m.type() === "error") log.push(m.text()); });
  page.on("pageerror", (e) => log.push(String(e)));
  await page.goto(url);
  const look = () => page.evaluate(() => {
    const v = document.getElementById("video");
    return { time: v.currentTime, pictures: v.getVideoPlaybackQuality().totalVideoFrames, width: v.videoWidth, error: document.body.dataset.error ?? "" };
  });
  await page.waitForFunction(() => document.getElementById("video").currentTime > 0, null, { timeout: 30000 });
  const samples = [await look()];
  for (let i = 0; i < Number(seconds); i++) {
    await page.waitForTimeout(1000);
    samples.push(await look());
  }
  if (shot) await page.screenshot({ path: shot });
  console.log(JSON.stringify({ samples, log }));
} finally {
  await context.close();
  rmSync(profile, { recursive: true, force: true });
}
