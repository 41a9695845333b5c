"""What the cache says of its users."""

from __future__ import annotations

from constat.observe.cache import User


def user(rules: str) -> User:
    """A user with these rules."""
    return User(name="t1", enabled=True, needs_password=True, rules=f"user t1 {rules}")


def test_the_order_of_rules_is_no_difference() -> None:
    """The server lists what is forbidden below a command in another order each time it is asked after a change."""
    one = user("on #a ~t1:* -@all +ping -pubsub|numsub -pubsub|numpat")
    other = user("on #a ~t1:* -@all +ping -pubsub|numpat -pubsub|numsub")

    assert one.unordered == other.unordered


def test_another_rule_is_a_difference() -> None:
    """One more key pattern, or another user of the same rules, is not the same."""
    one = user("on #a ~t1:* -@all +ping")

    assert one.unordered != user("on #a ~t1:* ~t10:* -@all +ping").unordered
    assert one.unordered != User(name="t10", enabled=True, needs_password=True, rules="user t10 on #a ~t1:* -@all +ping").unordered
