// Plays the video of pages in one Chromium, at the same time: node play.mjs SECONDS CHROMIUM URL... It ends when so many seconds
// of each were played, and prints what it saw of each, as JSON.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";

const [seconds, executablePath, ...urls] = process.argv.slice(2);
const patience = 60000; // how long a video may stand still
const quiet = 6000; // how long to watch what a page does that plays nothing
const profile = mkdtempSync(join(tmpdir(), "chromium-"));
const context = await chromium.launchPersistentContext(profile, {
  executablePath,
  headless: true,
  args: ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--autoplay-policy=no-user-gesture-required", "--disable-background-timer-throttling",
    "--disable-renderer-backgrounding", "--disable-backgrounding-occluded-windows"],
});

async function watch(url) {
  const page = await context.newPage();
  const log = [], asked = [];
  page.on("console", (m) => { if (m.type() === "error") log.push(m.text() + " " + m.location().url); });
  page.on("pageerror", (e) => log.push(String(e)));
  page.on("request", (r) => asked.push(r.url()));
  await page.goto(url);
  const look = () => page.evaluate(() => {
    const v = document.getElementById("video");
    return {
      time: v.currentTime, pictures: v.getVideoPlaybackQuality().totalVideoFrames, width: v.videoWidth, error: document.body.dataset.error ?? "",
      state: document.getElementById("state")?.textContent ?? "", latency: parseFloat(document.getElementById("latency")?.textContent) || 0,
    };
  });
  // advanced waits until the time is past t, or the player has failed.
  const advanced = (t) => page.waitForFunction(
    (t) => document.getElementById("video").currentTime > t || document.body.dataset.error, t, { timeout: patience, polling: 200 },
  );
  await advanced(0);
  const samples = [await look()];
  while (!samples.at(-1).error && samples.at(-1).time - samples[0].time < Number(seconds)) {
    await advanced(samples.at(-1).time + 1);
    samples.push(await look());
  }
  if (samples.at(-1).error) {
    asked.length = 0;
    await page.waitForTimeout(quiet);
  }
  return { samples, log, asked };
}

try {
  console.log(JSON.stringify(await Promise.all(urls.map(watch))));
} finally {
  await context.close();
  rmSync(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
}
