"""People come in, go out and are let in, in a real browser over a real ledger; and what is refused."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import Browser, Page

from orchestrator.access import people, signing_in
from orchestrator.access.audit import By
from orchestrator.access.roles import Role
from orchestrator.access.signing_in import Ages
from orchestrator.clock import VirtualClock
from orchestrator.engine import Engine
from orchestrator.journey import RuleBook
from orchestrator.ledger import Ledger
from tests.builders import at
from tests.web.browser import DESK, PHONE, WIDTHS, browser, look, opened, signed_site, sound

__all__ = ["browser"]

PASSWORD = "four quiet words here"
HOUR = timedelta(hours=1)
SHELL = By("root", "command line")


class House:
    """An installation that people sign in to, and its clock."""

    def __init__(self, engine: Engine) -> None:
        self.engine, self.clock = engine, VirtualClock(at("2026-03-12 09:00"))
        self.url = ""

    def invited(self, name: str, email: str, role: Role = Role.ADMIN, **more: list[str]) -> str:
        """Let somebody in, and give the address of their link."""
        with self.engine.ledger.transaction() as tx:
            if tx.account_of(email) is None:
                token = people.add(tx, SHELL, self.clock.now(), name=name, email=email, role=role, **more)[1]
            else:
                token = people.link(tx, SHELL, self.clock.now(), tx.account_of(email).id)[1]  # type: ignore[union-attr]
        return f"{self.url}/console/welcome/{token}"

    @contextmanager
    def client(self, **headers: str) -> Iterator[httpx.Client]:
        """A program that sends what a browser's own page would."""
        with httpx.Client(base_url=self.url, headers={"Origin": self.url, **headers}) as found:
            yield found

    @contextmanager
    def signed_in(self, email: str = "paul.lindner@example.com", **more: str) -> Iterator[httpx.Client]:
        with self.client(**more) as client:
            form = {"email": email, "password": PASSWORD}
            assert client.post("/console/sign-in", data=form).status_code == 303
            yield client

    def token(self, client: httpx.Client) -> str:
        found = re.search(r'name="csrf" value="(\w+)"', client.get("/console/account").text)
        assert found
        return found[1]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    where: Path = tmp_path_factory.mktemp("house") / "ledger.db"
    with Ledger.open(f"sqlite:///{where}", upgrade=True) as ledger:
        found = House(Engine(ledger, RuleBook()))
        with signed_site(found.engine, found.clock.now) as found.url, found.client() as first:
            with ledger.transaction() as tx:
                link = people.first_link(tx, found.clock.now())
            form = {"name": "Paul Lindner", "email": "paul.lindner@example.com", "password": PASSWORD}
            assert first.post(f"/console/welcome/{link}", data=form).status_code == 303
            yield found


def sign_in(page: Page, house: House, email: str = "paul.lindner@example.com") -> None:
    page.goto(f"{house.url}/console")
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(lambda url: "sign-in" not in url)


# ── in a browser ─────────────────────────────────────────────────────────────


def test_the_first_admin_comes_in_by_the_link_that_the_server_printed_and_nobody_after_them(
    house: House, browser: Browser, tmp_path: Path
) -> None:
    with Ledger.open(f"sqlite:///{tmp_path / 'ledger.db'}", upgrade=True) as ledger:
        fresh = House(Engine(ledger, RuleBook()))
        with signed_site(fresh.engine, fresh.clock.now) as fresh.url, opened(browser, PHONE) as page:
            with ledger.transaction() as tx:
                token = people.first_link(tx, fresh.clock.now())
            page.goto(f"{fresh.url}/console/welcome/{token}")
            sound(page)
            page.get_by_label("Your name").fill("Paul Lindner")
            page.get_by_label("Your e-mail").fill("Paul.Lindner@example.com")
            page.get_by_label("Password").fill(PASSWORD)
            page.get_by_role("button", name="Begin").click()
            page.get_by_role("heading", name="Paul Lindner").or_(page.get_by_role("main")).first.wait_for()
            assert "sign-in" not in page.url
            assert httpx.get(f"{fresh.url}/console/welcome/{token}").status_code == 410
        with ledger.read() as tx:
            assert [(one.email, one.role) for one in tx.accounts()] == [("paul.lindner@example.com", "admin")]
            assert not people.needs_first_admin(tx)


@pytest.mark.parametrize("width", WIDTHS)
def test_the_doors_are_sound(house: House, browser: Browser, width: int) -> None:
    look(browser, f"{house.url}/console/sign-in", width)
    look(browser, house.invited("Aylin Demir", "aylin@example.com", Role.READ_ONLY), width)


@pytest.mark.parametrize("width", WIDTHS)
def test_an_admin_lets_somebody_in_who_chooses_a_password_and_sees_no_more_than_their_role(
    house: House, browser: Browser, width: int
) -> None:
    email = f"nora{width}@example.com"
    with opened(browser, width) as page:
        sign_in(page, house)
        page.goto(f"{house.url}/console/people")
        sound(page, sent(page))
        page.locator("summary", has_text="Add somebody").click()
        people_form = page.locator("details[open] form")
        people_form.get_by_label("Name").fill("Nora Brandt")
        people_form.get_by_label("E-mail").fill(email)
        people_form.get_by_label("operator").check()
        people_form.get_by_role("button", name="Make their link").click()
        link = page.get_by_label("The link").input_value()
        sound(page)
    with opened(browser, width) as page:
        page.goto(link)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Begin").click()
        page.wait_for_url(lambda url: "welcome" not in url)
        page.goto(f"{house.url}/console/account")
        assert page.get_by_text("not allowed", exact=False).count() >= 1
        assert page.get_by_role("link", name="People").count() == 0
        page.get_by_role("button", name="Sign out").click()
        page.get_by_text("You are signed out.").wait_for()


def sent(page: Page) -> str:
    """The page as the server sends it."""
    return page.request.get(page.url).text()


@pytest.mark.parametrize("width", [DESK, PHONE])
def test_the_pages_about_people_keys_and_changes_are_sound_also_with_long_and_right_to_left_names(
    house: House, browser: Browser, width: int
) -> None:
    house.invited("ليلى " * 30, f"layla{width}@example.com", Role.APPROVER)
    house.invited("Wolfeschlegelsteinhausenbergerdorff" * 5, f"long{width}@example.com", Role.OPERATOR)
    with opened(browser, width, dark=width == PHONE) as page:
        sign_in(page, house)
        for path in ("/console/people", "/console/people/1", "/console/changes", "/console/account/password"):
            page.goto(f"{house.url}{path}")
            sound(page, sent(page))
        page.goto(f"{house.url}/console/people")
        page.locator("summary", has_text="Make a key").click()
        page.get_by_role("textbox", name="System").fill(f"shop at {width}")
        page.get_by_label("events:write").check()
        page.get_by_role("button", name="Make the key").click()
        assert page.get_by_label("The key", exact=True).input_value().startswith("bfh_")
        sound(page)


# ── what is refused ──────────────────────────────────────────────────────────


def test_a_wrong_password_an_unknown_address_and_a_disabled_person_are_told_the_same(house: House) -> None:
    house.invited("Jonas Weber", "jonas@example.com")
    with house.client() as client:
        said = set()
        for email in ("paul.lindner@example.com", "nobody@example.com", "jonas@example.com"):
            answer = client.post("/console/sign-in", data={"email": email, "password": "wrong wrong wrong"})
            said.add((answer.status_code, re.sub(r'value="[^"]*"', "", answer.text)))
            assert "set-cookie" not in answer.headers
    assert len(said) == 1


def test_who_is_disabled_while_their_password_is_compared_stays_out_and_disabled(house: House) -> None:
    with house.engine.ledger.transaction() as tx:
        link = people.add(
            tx, SHELL, house.clock.now(), name="Nora Brandt", email="late@example.com", role=Role.OPERATOR
        )[1]
        people.welcome(tx, link, "a hash", house.clock.now())
        read = signing_in.attempt(tx, "late@example.com", "192.0.2.7", house.clock.now())
        assert read is not None
        people.disable(tx, SHELL, house.clock.now(), read.id)
        assert signing_in.succeed(tx, read, "192.0.2.7", house.clock.now()) is None
        now = tx.account(read.id)
        assert now is not None
        assert now.disabled_at is not None


def test_who_fails_again_and_again_waits_longer_and_longer_even_with_the_right_password(house: House) -> None:
    email, form = "throttled@example.com", {"email": "throttled@example.com", "password": "no no no no"}
    with house.client() as client:
        link = house.invited("Maria Keller", email, Role.READ_ONLY)
        assert client.post(link, data={"password": PASSWORD}).status_code == 303
    with house.client() as client:
        answers = [client.post("/console/sign-in", data=form) for _ in range(6)]
        assert [answer.status_code for answer in answers] == [422] * 5 + [429]
        assert answers[-1].headers["retry-after"] == "5"
        right = {"email": email, "password": PASSWORD}
        assert client.post("/console/sign-in", data=right).status_code == 429
        house.clock.advance(timedelta(seconds=6))
        assert client.post("/console/sign-in", data=form).status_code == 422
        assert client.post("/console/sign-in", data=right).headers["retry-after"] == "10"
        house.clock.advance(timedelta(seconds=11))
        assert client.post("/console/sign-in", data=right).status_code == 303
        assert client.post("/console/sign-in", data=form).status_code == 422  # and not 429: all is forgiven
    house.clock.advance(HOUR)


def test_a_form_without_its_token_or_from_elsewhere_changes_nothing(house: House) -> None:
    """Fault 40: a missing token is 403."""
    with house.signed_in() as client:
        token, form = house.token(client), {"name": "X", "email": "x@example.com", "role": "admin"}
        refused = [
            client.post("/console/people", data=form),
            client.post("/console/people", data={**form, "csrf": "0" * len(token)}),
            client.post("/console/people", data={**form, "csrf": ""}),
            client.post(
                "/console/people", data={**form, "csrf": token}, headers={"Origin": "https://evil.example"}
            ),
            client.post("/console/people", data={**form, "csrf": token}, headers={"Origin": "null"}),
        ]
        assert [answer.status_code for answer in refused] == [403] * 5
        with house.client() as other:
            foreign = {"email": "paul.lindner@example.com", "password": PASSWORD}
            answer = other.post("/console/sign-in", data=foreign, headers={"Origin": "https://evil.example"})
            assert answer.status_code == 403
        good = client.post("/console/people", data=form, headers={"X-CSRF-Token": token})
        assert good.status_code == 200
    with house.engine.ledger.transaction() as tx:
        people.disable(tx, SHELL, house.clock.now(), tx.account_of("x@example.com").id)  # type: ignore[union-attr]


def test_a_session_ends_when_it_is_not_used_when_it_is_old_when_somebody_goes_and_when_they_are_disabled(
    house: House,
) -> None:
    link = house.invited("Aylin Demir", "ended@example.com", Role.OPERATOR)

    def stands(client: httpx.Client) -> bool:
        return client.get("/console/account").status_code == 200

    with house.client() as client:
        assert client.post(link, data={"password": PASSWORD}).status_code == 303
        house.clock.advance(7 * HOUR)
        assert stands(client)  # which counts as use
        house.clock.advance(7 * HOUR)
        fetched = client.get("/console/account", headers={"HX-Request": "true"})
        assert fetched.status_code == 200  # which does not
        with client.stream("GET", "/console/live", headers={"Accept": "text/event-stream"}) as listens:
            assert listens.status_code == 200  # nor does a page that listens, and comes again by itself
        house.clock.advance(2 * HOUR)
        assert not stands(client)
    with house.signed_in("ended@example.com") as client:
        for _ in range(24):
            house.clock.advance(7 * HOUR)
            if not stands(client):
                break
        assert not stands(client)
    with house.signed_in("ended@example.com") as client, house.signed_in("ended@example.com") as other:
        assert client.post("/console/sign-out", data={"csrf": house.token(client)}).status_code == 303
        assert (stands(client), stands(other)) == (False, True)
        with house.engine.ledger.transaction() as tx:
            people.disable(tx, SHELL, house.clock.now(), tx.account_of("ended@example.com").id)  # type: ignore[union-attr]
        assert not stands(other)


def test_a_session_has_another_token_after_signing_in_and_after_a_new_password(house: House) -> None:
    link = house.invited("Jonas Weber", "rotated@example.com", Role.OPERATOR)
    with house.client() as client, house.client() as stranger:
        client.cookies.set("beforehand", "chosen-by-somebody-else", domain="127.0.0.1")
        client.post(link, data={"password": PASSWORD})
        first = [cookie.value for cookie in client.cookies.jar if cookie.value != "chosen-by-somebody-else"]
        assert len(first) == 1
        client.cookies.clear()
        client.cookies.set("beforehand", first[0] or "", domain="127.0.0.1")
        stranger.cookies.set("beforehand", first[0] or "", domain="127.0.0.1")
        form = {"old": PASSWORD, "password": "other words than before", "csrf": house.token(client)}
        answer = client.post("/console/account/password", data=form)
        assert answer.status_code == 303
        assert first[0] not in answer.headers["set-cookie"]
        assert stranger.get("/console/account").status_code == 303  # to where one signs in


def test_who_is_signed_in_elsewhere_sees_it_and_signs_out_there_and_stays_here(
    house: House, browser: Browser
) -> None:
    page = "/console/account/sessions"
    with house.signed_in() as here:
        leave = {"csrf": house.token(here), "which": "others"}
        here.post(page, data=leave)  # other tests left sessions behind
        with house.signed_in() as there, house.signed_in() as further:
            shown = here.get(page).text
            assert shown.count("this one") == 1
            everybody, first, _ = re.findall(r'name="which" value="(\w+)"', shown)
            assert everybody == "others"
            here.post(page, data={**leave, "which": first})
            assert sorted(one.get(page).status_code for one in (there, further)) == [200, 303]
            here.post(page, data=leave)
            assert [one.get(page).status_code for one in (here, there, further)] == [200, 303, 303]
    with opened(browser, PHONE) as seen:
        sign_in(seen, house)
        answer = seen.goto(f"{house.url}{page}")
        assert answer is not None
        sound(seen, answer.text())


def test_the_cookie_is_kept_from_scripts_and_other_sites_and_behind_https_from_plain_pages(
    house: House,
) -> None:
    with house.client() as client:
        form = {"email": "paul.lindner@example.com", "password": PASSWORD}
        cookie = client.post("/console/sign-in", data=form).headers["set-cookie"]
        assert {"HttpOnly", "SameSite=lax", "Path=/"} <= set(cookie.split("; "))
        assert "Domain" not in cookie
    with signed_site(house.engine, house.clock.now, public_url="https://updates.example.com") as url:
        headers = {"Origin": "https://updates.example.com"}
        cookie = httpx.post(f"{url}/console/sign-in", data=form, headers=headers).headers["set-cookie"]
        assert cookie.startswith("__Host-beforehand=")
        assert {"Secure", "HttpOnly"} <= set(cookie.split("; "))


def test_who_is_not_signed_in_is_led_to_the_door_and_back_to_no_other_site(house: House) -> None:
    with house.client() as client:
        answer = client.get("/console/changes?who=Nora%20Brandt")
        assert answer.status_code == 303
        door = answer.headers["location"]
        assert door == "/console/sign-in?next=%2Fconsole%2Fchanges%3Fwho%3DNora%2520Brandt"
        live = client.get("/console/account", headers={"HX-Request": "true"})
        assert (live.status_code, live.headers["hx-redirect"]) == (401, "/console/sign-in")
        form = {"email": "paul.lindner@example.com", "password": PASSWORD}
        for after, leads in (
            ("/console/changes?who=Nora%20Brandt", "/console/changes?who=Nora%20Brandt"),
            ("//evil.example", "/console"),
            ("https://evil.example/console", "/console"),
            ("/console//evil.example", "/console"),
            ("/console\\evil", "/console"),
            ("/console/\r\nSet-Cookie: a=b", "/console"),
            ("/events", "/console"),
        ):
            answer = client.post("/console/sign-in", data={**form, "next": after})
            assert urlsplit(answer.headers["location"]).netloc == ""
            assert answer.headers["location"] == leads


def test_a_link_is_good_once_and_for_a_week_and_only_reading_it_changes_nothing(house: House) -> None:
    link = house.invited("Maria Keller", "link@example.com", Role.OPERATOR)
    with house.client() as client:
        assert [client.get(link).status_code for _ in range(3)] == [200] * 3
        assert client.post(link, data={"password": "short"}).status_code == 422
        assert client.post(link, data={"password": "maria keller's own words"}).status_code == 422
        assert client.post(link, data={"password": PASSWORD}).status_code == 303
        assert client.post(link, data={"password": "another one that is good"}).status_code == 410
        newer = house.invited("Maria Keller", "link@example.com")
        house.clock.advance(timedelta(days=7))
        assert client.get(newer).status_code == 410
        assert client.get(f"{house.url}/console/welcome/{'x' * 43}").status_code == 410


def test_what_people_change_is_kept_with_before_and_after_and_without_secrets(house: House) -> None:
    link = house.invited("Aylin Demir", "kept@example.com", Role.READ_ONLY)
    with house.engine.ledger.read() as tx:
        number = tx.account_of("kept@example.com").id  # type: ignore[union-attr]
    with house.client() as client:
        client.post(link, data={"password": PASSWORD})
    with house.signed_in() as client:
        form = {
            "name": "Aylin Demir",
            "email": "kept@example.com",
            "role": "approver",
            "csrf": house.token(client),
        }
        assert client.post(f"/console/people/{number}", data=form).status_code == 303
        page = client.get("/console/changes", params={"about": "Aylin Demir <kept@example.com>"}).text
        assert "role: read-only → approver" in page
        assert client.get("/console/changes", params={"before": "0"}).status_code == 404
    with house.engine.ledger.read() as tx:
        found = tx.changes(about="Aylin Demir <kept@example.com>")
        everything = str(tx.changes(limit=1_000))
    assert [(one.who, one.door, one.what) for one in found] == [
        ("Paul Lindner", "console", "change somebody"),
        ("Aylin Demir", "console", "sign in"),
        ("Aylin Demir", "link", "choose a password"),
        ("root", "command line", "add somebody"),
    ]
    assert (found[0].before, found[0].after) == ({"role": "read-only"}, {"role": "approver"})
    for secret in (PASSWORD, "argon2", link.rpartition("/")[2]):
        assert secret not in everything


def test_somebody_always_looks_after_people(house: House, tmp_path: Path) -> None:
    with (
        Ledger.open(f"sqlite:///{tmp_path / 'ledger.db'}", upgrade=True) as ledger,
        ledger.transaction() as tx,
    ):
        now = house.clock.now()
        paul, _ = people.add(tx, SHELL, now, name="Paul", email="paul@example.com", role=Role.ADMIN)
        nora, _ = people.add(
            tx, SHELL, now, name="Nora", email="nora@example.com", role=Role.ADMIN, locations=["munich"]
        )
        for refused in (
            lambda: people.disable(tx, SHELL, now, paul.id),
            lambda: people.change(
                tx, SHELL, now, paul.id, name="Paul", email="paul@example.com", role=Role.OPERATOR,
                locations=[], brands=[],
            ),
        ):  # fmt: skip
            with pytest.raises(people.Refused, match="nobody would be left"):
                refused()
        people.disable(tx, SHELL, now, nora.id)


def test_the_ages_of_sessions_are_those_of_the_settings() -> None:
    from orchestrator.config.settings import Settings

    chosen = Settings().console
    assert Ages() == Ages(chosen.session_idle, chosen.session_longest)
