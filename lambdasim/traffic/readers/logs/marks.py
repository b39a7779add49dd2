"""Where Lambda wrote in a log text: its words are looked for one by one, and what stands around them is read there."""

from __future__ import annotations

import re
from typing import Final

MARK: Final = re.compile(
    r"(?<![A-Z_])(?:START RequestId:\s*(?P<start>[\w-]{1,128}?)(?=Version:|[^\w-]|$)"
    r"(?:\s*Version:\s*(?P<of>[\w$-]{1,64}))?"
    r"|(?P<report>REPORT) R(?:equestId:|e?q?u?e?s?t?I?d?[ \t]*(?=[\r\n]|\Z))"
    r"|(?P<begins>INIT_START|RESTORE_START)\s+Runtime Version:\s*(?P<version>[^\s|]{1,100}?)"
    r"(?=Runtime Version|[\s|]|$)"
    r"|(?P<started>INIT_REPORT|RESTORE_REPORT)\b(?P<fields>[^\r\n]{0,300}))"
    r'|"type"\s*:\s*"platform\.(?P<platform>start|report|runtimeDone|initStart|initReport|restoreStart|restoreReport)"'
    r'|"event_type"\s*:\s*"(?P<performance>performance)"'
    r"|(?<![\w-])(?P<late>[\w-]{8,128})\s+Task timed out after"
    r"|RequestId:\s*(?P<ended>[\w-]{1,128})\s+(?:Error:\s*)?"
    r"(?P<how>(?:Runtime|Process) exited[^\r\n]{0,160}(?:[\r\n]+Runtime\.\w+)?)"
    r"|(?<![\w-])[\w-]{0,16}?(?P<failed>[\w-]{36})\s+ERROR\s+Invoke Error\b"
    r"|\[ERROR\] (?P<raised>[A-Za-z_][\w.]{0,100}): [^\r\n]{0,2000}?\s+Traceback \(most recent call last\)"
)
"""What Lambda writes, with what it says of it by name."""
_BEGINNINGS: Final = (
    "START RequestId:", "REPORT R", "INIT_START", "RESTORE_START", "INIT_REPORT", "RESTORE_REPORT", '"type"',
    '"event_type"', "[ERROR] ",
)  # fmt: skip
"""How a mark may begin."""
_INSIDE: Final = ("Task timed out after", "Invoke Error", "exited")
"""What stands in marks that begin with a request."""
_WORDS: Final = (*_BEGINNINGS, *_INSIDE)


def has_words(text: str) -> bool:
    """Return whether a text has words without which it has no mark."""
    return any(word in text for word in _WORDS)


class Marks:
    """The marks of a text in their order, as `MARK` finds them, which by itself takes ten times as long.

    Attributes
    ----------
    text : str
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self._ahead = {word: (-1, -1) for word in _WORDS if word in text}
        """Of each word that is still to come: where a mark with it may begin, and where the word stands."""

    def next(self, done: int) -> re.Match[str] | None:
        """Find the first mark that begins at a place or behind it.

        Parameters
        ----------
        done : int
            Never smaller than before.
        """
        while self._ahead:
            for word, (begin, place) in list(self._ahead.items()):
                if begin < done:
                    self._go_on(word, place, done)
            if not self._ahead:
                return None
            done = min(begin for begin, _ in self._ahead.values())
            found = MARK.match(self.text, done)
            if found is not None:
                return found
            done += 1
        return None

    def _go_on(self, word: str, place: int, done: int) -> None:
        """Go to the next place of a word at which a mark may begin that has not been passed."""
        text = self.text
        while (at := text.find(word, max(place + 1, done))) >= 0:
            begin = self._begin(word, max(place, 0), at)
            if begin >= done:
                self._ahead[word] = begin, at
                return
            place = at
        del self._ahead[word]

    def _begin(self, word: str, before: int, at: int) -> int:
        """Give where a mark begins that has a word at a place; -1 where there is none behind the word's last place."""
        if word == "exited":
            return self.text.rfind("RequestId:", before, at)
        if word == "Task timed out after":
            return self._word_before(at)
        if word == "Invoke Error":
            end = self._blank_before(at)
            return self._word_before(end - 5) if self.text.startswith("ERROR", max(end - 5, 0)) else -1
        return at

    def _word_before(self, end: int) -> int:
        """Give where the word before a place begins."""
        place = self._blank_before(end)
        while place and (self.text[place - 1].isalnum() or self.text[place - 1] in "_-"):
            place -= 1
        return place

    def _blank_before(self, end: int) -> int:
        """Give where the blanks before a place begin."""
        while end > 0 and self.text[end - 1].isspace():
            end -= 1
        return max(end, 0)
