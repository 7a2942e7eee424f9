"""What every table of config.toml is."""

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A table of config.toml: nothing unknown in it, and nothing changes once it is read."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, defer_build=True)
