// Plays a page's video in Chromium: node play.mjs URL SECONDS CHROMIUM. It ends when so many seconds were played,
// and prints what it saw as JSON.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";

const [url, seconds, executablePath] = process.argv.slice(2);
const patience = 60000; // how long the video may stand still
const profile = mkdtempSync(join(tmpdir(), "chromium-"));
const context = await chromium.launchPersistentContext(profile, {
  executablePath,
  headless: true,
  args: ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--autoplay-policy=no-user-gesture-required"],
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
  // advanced waits until the time is past t, or the player has failed.
  const advanced = (t) => page.waitForFunction(
    (t) => document.getElementById("video").currentTime > t || document.body.dataset.error, t, { timeout: patience },
  );
  await advanced(0);
  const samples = [await look()];
  while (!samples.at(-1).error && samples.at(-1).time - samples[0].time < Number(seconds)) {
    await advanced(samples.at(-1).time + 1);
    samples.push(await look());
  }
  console.log(JSON.stringify({ samples, log }));
} finally {
  await context.close();
  rmSync(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
}
