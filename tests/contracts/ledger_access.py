"""What every ledger promises of who may do what."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from orchestrator.ledger import Ledger
from orchestrator.ledger.access_values import Account, ApiKey, Change, Failures, OneTimeLink, Session

NOW = datetime(2026, 3, 12, 18, 0, 0, 250_000, tzinfo=UTC)
HOUR = timedelta(hours=1)
PAUL = Account(
    0, "paul.lindner@example.com", "Paul Lindner", "admin",
    frozenset({"munich"}), frozenset({"lindner"}), made_at=NOW,
)  # fmt: skip
SHOP = ApiKey(0, "shop", "0123456789", "d", frozenset({"events:write"}), NOW, "Paul Lindner")


class AccessContract:
    def test_an_account_is_found_by_number_and_mailbox_as_it_was_kept(self, ledger: Ledger) -> None:
        with ledger.transaction() as tx:
            number = tx.add_account(PAUL)
            later = replace(PAUL, id=number, password="hash", signed_in_at=NOW, locations=frozenset())
            tx.change_account(later)
        with ledger.read() as tx:
            assert [tx.account(number), tx.account_of(PAUL.email), *tx.accounts()] == [later] * 3
            assert (tx.account(number + 1), tx.account_of("nobody@example.com")) == (None, None)

    def test_who_was_disabled_or_has_another_password_by_now_does_not_sign_in(self, ledger: Ledger) -> None:
        with ledger.transaction() as tx:
            read = replace(PAUL, password="hash")
            read = replace(read, id=tx.add_account(read))
            assert tx.sign_in(read, NOW)
            assert tx.account(read.id) == replace(read, signed_in_at=NOW)
            for now in (replace(read, disabled_at=NOW), replace(read, password="another")):
                tx.change_account(now)
                assert not tx.sign_in(read, NOW + HOUR)
                assert tx.account(read.id) == now

    def test_an_account_prints_no_password(self) -> None:
        assert "hash" not in repr(replace(PAUL, password="hash"))

    def test_sessions_end_one_by_one_all_but_one_and_by_age(self, ledger: Ledger) -> None:
        with ledger.transaction() as tx:
            for name, hours in (("a", 0), ("b", 1), ("c", 2), ("d", 3)):
                tx.begin_session(Session(name, 7, NOW + hours * HOUR, NOW + hours * HOUR))
            tx.begin_session(Session("other", 8, NOW, NOW))
            tx.touch_session("a", NOW + 9 * HOUR)
            tx.end_session("b")
            tx.tidy_sessions(NOW, NOW + HOUR)
        with ledger.transaction() as tx:
            assert tx.session("a") == Session("a", 7, NOW, NOW + 9 * HOUR)
            assert [tx.session(name) is None for name in ("b", "c", "d", "other")] == [
                True,
                False,
                False,
                True,
            ]
            assert tx.end_sessions(7, but="c") == 2
            assert tx.session("c") is not None

    def test_links_are_dropped_with_their_account_and_those_of_nobody_alone(self, ledger: Ledger) -> None:
        with ledger.transaction() as tx:
            tx.add_link("mine", OneTimeLink(7, NOW))
            tx.add_link("first", OneTimeLink(None, NOW + HOUR))
            tx.drop_links(7)
            assert (tx.link("mine"), tx.link("first")) == (None, OneTimeLink(None, NOW + HOUR))
            tx.drop_links(None)
            assert tx.link("first") is None

    def test_failures_are_counted_and_forgiven(self, ledger: Ledger) -> None:
        with ledger.transaction() as tx:
            assert tx.failures("account x", NOW) == Failures(0, NOW)
            tx.count_failures("account x", 3, NOW + HOUR)
        with ledger.transaction() as tx:
            assert tx.failures("account x", NOW + 2 * HOUR) == Failures(3, NOW + HOUR)
            tx.count_failures("account x", 0, NOW)
            assert tx.failures("account x", NOW).count == 0
            tx.forget_failures(NOW + HOUR)
            assert tx.failures("account x", NOW + HOUR).last_at == NOW + HOUR

    def test_a_key_is_found_by_its_prefix_and_revoked_once(self, ledger: Ledger) -> None:
        with ledger.transaction() as tx:
            number = tx.add_api_key(SHOP)
            tx.use_api_key(number, NOW + HOUR)
            assert tx.revoke_api_key(number, NOW + 2 * HOUR)
            assert not tx.revoke_api_key(number, NOW + 3 * HOUR)
        with ledger.read() as tx:
            kept = replace(SHOP, id=number, used_at=NOW + HOUR, revoked_at=NOW + 2 * HOUR)
            assert [tx.api_key("0123456789"), *tx.api_keys()] == [kept, kept]
            assert tx.api_key("9") is None

    def test_changes_come_the_newest_first_page_by_page_and_by_who_and_what(self, ledger: Ledger) -> None:
        with ledger.transaction() as tx:
            for n in range(5):
                who = "Nora Brandt" if n % 2 else "Paul Lindner"
                tx.keep_change(
                    Change(NOW, who, "console", "pause", f"rule {n % 3}", {"n": n}, {"n": n + 1}, 7)
                )
        with ledger.read() as tx:
            first = tx.changes(limit=2)
            assert [one.before["n"] for one in first] == [4, 3]
            assert [one.before["n"] for one in tx.changes(below=first[-1].id)] == [2, 1, 0]
            assert [one.before["n"] for one in tx.changes(who="Nora Brandt")] == [3, 1]
            assert [one.before["n"] for one in tx.changes(about="rule 0")] == [3, 0]
            assert [one.before["n"] for one in tx.changes(about="rule 0", who="Nora Brandt")] == [3]
            assert replace(first[0], id=0) == Change(
                NOW, "Paul Lindner", "console", "pause", "rule 1", {"n": 4}, {"n": 5}, 7
            )

    def test_the_mark_is_another_after_a_commit(self, ledger: Ledger) -> None:
        before = ledger.mark()
        with ledger.transaction() as tx:
            tx.add_account(PAUL)
        assert ledger.mark() != before
