"""Measurement of how a function's time grows with its input, and texts that make regular expressions slow."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from re import _constants as code
from re import _parser as parser
from typing import Any

MAX_GROWTH = 2.5  # times as long for twice the text
# Shorter measurements are dominated by noise and constant overhead.
_FLOOR = 0.03  # seconds
# A function of quadratic time takes millions of steps for a text of this length, so it takes longer than this.
_MIDDLE = 4_096
_QUICK = 0.0015  # seconds
_SHORTEST = 16
_RUNS = 5
_ATTEMPTS = 4

# One character of each category of a regular expression.
_SAMPLES = {
    code.CATEGORY_DIGIT: "1",
    code.CATEGORY_NOT_DIGIT: "x",
    code.CATEGORY_SPACE: " ",
    code.CATEGORY_NOT_SPACE: "x",
    code.CATEGORY_WORD: "a",
    code.CATEGORY_NOT_WORD: ".",
}


def growth(run: Callable[[Any], object], attack: Callable[[int], Any], longest: int, *, floor: float = _FLOOR) -> float:
    """Return how many times as long `run` takes for twice the text; 0 if it is quick even for the longest text.

    `attack` makes a text of about a given length. The length is doubled until the time is at least `floor` seconds.
    The text that it is compared with is a quarter as long, which reduces the influence of noise.
    """
    length = _SHORTEST
    while _is_faster(run, attack(4 * length), floor):
        length *= 2
        if 4 * length > longest:
            return 0.0
    short, long = attack(length), attack(4 * length)
    found = []
    # A busy machine only makes the result worse, so take the best measurement.
    for _ in range(_ATTEMPTS):
        times = [(seconds(run, short), seconds(run, long)) for _ in range(_RUNS)]
        found.append(float((min(now for _, now in times) / min(before for before, _ in times)) ** 0.5))
        if found[-1] <= MAX_GROWTH:
            break
    return min(found)


def is_linear(run: Callable[[Any], object], attack: Callable[[int], Any], longest: int) -> bool:
    """Return whether twice the text takes about twice the time; very quick functions are not measured further."""
    middle = attack(_MIDDLE)
    return _is_faster(run, middle, _QUICK) or growth(run, attack, longest) <= MAX_GROWTH


def _is_faster(run: Callable[[Any], object], text: Any, bound: float) -> bool:
    """Return whether one of two calls takes less than `bound` seconds; the second is made only if the first doesn't."""
    return any(seconds(run, text) < bound for _ in range(2))


def seconds(run: Callable[[Any], object], text: Any) -> float:
    """Return the processor time of one call in seconds."""
    start = time.thread_time()
    run(text)
    return time.thread_time() - start


@dataclass(frozen=True, slots=True)
class Attack:
    """Text that starts like a match, continues with a repeated piece, and ends like no match."""

    start: str
    piece: str
    end: str

    def text(self, length: int) -> str:
        """Return the text with about `length` characters."""
        return self.start + self.piece * (length // len(self.piece)) + self.end


def attacks(pattern: re.Pattern[Any]) -> Iterator[Attack]:
    """Yield attacks on a pattern, built from the pattern's own parts."""
    source = pattern.pattern if isinstance(pattern.pattern, str) else pattern.pattern.decode("latin-1")
    # The compiler adds the UNICODE flag to `str` patterns.
    tree = parser.parse(source, pattern.flags & ~re.UNICODE)
    example, characters = _example(tree), sorted(_characters(tree))
    for place in range(len(example) + 1):
        start = example[:place]
        for piece in (*characters, *(start[-size:] for size in range(2, 9) if size <= place)):
            for end in ("", "\0"):
                yield Attack(start, piece, end)


def _example(tree: Any) -> str:
    """Return a short text that the pattern matches or nearly matches."""
    found = ""
    for kind, value in tree:
        if kind is code.LITERAL:
            found += chr(value)
        elif kind in (code.IN, code.NOT_LITERAL, code.ANY):
            characters = _characters([(kind, value)])
            found += "~" if "~" in characters else min(characters)
        elif kind in (code.MAX_REPEAT, code.MIN_REPEAT, code.POSSESSIVE_REPEAT):
            # Include an optional part once, so that its content is tried, too.
            found += _example(value[2]) * max(1, min(value[0], 4))
        elif kind is code.SUBPATTERN:
            found += _example(value[3])
        elif kind is code.ATOMIC_GROUP:
            found += _example(value)
        elif kind is code.BRANCH:
            found += _example(value[1][0])
    return found


def _characters(tree: Any) -> set[str]:
    """Return characters that occur in the pattern, and one that does not occur in most patterns."""
    found: set[str] = set()
    for kind, value in tree:
        if kind in (code.LITERAL, code.NOT_LITERAL):
            found.add(chr(value) if kind is code.LITERAL else "~")
        elif kind is code.ANY:
            found.add("~")
        elif kind is code.RANGE:
            found.add(chr(value[0]))
        elif kind is code.CATEGORY:
            found.add(_SAMPLES[value])
        elif kind is code.NEGATE:
            found.add("~")
        elif kind is code.IN:
            found |= _characters(value)
        elif kind in (code.MAX_REPEAT, code.MIN_REPEAT, code.POSSESSIVE_REPEAT):
            found |= _characters(value[2])
        elif kind is code.SUBPATTERN:
            found |= _characters(value[3])
        elif kind in (code.ASSERT, code.ASSERT_NOT):
            found |= _characters(value[1])
        elif kind is code.ATOMIC_GROUP:
            found |= _characters(value)
        elif kind is code.BRANCH:
            for branch in value[1]:
                found |= _characters(branch)
    return found
