"""How `ayl_beanstalk` and a shell talk when Tab is pressed, where click's own way is not good enough: an option and its
value in one word (`--tube=shop`), words in which bash sees several (`-h one:11300`), commas in what fish shows.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from click.shell_completion import BashComplete, FishComplete, ShellComplete, ZshComplete, split_arg_string

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


class _WholeWords(ShellComplete):
    """What is offered for `--tube=sh` is a word to stand in its place, as zsh and fish have it."""

    def get_completions(self, args: list[str], incomplete: str) -> list[CompletionItem[str]]:
        items = super().get_completions(args, incomplete)
        option, equals, _ = incomplete.partition("=")
        if equals and option.startswith("--"):
            for item in items:
                item.value = f"{option}={item.value}"
        return items


class Bash(_WholeWords, BashComplete):
    """It cuts words at `=` and `:`, so the line itself is asked for; and it replaces what is behind the last `=`."""

    source_template = """\
%(complete_func)s() {
    local type value
    COMPREPLY=()
    while IFS=, read -r type value; do
        case $type in
            plain)
                [[ $COMP_WORDBREAKS == *=* ]] && value=${value#--*=}
                COMPREPLY+=("$value")
                ;;
            dir) compopt -o dirnames ;;
            file) compopt -o default ;;
        esac
    done < <(%(complete_var)s=bash_complete COMP_WORDS="${COMP_LINE:0:COMP_POINT}" "$1")
}
complete -o nosort -F %(complete_func)s %(prog_name)s
"""

    def get_completion_args(self) -> tuple[list[str], str]:
        line = os.environ["COMP_WORDS"]
        _, *words = split_arg_string(line)
        return (words, "") if line[-1:].isspace() else (words[:-1], "".join(words[-1:]))


class Zsh(_WholeWords, ZshComplete):
    """As click has it."""


class Fish(_WholeWords, FishComplete):
    """What it shows beside a value may have commas."""

    source_template = """\
function %(complete_func)s
    set --local --export %(complete_var)s fish_complete
    set --local --export COMP_WORDS (commandline -cp)
    set --local --export COMP_CWORD (commandline -t)
    for offer in (%(prog_name)s)
        set --local parts (string split --max 1 , $offer)
        switch $parts[1]
            case plain
                echo $parts[2]
            case dir
                __fish_complete_directories $parts[2]
            case file
                __fish_complete_path $parts[2]
        end
    end
end
complete --no-files --command %(prog_name)s --arguments "(%(complete_func)s)"
"""


SHELLS = (Bash, Zsh, Fish)
