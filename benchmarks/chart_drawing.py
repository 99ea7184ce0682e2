"""How long a chart takes in a real browser: Debian's Chromium, by Playwright."""

from __future__ import annotations

import shutil
from statistics import median

from pages_server import PagesServer
from playwright.sync_api import sync_playwright

_RECORD_LAST_STROKE = """
for (const name of ["stroke", "fill", "fillText"]) {
  const draw = CanvasRenderingContext2D.prototype[name];
  CanvasRenderingContext2D.prototype[name] = function (...given) {
    draw.apply(this, given);
    window.drawnAt = performance.now();
  };
}"""
_MEASURED = """async () => {
  await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));
  return window.drawnAt - performance.getEntriesByName("history-chart")[0].startTime;
}"""
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def drawing_seconds(server: PagesServer, path: str, visits: int) -> float:
    """From the data in memory to the last stroke on the canvas. ImportError without a browser."""
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    if program is None:
        raise ImportError("Chromium is not installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-proxy-server"])
        page = browser.new_page()
        page.add_init_script(_RECORD_LAST_STROKE)
        page.goto(f"{server.url}/sign-in")
        page.get_by_label("Admin token").fill(server.token())
        page.get_by_role("button", name="Sign in").click()
        seconds = []
        for _ in range(visits):
            page.goto(server.url + path)
            page.wait_for_selector(".plot canvas")
            seconds.append(page.evaluate(_MEASURED) / 1000)
        browser.close()
    return float(median(seconds))
