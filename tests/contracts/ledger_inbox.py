"""What every ledger promises of the feed that customers read."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestrator.ledger import InboxItem, Ledger

NOW = datetime(2026, 3, 12, 18, 0, 0, 250_000, tzinfo=UTC)
HOUR = timedelta(hours=1)
MARIA = ["C-1"]
ONE_FOR_EACH_LEDGER = (HealthCheck.function_scoped_fixture, HealthCheck.differing_executors)


def item(name: str, customer: str = "C-1", **more: object) -> InboxItem:
    usual = InboxItem(
        name, customer, "BX-100", f"BX-100/{name}/1/customer", "", "It is here", "Your car is here.",
        "https://example.com/o/BX-100", "en", NOW,
    )  # fmt: skip
    return replace(usual, **more)  # type: ignore[arg-type]


class InboxContract:
    def test_what_is_put_is_there_the_newest_first(self, ledger: Ledger) -> None:
        with ledger.transaction() as tx:
            assert [tx.put(item(name)) for name in ("a", "b", "c")] == [True, True, True]
            tx.put(item("d", "C-2"))
        with ledger.read() as tx:
            assert [one.item for one in tx.inbox(MARIA, NOW)] == ["c", "b", "a"]
            assert tx.inbox(MARIA, NOW)[2] == replace(item("a"), id=1, change=1)
            assert [one.item for one in tx.inbox(["C-1", "C-2"], NOW, limit=2)] == ["d", "c"]

    def test_pages_neither_repeat_nor_miss_anything_while_more_comes(self, ledger: Ledger) -> None:
        with ledger.transaction() as tx:
            for n in range(7):
                tx.put(item(f"i{n}"))
            first = tx.inbox(MARIA, NOW, limit=3)
            tx.put(item("late"))
            second = tx.inbox(MARIA, NOW, limit=3, before=first[-1].id)
            third = tx.inbox(MARIA, NOW, limit=3, before=second[-1].id)
        assert [one.item for one in (*first, *second, *third)] == [f"i{n}" for n in range(6, -1, -1)]

    def test_the_same_item_is_kept_once(self, ledger: Ledger) -> None:
        with ledger.transaction() as tx:
            assert tx.put(item("a"))
            tx.read_inbox(MARIA, NOW, ["a"])
        with ledger.transaction() as tx:
            assert not tx.put(item("a", text="Other words."))
            (one,) = tx.inbox(MARIA, NOW)
        assert (one.text, one.read_at) == ("Your car is here.", NOW)

    def test_a_newer_item_about_the_same_takes_the_place_of_the_older_for_good(self, ledger: Ledger) -> None:
        with ledger.transaction() as tx:
            tx.put(item("a", about="BX-100/late"))
            tx.put(item("other", "C-2", about="BX-100/late"))
            tx.put(item("b", about="BX-100/late"))
        with ledger.transaction() as tx:
            assert not tx.put(item("a", about="BX-100/late"))  # a copy that comes late
            assert [one.item for one in tx.inbox(MARIA, NOW)] == ["b"]
            assert [one.item for one in tx.inbox(["C-2"], NOW)] == ["other"]
            gone = tx.whole_inbox(MARIA)[0]
        assert (gone.item, gone.replaced, gone.text, gone.title, gone.link) == ("a", True, "", "", "")

    def test_what_is_useless_by_now_is_past(self, ledger: Ledger) -> None:
        with ledger.transaction() as tx:
            tx.put(item("a", expires_at=NOW + HOUR))
            tx.put(item("b"))
            assert tx.unread(MARIA, NOW) == 2
            assert tx.unread(MARIA, NOW + HOUR) == 1
            assert [one.item for one in tx.inbox(MARIA, NOW + HOUR)] == ["b"]
            assert [one.item for one in tx.inbox(MARIA, NOW + HOUR, past=True)] == ["b", "a"]

    def test_it_is_read_once_and_by_its_owner(self, ledger: Ledger) -> None:
        with ledger.transaction() as tx:
            tx.put(item("a"))
            tx.put(item("b"))
            assert tx.read_inbox(["C-2"], NOW, ["a"]) == []
            assert tx.read_inbox(MARIA, NOW, ["nothing"]) == []
            assert [one.item for one in tx.read_inbox(MARIA, NOW, ["a"])] == ["a"]
            assert tx.read_inbox(MARIA, NOW + HOUR, ["a"]) == []
            assert [one.item for one in tx.read_inbox(MARIA, NOW + HOUR)] == ["b"]
            assert [one.read_at for one in tx.inbox(MARIA, NOW)] == [NOW + HOUR, NOW]
            assert tx.unread(MARIA, NOW) == 0

    def test_every_change_has_a_number_of_its_own_that_is_never_given_again(self, ledger: Ledger) -> None:
        with ledger.transaction() as tx:
            assert tx.inbox_number() == 0
            tx.put(item("a", about="x"))
            tx.put(item("b", about="x"))
            tx.read_inbox(MARIA, NOW)
            assert [(one.item, one.replaced) for one in tx.inbox_changes(1)] == [("a", True), ("b", False)]
            last = tx.inbox_number()
            assert tx.inbox_changes(last) == []
            tx.forget_inbox(MARIA)
        with ledger.transaction() as tx:
            tx.put(item("c", "C-2"))
            assert [one.item for one in tx.inbox_changes(last)] == ["c"]
            assert tx.inbox_changes(last, customers=MARIA) == []
            assert tx.inbox_number() == last + 1

    def test_a_person_is_forgotten_and_so_is_what_is_old(self, ledger: Ledger) -> None:
        with ledger.transaction() as tx:
            tx.put(item("a"))
            tx.put(item("b", "C-2"))
            tx.put(item("old", "C-2", at=NOW - HOUR))
            assert tx.forget_inbox(["C-1", "C-9"]) == 1
            assert tx.tidy_inbox(NOW) == 1
            assert tx.whole_inbox(MARIA) == []
            assert [one.item for one in tx.whole_inbox(["C-1", "C-2"])] == ["b"]

    @settings(max_examples=40, suppress_health_check=ONE_FOR_EACH_LEDGER)
    @given(
        steps=st.lists(
            st.tuples(st.sampled_from("abcde"), st.sampled_from(["", "x", "y"]), st.booleans()), max_size=12
        )
    )
    def test_whoever_follows_the_changes_knows_what_is_there(
        self, ledger: Ledger, steps: list[tuple[str, str, bool]]
    ) -> None:
        with ledger.transaction() as tx:
            tx.forget_inbox(MARIA)
            known: dict[str, InboxItem] = {}
            seen = tx.inbox_number()
            for name, about, read in steps:
                tx.put(item(name, about=about))
                if read:
                    tx.read_inbox(MARIA, NOW, [name])
                for one in tx.inbox_changes(seen, limit=2):  # and the rest with the next look
                    known[one.item], seen = one, one.change
            while rest := tx.inbox_changes(seen, limit=2):
                known |= {one.item: one for one in rest}
                seen = rest[-1].change
            shown = {one.item: one for one in known.values() if not one.replaced}
            assert shown == {one.item: one for one in tx.inbox(MARIA, NOW)}
