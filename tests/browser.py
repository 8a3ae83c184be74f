"""A headless Chromium for tests of pages, by ChromeDriver's protocol; tests are skipped without one."""

from __future__ import annotations

import base64
import json
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

DRIVER, CHROMIUM = shutil.which("chromedriver"), shutil.which("chromium")
needs_browser = pytest.mark.skipif(not (DRIVER and CHROMIUM), reason="no Chromium here")
_FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)


class Browser:
    """A browser's window.

    Args:
        base: The address of the driver.
        folder: The browser's profile.
    """

    def __init__(self, base: str, folder: Path) -> None:
        options = {"args": [*_FLAGS, f"--user-data-dir={folder}"], "binary": CHROMIUM}
        wanted = {
            "browserName": "chrome",
            "goog:chromeOptions": options,
            "goog:loggingPrefs": {"browser": "ALL"},
        }
        self._at = base
        made = self._call("POST", "/session", {"capabilities": {"alwaysMatch": wanted}})
        self._at = f"{base}/session/{made['sessionId']}"

    def open(self, path: Path, anchor: str = "") -> None:
        """Open a file."""
        self._call("POST", "/url", {"url": path.resolve().as_uri() + anchor})

    def run(self, script: str) -> Any:
        """What a function's body gives back; a promise is waited for."""
        waiting = f"const done = arguments[0]; Promise.resolve((() => {{{script}}})()).then(done)"
        return self._call("POST", "/execute/async", {"script": waiting, "args": []})

    def press(self, *keys: str) -> None:
        """Press keys, one after the other."""
        actions = [{"type": kind, "value": key} for key in keys for kind in ("keyDown", "keyUp")]
        self._call("POST", "/actions", {"actions": [{"type": "key", "id": "keys", "actions": actions}]})

    def size(self, width: int, height: int) -> None:
        """Set the size of what is seen, also below the least window."""
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.tell("Emulation.setDeviceMetricsOverride", metrics)

    def tell(self, command: str, params: dict[str, Any]) -> Any:
        """A command of the DevTools protocol."""
        return self._call("POST", "/goog/cdp/execute", {"cmd": command, "params": params})

    def picture(self, path: Path) -> None:
        """Store what is seen as a PNG."""
        path.write_bytes(base64.b64decode(self._call("GET", "/screenshot")))

    def complaints(self) -> list[str]:
        """What the page has written to its console as an error."""
        return [line["message"] for line in self._call("POST", "/se/log", {"type": "browser"})]

    def close(self) -> None:
        """End it."""
        self._call("DELETE", "")

    def _call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self._at + path, data, method=method)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=60) as answer:
            return json.load(answer)["value"]


@contextmanager
def browser(folder: Path) -> Iterator[Browser]:
    """A browser that ends with the block."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    driver = subprocess.Popen(
        [str(DRIVER), f"--port={port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        _wait(port)
        window = Browser(f"http://127.0.0.1:{port}", folder)
        try:
            yield window
        finally:
            with suppress(OSError):
                window.close()
    finally:
        driver.terminate()
        driver.wait()


def _wait(port: int) -> None:
    for _ in range(300):
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.1):
            return
        time.sleep(0.1)
    raise TimeoutError("ChromeDriver does not answer")
