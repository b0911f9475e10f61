"""Take the pictures of the console that README.md shows: `make screenshots`.

They are of the simulator's campaigns around the present, as in `make run`. They lie in `deploy/`, with what else is for
those who run the gateway: not in `gateway/`, for what is there is sent and shipped.
"""

import sys
from datetime import UTC, datetime
from pathlib import Path

from gateway.simulator.server import SimulatorServer, demo_config
from gateway.simulator.showcase import with_showcase
from tests.support.console import Console, profile, running_chromium
from tests.support.gateway import PROJECT
from tests.support.server import served_gateway

FOLDER = PROJECT / "deploy" / "console"
TENANTS = """[
    {vdn = 1, name = "Hotline", access_key = "demo-access-key", secret_key = "demo-secret-key"},
    {vdn = 2, name = "回访热线", access_key = "demo-access-key-2", secret_key = "demo-secret-key-2"},
]"""
PICTURES = {
    "list-light": ("en-GB", "light", 1280, 760, "?size=10"),
    "timeline-dark": ("zh-CN", "dark", 1280, 860, "?size=10&show=timeline"),
}
MORE = {
    "list-360-light": ("en-GB", "light", 360, 780, ""),
    "list-360-dark-zh": ("zh-CN", "dark", 360, 780, ""),
    "list-dark-zh": ("zh-CN", "dark", 1280, 960, ""),
    "list-640": ("en-GB", "light", 640, 480, ""),
    "list-1920": ("en-GB", "light", 1920, 1080, "?size=50"),
    "wall-1920-dark": ("zh-CN", "dark", 1920, 1080, "?wall=1"),
    "day-light": ("en-GB", "light", 1280, 960, "?show=timeline&axis=day"),
}


def main(folder: Path, pictures: dict[str, tuple[str, str, int, int, str]]) -> None:
    """Write the pictures into a folder."""
    now = datetime.now(UTC).replace(tzinfo=None)
    with (
        SimulatorServer(demo_config()) as simulator,
        served_gateway(simulator.base_url, GATEWAY__TENANTS=TENANTS) as served,
        running_chromium() as browser,
    ):
        simulator.listings.show(1, with_showcase(1, now))
        for name, (locale, theme, width, height, query) in pictures.items():
            size = {"width": width, "height": height}
            with profile(browser, locale=locale, color_scheme=theme, viewport=size) as context:
                console = Console(context, served.url, context.new_page()).open(query, "all-key")
                console.page.locator("#attention li").first.wait_for()
                console.page.locator("#campaigns button.name").first.wait_for()
                console.level("good")
                console.page.screenshot(path=folder / f"{name}.png", scale="css")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(Path(sys.argv[1]), {**PICTURES, **MORE})
    else:
        main(FOLDER, PICTURES)
