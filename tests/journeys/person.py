"""Somebody at a browser, and the checks that every page they meet must pass."""

import os
import re
import time
from datetime import timedelta
from pathlib import Path

from axe_playwright_python.base import AXE_SCRIPT, AxeResults
from flask import Flask
from playwright.sync_api import Browser, BrowserContext, Locator, Page
from playwright.sync_api import TimeoutError as TooLate

from fund.kernel.access import Role
from fund.kernel.clock import Clock, MovableClock
from fund.kernel.db import transaction
from fund.scheduler import run_due
from members.accounts.factors.rules import STEP_SECONDS, code_at, step_of
from members.accounts.models import Person as Account
from members.accounts.rules import hash_passphrase
from tests import world

WIDTHS = (1280, 360)
PASSPHRASE = "a bridge of many hands"


class Site:
    """The served application and its clock. `examines`: whether axe looks at each page, which costs most time."""

    def __init__(self, app: Flask, browser: Browser, address: str, *, examines: bool) -> None:
        self.app, self.browser, self.address, self.examines = app, browser, address, examines
        self._contexts: list[BrowserContext] = []
        self._looked_at: set[tuple[str, str]] = set()
        self._without_scripts: set[Page] = set()

    @property
    def clock(self) -> MovableClock:
        found = self.app.extensions["sicf_clock"]
        assert isinstance(found, MovableClock)
        return found

    def wait(self, **time: float) -> None:
        """Let time pass, and let the scheduler do what fell due."""
        self.clock.move(timedelta(**time))
        run_due(self.app)

    def somebody(self, *, javascript: bool = True, width: int = 1280) -> "Person":
        """A new browser without an account."""
        context = self.browser.new_context(
            base_url=self.address, viewport={"width": width, "height": 900}, java_script_enabled=javascript
        )
        context.set_default_timeout(15_000)
        self._contexts.append(context)
        page = context.new_page()
        if not javascript:
            self._without_scripts.add(page)
        return Person(self, page, width)

    def officer(self, name: str, *roles: Role) -> "Person":
        """Somebody with an account and roles in the fund, signed in."""
        with self.app.app_context():
            account = world.person(name, *roles)
            email, person_id = account.email, account.id
            with transaction() as session:
                session.get_one(Account, person_id).password_hash = hash_passphrase(PASSPHRASE)
        return self.somebody().sign_in(email, PASSPHRASE)

    def close(self) -> None:
        for context in self._contexts:
            context.close()

    def check(self, page: Page, width: int) -> None:
        """No fault that axe finds, and no sideways scrolling, at both widths; once for each state of each page."""
        heading = page.locator("h1").inner_text()
        key = (
            re.sub(r"[A-Z]{1,2}-[\w-]+|\d+", "#", page.url),
            re.sub(r"\d+", "#", heading + page.locator("main").inner_text()),
        )
        if key in self._looked_at:
            return
        self._looked_at.add(key)
        scripts = page.context.new_cdp_session(page) if self.examines and page in self._without_scripts else None
        if scripts:
            # Axe waits on timers, which never ring in a browser without scripts; those of the page stay unrun.
            for off in (True, False):
                scripts.send("Emulation.setScriptExecutionDisabled", {"value": off})
        if self.examines:
            page.evaluate(AXE_SCRIPT)
        for size in WIDTHS:
            page.set_viewport_size({"width": size, "height": 900})
            over = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
            assert over <= 0, f"{page.url} is {over}px too wide at {size}"
            if not self.examines:
                continue
            results = AxeResults(page.evaluate("axe.run({resultTypes: ['violations']})"))
            assert results.violations_count == 0, f"{page.url} at {size}px: {results.generate_report()}"
        page.set_viewport_size({"width": width, "height": 900})
        if scripts:
            scripts.send("Emulation.setScriptExecutionDisabled", {"value": True})


class Person:
    """Somebody who reads, types and presses. What they name is what they see: labels, links and buttons."""

    def __init__(self, site: Site, page: Page, width: int) -> None:
        self.site, self.page, self.width = site, page, width
        self.credentials: tuple[str, str] | None = None
        self.app_key: str | None = None
        self._last_step: int | None = None
        self._attached: tuple[str, str, bytes] | None = None

    def look(self) -> "Person":
        self.page.wait_for_load_state()
        self.site.check(self.page, self.width)
        return self

    def open(self, path: str) -> "Person":
        """Go to a page; who has an account and was signed out meanwhile signs in again and is led back to it."""
        self.page.goto(path)
        if not path.startswith("/sign-in"):
            self._sign_in_again()
        self._show_that_it_is_me()
        return self.look()

    def follow(self, link: str, *, nth: int = 0) -> "Person":
        return self._click(self.page.get_by_role("link", name=link, exact=True).nth(nth))

    def type(self, label: str, text: str, *, nth: int = 0) -> "Person":
        self.page.get_by_label(label).nth(nth).fill(text)
        return self

    def choose(self, label: str, option: str) -> "Person":
        self.page.get_by_label(label).select_option(label=option)
        return self

    def pick(self, label: str, value: str) -> "Person":
        """Choose an option by its value, where its words say more than a test should know."""
        self.page.get_by_label(label).select_option(value=value)
        return self

    def tick(self, label: str, *, nth: int = 0) -> "Person":
        self.page.get_by_label(label).nth(nth).check()
        return self

    def attach(self, label: str, name: str, content: bytes) -> "Person":
        self.page.get_by_label(label).set_input_files({"name": name, "mimeType": "text/xml", "buffer": content})
        self._attached = (label, name, content)
        return self

    def press(self, button: str, *, nth: int = 0) -> "Person":
        return self._click(self.page.get_by_role("button", name=button, exact=True).nth(nth))

    def follows(self, pattern: str) -> "Person":
        """Follow the first link whose words hold this pattern."""
        return self._click(self.page.get_by_role("link", name=re.compile(pattern, re.I)).first)

    def presses(self, pattern: str) -> "Person":
        """Press the first button whose words hold this pattern."""
        return self._click(self.page.get_by_role("button", name=re.compile(pattern, re.I)).first)

    def _click(self, target: Locator) -> "Person":
        try:
            target.click()
        except TooLate as late:
            text = " ".join(self.page.locator("main").inner_text().split())
            raise AssertionError(f"{target} is not on {self.page.url}: {text[:1500]}") from late
        was_kept = self._sign_in_again()
        if self._show_that_it_is_me() or was_kept:
            self._press_again(target)
        self._attached = None
        return self.look()

    # --- the second step, which people give as they are asked for it

    def code(self) -> str:
        """What the person's app shows next. They wait for a new code, because each works once."""
        assert self.app_key is not None, f"{self.page.url} asks for a code, and no app was set up"
        clock: Clock = self.site.app.extensions["sicf_clock"]
        if isinstance(clock, MovableClock):
            clock.move(timedelta(seconds=STEP_SECONDS))
        with self.site.app.app_context():
            while (step := step_of(clock.now())) == self._last_step:
                time.sleep(0.5)
        self._last_step = step
        return code_at(self.app_key, step)

    def set_up_app(self) -> "Person":
        """Set up an authenticator app on the page that offers it, and keep the codes."""
        self.page.get_by_role("button", name="Set up an app", exact=True).click()
        self.page.wait_for_load_state()
        if self.page.locator("h1").inner_text() == "Show that it’s you":
            assert self.credentials is not None
            self.page.get_by_label("Passphrase").fill(self.credentials[1])
            self.page.get_by_role("button", name="Show that it's me").click()
            self.page.get_by_role("button", name="Set up an app", exact=True).click()
        self.look()
        self.app_key = self.page.locator(".app-key").inner_text().replace(" ", "")
        self.page.get_by_label("The six figures that the app shows").fill(self.code())
        self.page.get_by_role("button", name="Set up the app").click()
        self.look()
        self.page.get_by_label("I have printed, saved or written down these codes").check()
        self.page.get_by_role("button", name="Carry on").click()
        return self

    def _show_that_it_is_me(self) -> bool:
        """Give the second step if it is asked for; whether an act was kept meanwhile."""
        self.page.wait_for_load_state()
        if not re.search(r"/(show-its-you|sign-in/second-step|account/second-step)\?", self.page.url):
            return False
        was_kept = "carry-on" in self.page.url
        if "/account/second-step?" in self.page.url:
            self.set_up_app()
        else:
            self.page.get_by_label("Code from your app").fill(self.code())
            self.page.get_by_role("button", name="Show that it's me").click()
        self.page.wait_for_load_state()
        return was_kept

    def _sign_in_again(self) -> bool:
        """Sign in where a session has ended meanwhile; whether an act was kept until then."""
        self.page.wait_for_load_state()
        if self.credentials is None or "/sign-in?" not in self.page.url:
            return False
        was_kept = "carry-on" in self.page.url
        self._give_credentials()
        return was_kept

    def _press_again(self, target: Locator) -> None:
        """What was typed stands there again; a file has to be chosen anew."""
        if "/carry-on/" in self.page.url:
            self.page.get_by_role("button", name="Send it now").click()
        else:
            if self._attached is not None:
                self.attach(*self._attached)
            target.click()
        self.page.wait_for_load_state()

    def sees(self, *words: str) -> "Person":
        text = " ".join(self.page.locator("main").inner_text().split())
        for part in words:
            assert part in text, f"{part!r} is not on {self.page.url}: {text[:1500]}"
        return self

    def does_not_see(self, *words: str) -> "Person":
        text = " ".join(self.page.locator("main").inner_text().split())
        for part in words:
            assert part not in text, f"{part!r} is on {self.page.url}"
        return self

    def sign_in(self, email: str, passphrase: str) -> "Person":
        self.credentials = (email, passphrase)
        self.open("/sign-in")
        self._give_credentials()
        self._show_that_it_is_me()
        return self.look()

    def _give_credentials(self) -> None:
        assert self.credentials is not None
        self.page.get_by_label("E-mail address").fill(self.credentials[0])
        self.page.get_by_label("Passphrase").fill(self.credentials[1])
        self.page.get_by_label("Stay signed in on this browser").check()
        self.page.get_by_role("button", name="Sign in", exact=True).click()
        self.page.wait_for_load_state()

    def picture(self, name: str) -> "Person":
        """Keep a picture of the page where SICF_PICTURES says, for people to look at."""
        if folder := os.environ.get("SICF_PICTURES"):
            self.page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)
        return self
