"""Arguments <-> what JSON can hold.

JSON's own values travel as they are: None, bool, int within 64 bits, finite float, str, list, and dict with
str keys. Everything else is marked, by an object with one key that begins with a dollar sign:

    {"$t": [tag, …]}         a value of the kind `tag`: ["Decimal", "3.50"], ["tuple", [1, 2]], …
    {"$ref": [name]}         a registered class
    {"$ref": [name, key]}    a stored object, to be found again

so that a value comes back equal and of the same type, or is refused where it was sent. A user's own dict with
such a key travels as ["dict", [[key, value], …]] and is never mistaken for a mark.

Reading a message never imports, evaluates or looks up an attribute by a name found in it: tags and value
classes are looked up in tables, fields among those the class declares.
"""

from .classes import value
from .decoding import decode, references
from .encoding import as_it_is, encode

__all__ = ["as_it_is", "decode", "encode", "references", "value"]
