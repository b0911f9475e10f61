"""The console when something is wrong: what it goes on to show, and what it says about it."""

import os
import re
import signal
from pathlib import Path
from typing import Any

from playwright.sync_api import expect

from gateway.access.keys import key_hash
from gateway.simulator.faults import Fault
from gateway.simulator.server import SimulatorServer
from tests.browser.conftest import QUICK, NewConsole, a_campaign
from tests.support.console import Console
from tests.support.server import served_gateway


def test_cc_isales_is_slow(simulator: SimulatorServer, console: Console) -> None:
    """The page at hand stays, and the line says that it is old because CC-iSales is slow."""
    console.open()
    console.shows(20)
    simulator.latency_s = 3.0
    console.level("slow")
    expect(console.line).to_contain_text(re.compile(r"CC-iSales is slow, this is \d+ s old"))
    console.shows(20)
    simulator.latency_s = 0.0
    console.level("good")


def test_cc_isales_is_down_and_there_is_a_page(simulator: SimulatorServer, console: Console) -> None:
    """The page stays; the line says since when, why, what to do and under which id, in the language of the page."""
    console.open()
    console.shows(20)
    simulator.faults.arm(Fault("http-status", times=None, status=500))
    console.level("down")
    expect(console.line).to_contain_text(re.compile(r"No answer from CC-iSales since \d\d:\d\d: CC-iSales failed"))
    expect(console.line).to_contain_text(re.compile(r"What is shown is .* old\."))
    expect(console.line).to_contain_text("Try again later.")
    assert console.line.locator(".request code").inner_text()
    console.shows(20)
    console.page.get_by_role("button", name="中文").click()
    expect(console.line).to_contain_text("没有应答：CC-iSales 失败")
    expect(console.line).to_contain_text("请稍后重试。")
    simulator.faults.clear()
    console.level("good")


def test_cc_isales_is_down_and_there_is_no_page(simulator: SimulatorServer, new_console: NewConsole) -> None:
    """Nothing is made up: why, what to do, under which id, and when it is tried again; then it goes on by itself."""
    simulator.faults.arm(Fault("http-status", times=None, status=500))
    console = new_console()
    console.page.clock.install()
    console.open("?name=Spring")
    console.level("down")
    expect(console.line).to_contain_text("No answer from CC-iSales: CC-iSales failed")
    expect(console.line).to_contain_text(re.compile(r"Next try in \d+ s"))
    assert console.line.locator(".request code").inner_text()
    expect(console.page.locator("#nothing")).to_contain_text("see above")
    simulator.faults.clear()
    console.page.clock.fast_forward(60_000)
    console.level("good")
    console.shows(20)


def test_nothing_of_another_question_is_shown(simulator: SimulatorServer, console: Console) -> None:
    """Rows of the tab before go when those of the new one cannot be had."""
    console.open("?name=tilde")
    expect(console.rows.first).to_be_visible()
    simulator.faults.arm(Fault("http-status", times=None, status=500))
    console.page.get_by_label("Type").select_option("preempted")
    console.level("down")
    console.shows(0)


def test_the_gateway_is_gone(isales: SimulatorServer, simulator: SimulatorServer, console: Console) -> None:
    """What was shown stays with its age, and the line says that nobody answers, and when it asks again."""
    simulator.listings.show(1, [a_campaign(1)])
    with served_gateway(isales.base_url) as served:
        console.gateway = served.url
        console.open()
        console.shows(1)
    console.page.get_by_role("button", name="Now").click()
    console.level("down")
    expect(console.line).to_contain_text("The gateway has not answered since")
    expect(console.line).to_contain_text("Check your network")
    console.shows(1)


def test_a_vdn_that_the_key_may_not_read(console: Console) -> None:
    """A link to it says so, and the way to one's own is a choice away."""
    console.open("?vdn=2")
    console.level("down")
    expect(console.line).to_contain_text("2")
    expect(console.line.locator(".next")).to_have_count(0)
    console.shows(0)
    console.page.get_by_label("Virtual call centre").select_option("1")
    console.level("good")
    console.shows(20)


def test_a_key_that_is_revoked_meanwhile(isales: SimulatorServer, console: Console, tmp_path: Path) -> None:
    """The console asks for another one, says why, and shows nothing any more."""
    settings = tmp_path / "gateway.toml"

    def give(key: str) -> None:
        settings.write_text(f'[[clients]]\nname = "web"\nkey_sha256 = "{key_hash(key)}"\nvdns = [1]\n')

    give("web-key")
    variables: Any = {**QUICK, "GATEWAY_CONFIG": str(settings), "GATEWAY__CLIENTS": ""}
    with served_gateway(isales.base_url, **variables) as served:
        console.gateway = served.url
        console.open()
        console.shows(20)
        give("two-key")
        for worker in served.worker_pids():
            os.kill(worker, signal.SIGHUP)
        expect(console.page.locator("#credential")).to_be_visible()
        expect(console.page.get_by_role("alert")).to_contain_text("That does not work.")
        expect(console.page.locator("#board")).to_be_hidden()
        assert console.page.evaluate("sessionStorage.length") == 0
        console.enter("two-key")
        console.shows(20)


def test_a_pause_asks_nothing(simulator: SimulatorServer, new_console: NewConsole) -> None:
    """While it is paused nothing is asked; to go on asks at once."""
    rows = [a_campaign(1)]
    simulator.listings.show(1, rows)
    console = new_console()
    console.page.clock.install()
    console.open("?name=Camp")
    console.shows(1)
    asked: list[str] = []
    console.page.get_by_role("button", name="Pause").click()
    console.level("paused")
    console.page.on("request", lambda request: asked.append(request.url))
    simulator.listings.show(1, [a_campaign(1), a_campaign(2)])
    console.page.clock.fast_forward(300_000)
    expect(console.line).to_contain_text(re.compile(r"Paused, this is 5 min( \d+ s)? old"))
    assert asked == []
    console.page.get_by_role("button", name="Pause").click()
    console.level("good")
    console.shows(2)
