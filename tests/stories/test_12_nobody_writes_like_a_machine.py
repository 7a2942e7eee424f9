"""Scene 12: operations write a text on a Friday afternoon, and `beforehand check` reads it first."""

import re

import pytest

from tests.installation import Home, home

__all__ = ["home"]

MAIL = "templates/new-car/arrived/email.txt.en.j2"
SMS = "templates/new-car/arrived/sms.txt.en.j2"

MACHINE = """\
Subject: STATUS UPDATE FOR YOUR ORDER

Dear customer,

we are pleased to inform you that our vehicle has reached our dealership. Our team entered it in our system.

Please visit www.lindner.example/status or call our hotline for details. Do not reply to this message.
"""

PERSON = """\
Subject: Your {{ order.attributes.model | default("new car", true) }} is here

{% include "shared/greeting.txt" %}

Your car is here.

What happens next
It will be ready for you by {{ promises.prepared.text }}, and you will hear from me that day. Just reply if
you want to see it before.

{% include "shared/closing.txt" %}
"""


def findings(home: Home, path: str) -> tuple[int, dict[str, int]]:
    """The exit code of `check`, and the codes it names for a file, each with the first line it names."""
    code, out, err = home.run("check")
    found: dict[str, int] = {}
    for line, name in re.findall(rf"{re.escape(path)}:(\d+):\d+: (T\d+)", out + err):
        found.setdefault(name, int(line))
    return code, found


def test_what_comes_with_it_sounds_like_a_person(home: Home) -> None:
    code, out, _ = home.run("check")

    assert code == 0
    assert "no problem found" in out


def test_a_text_that_sounds_like_a_machine_is_told_everything_at_once_where_it_stands(home: Home) -> None:
    home.write(MAIL, MACHINE)
    code, found = findings(home, MAIL)

    assert code == 1
    assert found == {
        "T101": 3,  # nobody is greeted by name
        "T102": 3,  # what happens next
        "T103": 3,  # when we speak again
        "T104": 3,  # no person signs
        "T105": 3,  # no reply is offered
        "T106": 7,  # the reader is sent to a page and a hotline
        "T107": 3,  # it is about us
        "T108": 1,  # it shouts
        "T109": 1,  # and this is how machines write, from the subject on
    }


def test_each_finding_says_in_words_what_to_write_instead(home: Home) -> None:
    home.write(MAIL, MACHINE)
    _, out, err = home.run("check")
    told = out + err

    assert "print customer.greeting or customer.name" in told
    assert "print next_update, a day the rules will keep, or the promise" in told
    assert "'hotline' sends the reader elsewhere" in told


def test_the_same_news_from_a_person_has_no_finding(home: Home) -> None:
    home.write(MAIL, PERSON)

    assert findings(home, MAIL) == (0, {})


def test_a_wording_that_must_stay_stays_with_its_reason(home: Home) -> None:
    home.write(
        MAIL, PERSON.replace("Your car is here.", "Your car is here. The hotline of the factory is no help.")
    )
    assert findings(home, MAIL) == (1, {"T106": 5})

    allowed = PERSON.replace("\n\n{%", "\nAllow: T106 because the factory asks for it\n\n{%", 1)
    home.write(
        MAIL, allowed.replace("Your car is here.", "Your car is here. The hotline of the factory is no help.")
    )
    assert findings(home, MAIL) == (0, {})


@pytest.mark.parametrize("gone", ["sms.txt.en.j2", "email.txt.de.j2"])
def test_every_channel_and_language_that_the_rules_use_is_asked_for(home: Home, gone: str) -> None:
    (home.folder / "templates/new-car/still-not-arrived" / gone).unlink()
    code, out, err = home.run("check")

    assert code == 1
    assert re.search(r"templates/new-car/still-not-arrived.*T11[12]", out + err)
    assert f"write {gone}" in out + err


def test_the_language_of_customers_who_named_none_is_asked_for(home: Home) -> None:
    home.replace("config.toml", 'locale = "en"', 'locale = "fr"')
    code, out, err = home.run("check")

    assert code == 1
    assert "customers who named no language read 'fr'" in out + err


def test_a_text_that_no_rule_says_is_found(home: Home) -> None:
    home.write(
        "templates/new-car/spring-sale/sms.txt.en.j2",
        "Hello {{ customer.greeting }}, just reply. {{ sender.name }}",
    )
    _, out, err = home.run("check")

    assert re.search(r"templates/new-car/spring-sale.*T114", out + err)


def test_a_text_that_would_never_end_is_told_with_sample_facts_and_stops_nobody_else(home: Home) -> None:
    loop = "{% for a in 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx' %}"
    home.write(
        SMS,
        f"{loop * 6}.{'{% endfor %}' * 6}Hello {{{{ customer.greeting }}}}, just reply? {{{{ sender }}}}",
    )
    code, out, err = home.run("check")

    assert code == 1
    assert "does a loop never end?" in out + err
    assert len(re.findall(r"T117", out + err)) == 1


@pytest.mark.parametrize("before", [True, False], ids=["at first", "later"])
def test_a_text_that_would_always_fail_does_not_come_into_force(home: Home, before: bool) -> None:
    if not before:
        assert home.run("apply")[0] == 0
    home.write(SMS, "Hello {{ customer.greeting }}, {{ 1 // 0 }}")
    code, out, err = home.run("apply")

    assert code != 0
    assert re.search(r"T117", out + err)
    assert "in force" not in out


def test_an_sms_says_what_it_costs_before_it_is_sent(home: Home) -> None:
    _, out, _ = home.run("preview", "new-car/arrived", "--channel", "sms")
    assert re.search(r"1 SMS \(GSM-7, \d+ of 160\)", out)

    home.write(
        SMS,
        "Hello {{ customer.greeting }}, your car is here ☺ Just reply: when would you like it? {{ sender }}",
    )
    assert "T113" in findings(home, SMS)[1]
