"""A package with a channel, as an installation would leave it: a module and its entry points in a folder."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from channels import registry

PIGEON = '''
from pydantic import Field, SecretStr, model_validator

from channels.base import Abilities, Receipt
from channels.plugin import Kind
from channels.settings import ChannelSettings, Length, refused


class Pigeon(ChannelSettings):
    """Letters by carrier pigeon."""

    needed = ("loft", "token")
    loft: str = Field(default="", description="The loft they leave from.")
    birds: int = Field(default=2, ge=1, le=50, description="Birds in the air at once.")
    rest: Length = Field(default="1h", validate_default=True, description="How long a bird rests.")
    token: SecretStr | None = Field(default=None, description="What opens the loft.")

    @model_validator(mode="after")
    def _not_too_many(self):
        if self.birds > 10 and not self.loft:
            raise refused("so many birds need a loft", "write loft = …", key="birds")
        if self.loft == "roof":
            raise ValueError("a roof is no loft")
        return self


class Birds:
    def __init__(self, name, settings):
        self.name, self.abilities, self.sent = name, KIND.abilities, []

    async def send(self, message):
        self.sent.append(message)
        return Receipt(f"ring-{len(self.sent)}")

    async def close(self):
        pass


KIND = Kind("letters by pigeon", Pigeon, Abilities(max_length=40, concurrency=2), Birds)
'''


def install(
    folder: Path, module: str, source: str, kinds: dict[str, str], group: str = "beforehand.channels"
) -> None:
    """Write the module and its distribution's entry points into *folder*."""
    (folder / f"{module}.py").write_text(source, encoding="utf-8")
    info = folder / f"{module}-1.2.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module.replace('_', '-')}\nVersion: 1.2\n")
    lines = [f"{name} = {target}" for name, target in kinds.items()]
    (info / "entry_points.txt").write_text("\n".join([f"[{group}]", *lines, ""]))


@pytest.fixture
def pigeon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """With it an installed package brings the kind ``pigeon``, and two that are broken."""
    site = tmp_path / "site"
    site.mkdir()
    install(
        site,
        "acme_pigeon",
        PIGEON,
        {
            "pigeon": "acme_pigeon:KIND",
            "owl": "acme_owl:KIND",
            "raven": "acme_pigeon:Birds",
            "email": "acme_pigeon:KIND",  # a name of ours stays ours
        },
    )
    monkeypatch.syspath_prepend(str(site))
    registry.KINDS.look_again()
    yield
    registry.KINDS.look_again()
