"""What every page for customers stands on: its template, a brand's colours and picture, and the headers."""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from orchestrator.render.attachments import File
from orchestrator.render.brands import brand_of
from orchestrator.render.contrast import readable, text_on
from orchestrator.render.page_words import PageWords
from orchestrator.render.words import Brand
from orchestrator.web.body import RETRY_AFTER

HERE = Path(__file__).parents[1]
LIGHT, DARK = "#f4f5f3", "#1a222b"  # what text is hardest to read on; static/customer.css has them too
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex, nofollow",
}
KEPT = {"Cache-Control": "public, max-age=300", "X-Content-Type-Options": "nosniff"}  # nothing personal

ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><circle cx="8" cy="8" r="7" fill="#0b6b5d"/>'
    '<path d="M4.5 8.2l2.4 2.4 4.6-5" fill="none" stroke="#fff" stroke-width="1.8"/></svg>'
)

_PAGES = Environment(
    loader=FileSystemLoader(HERE / "pages"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


@dataclass(frozen=True, slots=True)
class House:
    """The company as its pages show it: as templates know it, with the pictures of its brands."""

    company: Mapping[str, Any]
    logos: Mapping[str, File]
    languages: tuple[str, ...] = ()  # in which the company's texts are written

    def brand(self, location_brand: str = "") -> Brand:
        """In whose clothes a page goes."""
        return brand_of(location_brand, self.company)

    @property
    def locale(self) -> str:
        """The company's language."""
        return str(self.company.get("locale") or "")

    @property
    def phone(self) -> str:
        """The number customers may call, or ""."""
        return str(self.company.get("phone") or "")

    def page(
        self,
        name: str,
        words: PageWords,
        brand: Brand | None = None,
        *,
        status: int = HTTPStatus.OK,
        **values: Any,
    ) -> Response:
        """Return the page that the template *name* makes."""
        worn = brand or self.brand()
        content = _PAGES.get_template(name).render(
            say=words, brand=worn, logo=worn.key if worn.key in self.logos else "", **values
        )
        return Response(content, status, HEADERS, media_type="text/html")

    def away(self, words: PageWords) -> Response:
        """Say that the ledger does not answer just now."""
        page = self.page(
            "customer/note.html", words, status=HTTPStatus.SERVICE_UNAVAILABLE,
            title=words("gone.away"), lines=[words("gone.away_text")], link=None,
        )  # fmt: skip
        page.headers["Retry-After"] = str(RETRY_AFTER)
        return page

    def gone(self, words: PageWords, *, expired: bool) -> Response:
        """Say that the link opens nothing, and how to get a new one."""
        kind = "expired" if expired else "bad"
        lines = [words(f"gone.{kind}_text")]
        if self.phone:
            lines.append(words("gone.call", phone=self.phone))
        return self.page(
            "customer/note.html", words, title=words(f"gone.{kind}"), lines=lines, link=None,
            status=HTTPStatus.GONE if expired else HTTPStatus.BAD_REQUEST,
        )  # fmt: skip


def dress_router(house: House) -> APIRouter:
    """Return the routes of what the pages wear: one stylesheet, and of each brand its colours and picture."""
    router = APIRouter()
    stylesheet = (HERE / "static" / "customer.css").read_text("utf-8")

    @router.get("/pages/customer.css")
    async def style() -> Response:
        """What all of them share."""
        return Response(stylesheet, headers=KEPT, media_type="text/css")

    @router.get("/pages/icon.svg")
    async def icon() -> Response:
        """A small sign in the browser's tab."""
        return Response(ICON, headers=KEPT, media_type="image/svg+xml")

    @router.get("/pages/brand.css")
    async def colours(of: str = "") -> Response:
        """The colours of a brand, where text can be read on and in them."""
        return Response(colours_of(_worn(house, of)), headers=KEPT, media_type="text/css")

    @router.get("/pages/logo")
    async def logo(of: str = "") -> Response:
        """The picture of a brand."""
        file = house.logos.get(of)
        if file is None:
            return Response(status_code=HTTPStatus.NOT_FOUND)
        return Response(file.data, headers=KEPT, media_type=file.type)

    return router


def colours_of(brand: Brand) -> str:
    """The custom properties of a brand for light and dark screens; each can be read where it is used."""
    light = readable(readable(brand.accent, LIGHT), brand.tint)
    dark = readable(readable(brand.accent_dark, DARK), brand.tint_dark)
    return (
        f":root{{--accent:{light};--on-accent:{text_on(light)};--tint:{brand.tint}}}\n"
        f"@media (prefers-color-scheme:dark){{:root{{--accent:{dark};--on-accent:{text_on(dark)};"
        f"--tint:{brand.tint_dark}}}}}\n"
    )


def _worn(house: House, key: str) -> Brand:
    brands: Mapping[str, Brand] = house.company.get("brands") or {}
    return brands.get(key, Brand())
