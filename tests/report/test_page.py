"""The report page in a real Chromium, with 1,000 tests: what a reader does with it.

scripts/report-page.sh    builds the page and runs this
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browser import Browser, Page

ROOT = Path(__file__).resolve().parents[2]
MAKER = ROOT / "target" / "debug" / "examples" / "report_page"
COUNT = 1_000
# Set, pictures of the page are left there.
PICTURES = os.environ.get("REPORT_PICTURES")
SHOWN = "document.querySelectorAll('#tests > li').length"


@pytest.fixture(scope="session")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("report") / "report.html"
    file.write_bytes(subprocess.run([MAKER, str(COUNT), "7"], check=True, capture_output=True).stdout)
    return file


@pytest.fixture(scope="session")
def tests(file: Path) -> list[dict[str, Any]]:
    """The data of the page, read without it."""
    found = re.search(
        r'<script type="application/json" id="data">(.*?)</script>', file.read_text(), re.DOTALL
    )
    assert found is not None
    data: list[dict[str, Any]] = json.loads(found.group(1))["tests"]
    assert len(data) == COUNT
    return data


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with Browser() as browser:
        yield browser


@pytest.fixture
def page(browser: Browser, file: Path) -> Iterator[Page]:
    page = browser.open(file)
    page.wait(f"{SHOWN} > 0")
    yield page
    assert page.faults == []
    assert page.requests == [file.absolute().as_uri()], "the page asked for something"


def count(tests: list[dict[str, Any]], *states: str) -> int:
    return sum(test["state"] in states for test in tests)


def picture(page: Page, name: str) -> None:
    if PICTURES:
        page.picture(Path(PICTURES) / f"{name}.png")


def test_the_page_begins_with_what_is_not_as_recorded(page: Page, tests: list[dict[str, Any]]) -> None:
    wrong = count(tests, "deviated", "failed")
    assert page.run("document.querySelector('#count').textContent") == f"{wrong} of 1,000 tests"
    assert page.run("document.querySelector('.verdict b').textContent") == f"{wrong} tests not as recorded"
    picture(page, "first")


def test_states_are_chosen_with_buttons(page: Page, tests: list[dict[str, Any]]) -> None:
    page.run("document.querySelector('[data-state=all]').click()")
    assert page.run("document.querySelector('#count').textContent") == "1,000 tests"
    page.run("document.querySelector('[data-state=failed]').click()")
    failed = count(tests, "failed")
    assert page.run("document.querySelector('#count').textContent") == f"{failed} of 1,000 tests"
    assert page.run(SHOWN) == failed
    pressed = "[...document.querySelectorAll('#filters [aria-pressed=true]')].map(b => b.dataset.state)"
    assert page.run(pressed) == ["failed"]


def test_rows_are_made_as_they_come_into_view(page: Page) -> None:
    page.run("document.querySelector('[data-state=all]').click()")
    assert page.run(SHOWN) < 500
    for _ in range(40):
        page.run("scrollTo(0, document.body.scrollHeight)")
        page.run("new Promise(requestAnimationFrame)")
        if page.run(SHOWN) == COUNT:
            break
    page.wait(f"{SHOWN} === {COUNT}")


def test_search_finds_names_paths_calls_and_trace_ids(page: Page, tests: list[dict[str, Any]]) -> None:
    page.run("document.querySelector('[data-state=all]').click()")

    def found(text: str) -> int:
        page.press("/")
        page.run("document.querySelector('#query').value = ''")
        page.type(text)
        page.run("new Promise(done => setTimeout(done, 150))")
        return int(page.run("document.querySelector('#count').textContent").split()[0].replace(",", ""))

    assert found(tests[17]["trace_id"]) == 1
    assert found("nothing has this") == 0
    assert found("GRAPHQL") == sum("/graphql" in test["target"] for test in tests)
    assert found("$.curency") == sum("$.curency" in json.dumps(test.get("deviations")) for test in tests)
    assert found("rates.example.test new") == sum(
        "rates.example" in json.dumps(test.get("calls")) for test in tests
    )
    page.press("Escape")
    assert page.run("document.querySelector('#count').textContent") == "1,000 tests"


def test_the_keyboard_is_enough(page: Page) -> None:
    page.press("j", "j")
    page.press("j", "j")
    page.press("Enter")
    assert page.run("document.activeElement.getAttribute('aria-expanded')") == "true"
    assert (
        page.run(
            "[...document.querySelector('#tests').children].indexOf(document.activeElement.parentElement)"
        )
        == 1
    )
    assert page.run("document.querySelectorAll('#tests .body').length") == 1
    page.press("Enter")
    assert page.run("document.querySelectorAll('#tests .body').length") == 0
    page.press("k", "k")
    assert (
        page.run(
            "[...document.querySelector('#tests').children].indexOf(document.activeElement.parentElement)"
        )
        == 0
    )


def test_every_test_opens_and_shows_its_deviations_and_calls(page: Page, tests: list[dict[str, Any]]) -> None:
    page.run("document.querySelector('[data-state=all]').click()")
    seen = set()
    for test in tests:
        codes = tuple(sorted({one["code"] for one in test.get("deviations", [])}))
        if codes in seen:
            continue
        seen.add(codes)
        page.run(f"location.hash = '{test['trace_id']}'")
        page.wait("document.activeElement.getAttribute('aria-expanded') === 'true'")
        text = page.run("document.activeElement.parentElement.innerText")
        for one in test.get("deviations", []):
            if one["part"] == "outbound":
                assert one["description"] in text
            else:
                assert one["code"] in text
                assert one.get("path", one["part"]) in text
        for call in test["calls"]:
            assert call["summary"] in text
            assert call["why"] in text
        picture(page, "-".join(codes).lower() or "as-recorded")
        page.run("document.activeElement.click()")
    assert len(seen) >= 8


def test_markup_in_the_data_stays_text(page: Page, tests: list[dict[str, Any]]) -> None:
    index = next(
        index
        for index, test in enumerate(tests)
        if any(one["code"] == "BODY_TEXT_CHANGED" for one in test.get("deviations", []))
    )
    page.run(f"location.hash = '{tests[index]['trace_id']}'")
    page.wait("document.querySelector('.lines') !== null")
    assert '<script>render("</script>")</script>' in page.run("document.querySelector('.lines').innerText")
    assert page.run("document.querySelectorAll('#tests script, #tests h1').length") == 0


def test_the_policy_of_the_page_stops_scripts_that_are_not_its_own(browser: Browser, file: Path) -> None:
    page = browser.open(file)
    page.run(
        "const script = document.createElement('script'); script.textContent = 'window.foreign = 1';"
        "document.body.append(script)"
    )
    assert page.run("typeof window.foreign") == "undefined"
    assert page.run("fetch('data:text/plain,x').then(() => 'sent', () => 'stopped')") == "stopped"


@pytest.mark.parametrize("dark", [False, True])
def test_texts_stand_out_from_their_grounds(browser: Browser, file: Path, dark: bool) -> None:
    """The contrast of the words in a row and in an open test, at least 4.5 as WCAG 2 asks."""
    page = browser.open(file, dark=dark)
    page.run("document.querySelector('#tests .row').click()")
    poor = page.run(
        """(() => {
          const parse = (color) => color.match(/[\\d.]+/g).map(Number);
          const light = ([r, g, b]) => [r, g, b].map((v) => v / 255)
            .map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
            .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
          const ground = (element) => {
            for (let at = element; at; at = at.parentElement) {
              const color = parse(getComputedStyle(at).backgroundColor);
              if (color.length === 3 || color[3] === 1) return color;
            }
            return [255, 255, 255];
          };
          const poor = [];
          for (const element of document.querySelectorAll('header *, .controls *, #tests *, .foot *')) {
            if (![...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim())) continue;
            const [a, b] = [light(parse(getComputedStyle(element).color)), light(ground(element))];
            const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
            if (contrast < 4.5) poor.push(`${element.className || element.tagName} ${contrast.toFixed(2)}`);
          }
          return [...new Set(poor)];
        })()"""
    )
    assert poor == []
    picture(page, "dark" if dark else "light")


def test_a_narrow_window_has_nothing_to_scroll_sideways(browser: Browser, file: Path) -> None:
    page = browser.open(file, width=380, height=800)
    page.run("document.querySelector('#tests .row').click()")
    assert page.run("document.documentElement.scrollWidth <= innerWidth")
    picture(page, "narrow")


def test_the_page_is_there_in_a_second(page: Page) -> None:
    """From the navigation to the first rows; ten times what it takes, so that a slow machine passes."""
    assert page.run("performance.getEntriesByType('navigation')[0].domComplete") < 5_000
