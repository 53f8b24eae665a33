"""Calls in readable form, `shop.Order.find(42).ship('ups', insured=True)`: the text that `ayl.message.human` writes,
read back by a grammar of our own.

    call      = [receiver "."] name "(" arguments ")"      a method, or a function by its registered name
    receiver  = reference | value | name of a class
    reference = name of a class ".find(" value ")"
    value     = None True False nan inf · numbers · 'text' "text" b'bytes' · [1] (1,) {1} {'a': 1} · range(0, 3)
                shop.Colour.RED shop.Money(amount=3), declared with @ayl.value
                Decimal('1.5') UUID('…') PosixPath('/tmp') datetime.datetime(2026, 1, 1, 0, 0) and its kind, …

Nothing is evaluated, imported or looked up as an attribute: what may stand before a parenthesis is in a table, and
what is not there is refused with its place. `scanning` (text and places) · `literals` (numbers, text) ·
`constructors` (the table) · `declared` (the app's) · `grammar` (the rest).
"""

from .grammar import WrittenCall, looks_like_a_class, read
from .scanning import CannotRead

__all__ = ["CannotRead", "WrittenCall", "looks_like_a_class", "read"]
