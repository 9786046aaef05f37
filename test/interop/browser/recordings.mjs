// Does in Chromium what the page offers of a stream's recordings: node recordings.mjs PAGE STREAM SECRET FOLDER CHROMIUM. What is downloaded
// goes to the folder. It prints what it saw as JSON.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";

const [address, stream, secret, folder, executablePath] = process.argv.slice(2);
const profile = mkdtempSync(join(tmpdir(), "chromium-"));

// Where it is about noon now, the test is not disturbed by the end of the day.
const hours = 12 - new Date().getUTCHours();
const timezoneId = hours === 0 ? "Etc/UTC" : "Etc/GMT" + (hours > 0 ? "-" : "+") + Math.abs(hours);

const context = await chromium.launchPersistentContext(profile, {
  executablePath,
  headless: true,
  timezoneId,
  acceptDownloads: true,
  viewport: { width: 1280, height: 1400 },
  args: ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--autoplay-policy=no-user-gesture-required"],
});

const seconds = (clock) => clock.split(":").reduce((sum, part) => 60 * sum + Number(part), 0);
const rows = (page) => page.locator("#files tbody tr");
const startOf = (row) => row.locator("button").innerText();

// advanced waits until a video has played for some seconds more, and returns how many.
async function advanced(page, more) {
  await page.waitForFunction(() => !video.seeking && !video.paused && video.readyState >= 3 && clock.value !== "");
  const from = await page.evaluate(() => video.currentTime);
  await page.waitForFunction(([from, more]) => video.currentTime > from + more, [from, more], { polling: 100 });
  return await page.evaluate(() => video.currentTime) - from;
}

// picture stops the video, and reads the second of its picture and the clock when both stand still. A picture without bars is -1: on a
// busy machine none may be decoded yet, so it gets half a minute.
async function picture(page) {
  await page.evaluate(() => video.pause());
  const read = () => page.evaluate(() => {
    const canvas = Object.assign(document.createElement("canvas"), { width: 320, height: 240 });
    const paper = canvas.getContext("2d");
    paper.drawImage(video, 0, 0, 320, 240);
    const light = (bar) => paper.getImageData(32 * bar + 16, 120, 1, 1).data[1] > 128;
    let second = 0;
    for (let i = 0; i < 8; i++) second += light(i + 1) ? 2 ** i : 0;
    return { second: light(0) && !light(9) ? second : -1, clock: clock.value };
  });
  const until = Date.now() + 30000;
  for (let last = await read(); ; ) {
    await page.waitForTimeout(500);
    const now = await read();
    const drawn = now.second >= 0 || Date.now() > until;
    if (drawn && now.second === last.second && now.clock === last.clock) return { second: now.second, clock: seconds(now.clock) };
    last = now;
  }
}

async function play(page, row) {
  await row.locator("button").click();
  return { start: seconds(await startOf(row)), advanced: await advanced(page, 0.5), ...await picture(page) };
}

async function download(page, link, name) {
  const [file] = await Promise.all([page.waitForEvent("download"), link.click()]);
  await file.saveAs(join(folder, name));
  return join(folder, name);
}

// guest sees what there is without having logged in.
async function guest(page) {
  await page.goto(address + "?play=" + encodeURIComponent(stream));
  await page.locator("#login").waitFor();
  await rows(page).nth(3).waitFor();
  return { rows: await rows(page).count(), blocks: await page.locator(".spans > div").count(), button: await page.locator("#record").isVisible() };
}

async function login(page) {
  await page.locator("#secret").fill(secret);
  await page.locator("#login button").click();
  await page.locator("#record").waitFor();
  await page.waitForFunction(() => video.currentTime > 0);
}

// click points just before what is recorded, which is narrow for a day.
async function click(page) {
  const x = await page.locator(".spans > div").first().evaluate((block) => block.offsetLeft);
  await page.locator("#timeline").click({ position: { x: x - 2, y: 35 } });
  return { start: seconds(await startOf(rows(page).last())), advanced: await advanced(page, 1.1), ...await picture(page) };
}

// later goes on by the keyboard from the beginning of the oldest file.
async function later(page) {
  const { start, clock } = await play(page, rows(page).last());
  await page.locator("#timeline").press("ArrowRight");
  // Until the other place is there, a busy machine may play on at the one before.
  await page.waitForFunction(([from]) => clock.value.split(":").reduce((sum, part) => 60 * sum + Number(part), 0) >= from + 9, [clock], { polling: 100 });
  await advanced(page, 0.5);
  return { start, ...await picture(page) };
}

// record records by the button until some of that can be played.
async function record(page) {
  const before = await rows(page).count();
  await page.getByRole("button", { name: "Record", exact: true }).click();
  await page.getByRole("button", { name: "Stop recording" }).waitFor();
  await rows(page).nth(before).waitFor();
  const growing = await rows(page).first().getByText("being recorded").isVisible();
  await rows(page).nth(before + 3).waitFor(); // the list grows by itself
  await page.getByRole("button", { name: "Stop recording" }).click();
  await page.getByRole("button", { name: "Record", exact: true }).waitFor();
  await page.waitForFunction(() => record.textContent === "Record" && !files.textContent.includes("being recorded"));
  return { growing, finished: true };
}

// across goes from one recording to another in one playlist, and so over what was not recorded.
async function across(page) {
  await page.getByRole("button", { name: "Back to live" }).click();
  await page.waitForFunction(() => state.textContent.includes(" by ") && video.currentTime > 0);
  const again = await play(page, rows(page).last());
  return { again, across: await play(page, rows(page).nth(3)) };
}

async function excerpt(page) {
  const from = await startOf(rows(page).last());
  await page.locator("[name=from]").fill(from);
  const until = seconds(from) + 6;
  await page.locator("[name=to]").fill([until / 3600, (until / 60) % 60, until % 60].map((n) => String(Math.floor(n)).padStart(2, "0")).join(":"));
  return download(page, page.getByRole("button", { name: "Download MP4" }), "excerpt.mp4");
}

async function dayBefore(page) {
  await page.getByRole("button", { name: "Day before" }).click();
  await page.waitForFunction(() => recorded.textContent !== "" && !recorded.textContent.endsWith("…"));
  return page.locator("#recorded").innerText();
}

const log = [];
let page;
try {
  page = await context.newPage();
  page.setDefaultTimeout(60000);
  page.on("console", (m) => { if (m.type() === "error" && !m.location().url.endsWith("/streams.json")) log.push(m.text() + " " + m.location().url); });
  page.on("pageerror", (e) => log.push(String(e)));
  const saw = { guest: await guest(page) };
  await login(page);
  saw.clicked = await click(page);
  saw.later = await later(page);
  Object.assign(saw, await record(page), await across(page));
  saw.file = await download(page, rows(page).last().getByText("Download"), "file.mp4");
  saw.excerpt = await excerpt(page);
  saw.message = await dayBefore(page);
  console.log(JSON.stringify({ ...saw, log }));
} catch (e) { // what the page was at says more than what was waited for
  const state = () => ({
    paused: video.paused, seeking: video.seeking, ready: video.readyState, at: video.currentTime, error: video.error?.message,
    clock: clock.value, shown: document.body.innerText.slice(0, 2000),
  });
  console.error(JSON.stringify({ ...await page?.evaluate(state).catch(String), log }));
  throw e;
} finally {
  await context.close();
  rmSync(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
}
