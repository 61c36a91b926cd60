"""The page in a real browser: no error, no request, charts drawn, images loaded, sorting, filtering, saving work."""

import functools
import http.server
import json
import shutil
import threading
import time

import pytest

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser")
DRIVER = shutil.which("chromedriver")
pytestmark = pytest.mark.skipif(
    not (BROWSER and DRIVER),
    reason="needs chromium and chromedriver (Debian: apt-get install chromium chromium-driver)",
)


@pytest.fixture(scope="module")
def page(demo_report):
    webdriver = pytest.importorskip("selenium.webdriver")
    options = webdriver.ChromeOptions()
    options.binary_location = BROWSER
    for flag in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--window-size=1400,1000"):
        options.add_argument(flag)
    options.add_experimental_option("prefs", {"download_restrictions": 3})
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    driver.get(demo_report.page.as_uri())
    yield driver
    driver.quit()


def wait_for(condition, seconds=20):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            pytest.fail("it did not happen in time")
        time.sleep(0.05)


def draw_all(page):
    page.execute_script("window.dispatchEvent(new Event('beforeprint'))")
    undrawn = "return [...document.querySelectorAll('[data-chart]')].filter(place => !place.dataset.ready).length"
    wait_for(lambda: page.execute_script(undrawn) == 0)


def test_every_chart_is_drawn_and_nothing_complains(page):
    draw_all(page)
    assert page.execute_script("return document.querySelectorAll('[data-chart] canvas').length") >= 8
    assert page.get_log("browser") == []


def test_no_request_leaves_the_file(page):
    draw_all(page)
    events = [json.loads(entry["message"])["message"] for entry in page.get_log("performance")]
    urls = {event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"}
    assert {url for url in urls if not url.startswith(("data:", "blob:"))} == {page.current_url.partition("#")[0]}


def test_the_page_may_not_fetch_even_if_a_script_tried(page, tmp_path):
    """The policy in its head is what keeps it so."""
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        tried = page.execute_async_script(
            "const done = arguments[1]; fetch(arguments[0]).then(() => done('fetched'), () => done('refused'));",
            f"http://127.0.0.1:{server.server_port}/",
        )
        server.shutdown()
    assert tried == "refused"
    page.get_log("browser")  # the refusal that was asked for


def test_every_image_loads(page):
    broken = "return [...document.images].filter(image => !(image.complete && image.naturalWidth)).length"
    assert page.execute_script("return document.images.length") > 50
    assert page.execute_script(broken) == 0


def column(page, name):
    return page.execute_script(
        "const table = document.querySelector('#table3 table');"
        "const at = [...table.tHead.rows[0].cells].findIndex(cell => cell.dataset.column === arguments[0]);"
        "return [...table.tBodies[0].rows].map(row => row.cells[at].firstChild?.textContent ?? '')",
        name,
    )


def click_heading(page, name):
    page.execute_script("document.querySelector(`#table3 th[data-column='${arguments[0]}']`).click()", name)


def test_candidates_sort_by_number_both_ways(page):
    click_heading(page, "redshift")
    down = [float(text) for text in column(page, "redshift") if text]
    assert len(down) > 2
    assert down == sorted(down, reverse=True)
    click_heading(page, "redshift")
    assert [float(text) for text in column(page, "redshift") if text] == sorted(down)
    sort = "return document.querySelector(\"#table3 th[data-column='redshift']\").getAttribute('aria-sort')"
    assert page.execute_script(sort) == "ascending"


def test_candidates_filter_by_words_class_and_sigma(page):
    ids = column(page, "object_id")
    script = (
        "const input = document.querySelector(arguments[0]); input.value = arguments[1];"
        "input.dispatchEvent(new Event('input'))"
    )
    page.execute_script(script, "#table3 input[type=search]", ids[-1])
    assert column(page, "object_id") == [ids[-1]]
    page.execute_script(script, "#table3 input[type=search]", "no such thing")
    assert column(page, "object_id") == []
    page.execute_script(script, "#table3 input[type=search]", "")
    bands = column(page, "bands")
    page.execute_script(script, "#table3 select[name=bands]", bands[0])
    assert set(column(page, "bands")) == {bands[0]}
    assert len(column(page, "bands")) == bands.count(bands[0])
    page.execute_script(script, "#table3 select[name=bands]", "")
    sigmas = sorted(float(text) for text in column(page, "max_sigma"))
    page.execute_script(script, "#table3 input[type=number]", str(sigmas[-1] - 0.01))
    assert all(float(text) >= sigmas[-1] - 0.01 for text in column(page, "max_sigma"))
    assert 0 < len(column(page, "max_sigma")) < len(sigmas)
    page.execute_script(script, "#table3 input[type=number]", "")


def test_other_tables_sort_too(page):
    page.execute_script("document.querySelectorAll('#cut-flow th')[2].click()")
    cells = "return [...document.querySelectorAll('#cut-flow tbody tr')].map(row => Number(row.cells[2].dataset.value))"
    numbers = page.execute_script(cells)
    assert numbers == sorted(numbers)


def test_an_object_links_to_four_archives_at_its_position(page):
    links = page.execute_script(
        "return [...document.querySelector('#table3 tbody tr').querySelectorAll('.links a')].map(link => link.href)"
    )
    ra = float(column(page, "ra")[0])
    assert [
        part for part in ("hscMap", "skyserver", "legacysurvey", "simbad") if any(part in link for link in links)
    ] == [
        "hscMap",
        "skyserver",
        "legacysurvey",
        "simbad",
    ]
    sdss = next(link for link in links if "skyserver" in link)
    assert float(sdss.partition("ra=")[2].partition("&")[0]) == pytest.approx(ra, abs=1e-4)


@pytest.mark.parametrize("stamp", ["#table3 tbody img", "#figure6 .strip", "#figure2 .strip"])
def test_a_stamp_opens_larger_with_links_and_closes(page, stamp):
    page.execute_script("document.querySelector(arguments[0]).click()", stamp)
    loupe = "return document.getElementById('loupe')"
    assert page.execute_script(f"{loupe}.hidden") is False
    assert page.execute_script(f"{loupe}.querySelector('img').width") > 64
    found = page.execute_script(f"{loupe}.querySelector('.links').textContent")
    assert found == "hscMapSDSSLegacySIMBAD"
    page.execute_script("document.getElementById('loupe').click()")
    assert page.execute_script(f"{loupe}.hidden") is True
    assert len(page.window_handles) == 1


def test_what_is_shown_can_be_saved_and_says_that_it_is_simulated(page):
    saved = page.execute_async_script(
        "const done = arguments[0], make = URL.createObjectURL;"
        "URL.createObjectURL = blob => { URL.createObjectURL = make; blob.text().then(done); return make(blob); };"
        "[...document.querySelectorAll('#table3 button')].find(button => button.textContent.includes('CSV')).click();"
    )
    lines = saved.strip().splitlines()
    assert lines[0].endswith(",is_simulated")
    assert all(line.endswith(",true") for line in lines[1:])
    assert [line.partition(",")[0] for line in lines[1:]][: len(column(page, "object_id"))] == column(page, "object_id")
