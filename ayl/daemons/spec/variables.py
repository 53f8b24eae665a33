"""`${VAR}` in texts: the variables of whoever runs `ayl_daemons`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ayl.daemons.spec.problems import Wrong

if TYPE_CHECKING:
    from collections.abc import Mapping

_dollar = re.compile(r"\$(?:(\$)|\{([A-Za-z_][A-Za-z0-9_]*)(:-([^}]*))?\})?")

FORMS = "${NAME}, ${NAME:-DEFAULT}, or $$ for a dollar"


def expanded(text: str, variables: Mapping[str, str]) -> str:
    """The text with all of them replaced; Wrong for one that is not set, and for a dollar that means nothing."""

    def value(found: re.Match[str]) -> str:
        dollar, name, has_default, default = found.groups()
        if dollar:
            return "$"
        if name is None:
            raise Wrong("a $ stands alone", FORMS)
        if has_default:  # as in a shell: of an empty one, too
            return variables.get(name) or str(default)
        if name not in variables:
            raise Wrong(f"the variable {name} is not set", f"one that is, or ${{{name}:-DEFAULT}}")
        return variables[name]

    return _dollar.sub(value, text)
