"""Public holidays are the library's, country by country, without importing all of them."""

import subprocess
import sys
from datetime import date, timedelta

import pytest
from holidays import country_holidays
from holidays.registry import COUNTRIES

from orchestrator.config.public_holidays import PublicHolidays, fault

YEAR = 2026
DAYS = [date(YEAR, 1, 1) + timedelta(days=number) for number in range(365)]


@pytest.mark.parametrize("code", [names[1] for names in COUNTRIES.values()])
def test_a_country_read_alone_is_the_country_of_the_library(code: str) -> None:
    library = country_holidays(code)
    for part in ("", *library.subdivisions[:2]):
        closed = country_holidays(code, subdiv=part or None, years=YEAR, expand=False)
        assert fault(code, part) is None
        assert [day for day in DAYS if day in PublicHolidays(code, part)] == [
            day for day in DAYS if day in closed
        ]


def test_one_country_does_not_import_the_others() -> None:
    code = (
        "import sys; from orchestrator.config.public_holidays import fault; "
        "assert fault('DE', 'BY') is None; "
        "sys.exit('holidays.countries' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_place_that_is_plainly_named_is_known_without_importing_the_library() -> None:
    code = (
        "import sys; from orchestrator.config.public_holidays import fault; "
        "assert fault('DE', 'BY') is None and fault('AT', '') is None; "
        "sys.exit('holidays' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("code", ["GB", "US", "CH", "BR", "PT"])
def test_parts_are_known_exactly_where_the_library_knows_them(code: str) -> None:
    library = country_holidays(code)
    parts = {*library.subdivisions, *library.subdivisions_aliases}
    assert all(fault(code, part) is None for part in parts)
    for other in ("XX", "Nowhere", "X", ",", "", ")", '"', f"{code}X"):
        assert (fault(code, other) is None) == (other in {*parts, ""})


@pytest.mark.parametrize("code", ["", "de", "Germany", "XX", "XNYS", ".*", "DE|AT", 'DE", "DEU'])
def test_nothing_but_the_code_of_a_country_is_one(code: str) -> None:
    assert (fault(code, "") or ("",))[0] == "country"


def test_a_place_that_does_not_exist_is_named_with_what_does() -> None:
    assert fault("XX", "") == (
        "country",
        "no public holidays are known for the country 'XX'",
        "write a code such as DE, AT, US",
    )
    key, message, hint = fault("DE", "XX") or ("", "", "")
    assert key == "subdivision"
    assert message == "DE has no subdivision 'XX'"
    assert "BY" in hint


def test_days_of_its_own_count_without_a_country() -> None:
    assert date(YEAR, 8, 15) in PublicHolidays(own=(date(YEAR, 8, 15),))
    assert date(YEAR, 12, 25) not in PublicHolidays(own=(date(YEAR, 8, 15),))
