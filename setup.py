"""Put the starting point of ``beforehand init`` into the distribution; all else is in pyproject.toml.

``config.toml``, ``rules/`` and ``templates/`` at the root are the only source: a build copies them into the
package, an editable install reads them where they are.
"""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py


class BuildWithStarter(build_py):
    """Build the packages and copy the starting point beside them."""

    def run(self) -> None:
        """Build, then replace whatever an earlier build left as the starting point."""
        super().run()
        if self.editable_mode:
            return
        starter = Path(self.build_lib) / "orchestrator" / "starter"
        shutil.rmtree(starter, ignore_errors=True)
        starter.mkdir(parents=True)
        shutil.copy("config.toml", starter)
        for name in ("rules", "templates"):
            shutil.copytree(name, starter / name)


setup(cmdclass={"build_py": BuildWithStarter})
