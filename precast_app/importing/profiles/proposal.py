"""A proposal of an import profile for a list in an office's own shape. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from precast_app.importing.column_mapping import index_names
from precast_app.importing.decimal_signs import DecimalSign
from precast_app.importing.profiles import levels, target_guesses, vocabulary
from precast_app.importing.profiles.column_values import shown_text
from precast_app.importing.profiles.header_search import ListLayout, guess_layout, title_of
from precast_app.importing.profiles.list_columns import ListColumn, cell_at, is_totals_row, read_columns
from precast_app.importing.profiles.profile import (
    GROUP_KEYS,
    BaseTarget,
    Blank,
    ImportProfile,
    ItemTarget,
    PieceStatusTarget,
    PlaceField,
    PlaceTarget,
    ProfileColumn,
    Shape,
    Target,
)
from precast_app.importing.profiles.schema import MAX_HEADING
from precast_app.importing.profiles.target_guesses import MIN_CONFIDENCE, Guess, Knowledge
from precast_app.importing.profiles.value_rules import propose_values
from precast_app.importing.reference_data import ReferenceData
from precast_app.importing.schema import MEASURES, ColumnGroup
from precast_app.messages import Message
from precast_app.spreadsheets import Book, SheetRow, column_letter
from precast_app.text import match_key

_SHOWN = 60
# Least confidence of a guess that is taken because an import needs its target.
_MIN_NEEDED = 0.4
_MIN_PURPOSES = 2
# A column with a surer guess than this is mentioned if it isn't read.
_SURE = 0.8
_MAX_NOTES = 5
# First words of rows of totals that every import knows.
_KNOWN_TOTALS = frozenset(("total", "totals", "sum", "summe", "grand", "sub", "subtotal", "subtotals", "gesamt"))


@dataclass(frozen=True, slots=True)
class ProposedColumn:
    """A column of the list with all that it may mean, the surest guess first, and the one that was taken."""

    column: ListColumn
    guesses: tuple[Guess, ...]
    taken: Guess | None


@dataclass(frozen=True, slots=True)
class Proposal:
    """A draft of an import profile, with the reasons for what it says.

    `sign` is the decimal sign of numbers that are text. `is_element_types` is False if the list seems to be of another
    kind; the draft then leaves everything open.
    """

    profile: ImportProfile
    columns: tuple[ProposedColumn, ...]
    layout: ListLayout
    sign: DecimalSign
    is_element_types: bool
    notes: tuple[Message, ...]


def propose(
    book: Book,
    reference: ReferenceData,
    profiles: Iterable[ImportProfile] = (),
    layout: ListLayout | None = None,
) -> Proposal:
    """Return a proposal for a file; `profiles` are those of the installation, to learn from.

    The headings are searched for, unless a layout says where they are.
    """
    names = index_names(reference)
    known = list(profiles)
    layout = layout or guess_layout(book, names)
    columns, sign = read_columns(book, layout)
    knowledge = Knowledge(
        reference, names, target_guesses.learn(known), target_guesses.vote_languages(columns), _has_floors(columns)
    )
    guesses = [tuple(target_guesses.guess_targets(column, knowledge)) for column in columns]
    taken = _choose(columns, guesses)
    is_element_types = layout.is_certain and _is_element_type_list(columns, taken)
    if not is_element_types:
        taken = [None] * len(columns)
    shape, taken = _choose_shape(columns, taken)
    proposed = tuple(ProposedColumn(*each) for each in zip(columns, guesses, taken, strict=True))
    notes = list(_repeated_notes(columns, guesses, taken)) if is_element_types else []
    constants = dict(_constants(layout, taken, notes)) if is_element_types else {}
    blanks = _blanks(layout, columns, taken)
    profile = ImportProfile(
        name=title_of(layout),
        sheet=layout.sheet or None,
        header_rows=layout.header_rows,
        skip_rows=layout.skip_rows,
        totals_words=_totals_words(layout, columns, taken, knowledge.languages),
        shape=shape,
        columns=_profile_columns(proposed, blanks),
        constants=constants,
        values=propose_values(columns, [each.target if each else None for each in taken], knowledge, known),
        decimal=sign if sign is DecimalSign.COMMA else None,
    )
    return Proposal(profile, proposed, layout, sign, is_element_types, tuple(notes))


def _has_floors(columns: Iterable[ListColumn]) -> bool:
    return any(levels.is_level(column.text) for column in columns)


def _choose(columns: Sequence[ListColumn], guesses: Sequence[Sequence[Guess]]) -> list[Guess | None]:
    """Return the guess of each column that is taken: each target once, the surest column first."""
    taken: list[Guess | None] = [None] * len(columns)
    used: set[tuple[str, str]] = set()
    done: set[int] = set()
    order = sorted(
        ((guess.confidence, -index, guess) for index, found in enumerate(guesses) for guess in found),
        key=lambda each: each[:2],
        reverse=True,
    )
    for least in (MIN_CONFIDENCE, _MIN_NEEDED):
        for confidence, minus_index, guess in order:
            index = -minus_index
            is_needed = least == MIN_CONFIDENCE or guess.target == BaseTarget("name")
            if confidence < least or index in done or not is_needed:
                continue
            if guess.target is None:
                done.add(index)
            elif (key := _target_key(guess.target)) not in used:
                used.add(key)
                done.add(index)
                taken[index] = guess
        if ("name", "") in used:
            break
        # A column of numbers of pieces is the name if nothing better is.
        done = {index for index in done if taken[index] is not None}
    return taken


def _target_key(target: Target) -> tuple[str, str]:
    match target:
        case BaseTarget(field):
            return field, ""
        case PlaceTarget(place) | PieceStatusTarget(place):
            return place.value, ""
        case ItemTarget(group, name):
            return GROUP_KEYS[group], match_key(name)


def _is_element_type_list(columns: Sequence[ListColumn], taken: Sequence[Guess | None]) -> bool:
    """Return whether the headings are those of a list of element types, and not of prices, people or statuses."""
    targets = [guess.target for guess in taken if guess]
    measures = sum(isinstance(target, BaseTarget) and target.field in MEASURES for target in targets)
    purposes = sum(
        isinstance(target, (PlaceTarget, ItemTarget)) or target == BaseTarget("element_type") for target in targets
    )
    counts = any(
        target == PlaceTarget(PlaceField.COUNT)
        or (isinstance(target, ItemTarget) and target.group is ColumnGroup.NODES)
        for target in targets
    )
    kinds = [meaning.kind for column in columns for meaning in vocabulary.meanings(column.text)[:1]]
    is_other = "other_list" in kinds or "piece_status" in kinds
    has_piece_codes = any(column.values.share(column.values.piece_codes) > 0.5 for column in columns)
    enough = measures + purposes >= _MIN_PURPOSES and (measures > 0 or counts)
    is_name = BaseTarget("name") in targets
    return is_name and enough and not has_piece_codes and (measures >= _MIN_PURPOSES or not is_other)


def _choose_shape(columns: Sequence[ListColumn], taken: Sequence[Guess | None]) -> tuple[Shape, list[Guess | None]]:
    """Return what a row describes, and the guesses without those that such a row has no use for."""
    targets = [guess.target if guess else None for guess in taken]
    fields = {target.field for target in targets if isinstance(target, PlaceTarget)}
    has_nodes = any(isinstance(target, ItemTarget) and target.group is ColumnGroup.NODES for target in targets)
    is_placed = bool(fields & {PlaceField.PLACE, PlaceField.TOWER, PlaceField.FLOOR})
    if has_nodes or not fields:
        shape = Shape.ELEMENT_TYPE
    elif PlaceField.COUNT in fields:
        shape = Shape.ELEMENT_TYPE_AND_PLACE
    else:
        shape = Shape.PIECE
    if shape is Shape.ELEMENT_TYPE:
        return shape, [None if guess and isinstance(guess.target, PlaceTarget) else guess for guess in taken]
    if is_placed and PlaceField.PLACE in fields and fields & {PlaceField.TOWER, PlaceField.FLOOR}:
        # The place and its parts would say the same twice.
        return shape, [None if guess and guess.target == PlaceTarget(PlaceField.PLACE) else guess for guess in taken]
    return shape, list(taken)


def _repeated_notes(
    columns: Sequence[ListColumn], guesses: Sequence[Sequence[Guess]], taken: Sequence[Guess | None]
) -> Iterator[Message]:
    """Yield a sentence for each column that is not read because another one means the same, or has the counts."""
    by_target = {guess.target: column for column, guess in zip(columns, taken, strict=True) if guess}
    count = 0
    for column, found, own in zip(columns, guesses, taken, strict=True):
        best = found[0] if found else None
        if own or best is None or best.target is None or best.confidence < _SURE or count == _MAX_NOTES:
            continue
        count += 1
        heading, letter = column.text[:_SHOWN], column_letter(column.heading.index + 1)
        other = by_target.get(best.target)
        if other is not None:
            yield Message(
                "%(heading)s (column %(column)s) seems to mean the same as column %(other)s, which is read. Check "
                "which of them is meant.",
                heading=heading,
                column=letter,
                other=column_letter(other.heading.index + 1),
            )
        elif best.target == PlaceTarget(PlaceField.COUNT):
            yield Message(
                "%(heading)s (column %(column)s) is not read, because the floors have columns with counts of their "
                "own.",
                heading=heading,
                column=letter,
            )


def _constants(layout: ListLayout, taken: Sequence[Guess | None], notes: list[Message]) -> Iterator[tuple[str, str]]:
    """Yield the element type that the titles or the sheet's name say, if no column has it."""
    if any(guess and guess.target == BaseTarget("element_type") for guess in taken):
        return
    for text in (*layout.titles, layout.sheet):
        if code := vocabulary.kind_of_element(text):
            notes.append(
                Message(
                    "All rows are taken for %(element_type)s, because the title is %(title)s.",
                    element_type=code,
                    title=text[:_SHOWN],
                )
            )
            yield "element_type", code
            return


def _blanks(layout: ListLayout, columns: Sequence[ListColumn], taken: Sequence[Guess | None]) -> Mapping[int, Blank]:
    """Return the columns whose blanks mean the value above: the name with gaps, and those blank in the same rows."""
    names = [
        column for column, guess in zip(columns, taken, strict=True) if guess and guess.target == BaseTarget("name")
    ]
    if not names:
        return {}
    (name,) = names
    rows = [row for row in layout.rows if not is_totals_row(row)]
    found = dict.fromkeys(_filled_once_for_a_block(rows, columns, taken), Blank.ABOVE)
    gaps = [row for row in rows[1:] if shown_text(cell_at(row, name.heading.index)) == ""]
    used = [column.heading.index for column, guess in zip(columns, taken, strict=True) if guess]
    continued = [row for row in gaps if any(shown_text(cell_at(row, index)) for index in used)]
    if not continued or not rows or shown_text(cell_at(rows[0], name.heading.index)) == "":
        return found
    found[name.heading.index] = Blank.ABOVE
    for column, guess in zip(columns, taken, strict=True):
        index = column.heading.index
        if (
            guess
            and isinstance(guess.target, (BaseTarget, PlaceTarget))
            and guess.target != PlaceTarget(PlaceField.COUNT)
        ):
            blank_rows = {row.number for row in rows if shown_text(cell_at(row, index)) == ""}
            if blank_rows and blank_rows <= {row.number for row in continued}:
                found[index] = Blank.ABOVE
    return found


def _filled_once_for_a_block(
    rows: Sequence[SheetRow], columns: Sequence[ListColumn], taken: Sequence[Guess | None]
) -> Iterator[int]:
    """Yield the columns of element types and places that stand in the first row of a block only, as merged cells do.

    A row with a blank there is data if it has a measure; without one it may be a total.
    """
    measures = [
        column.heading.index
        for column, guess in zip(columns, taken, strict=True)
        if guess and isinstance(guess.target, BaseTarget) and guess.target.field in MEASURES
    ]
    for column, guess in zip(columns, taken, strict=True):
        target = guess.target if guess else None
        is_repeated = target == BaseTarget("element_type") or (
            isinstance(target, PlaceTarget) and target.field is not PlaceField.COUNT
        )
        blank = [row for row in rows if shown_text(cell_at(row, column.heading.index)) == ""] if is_repeated else []
        has_measures = all(any(shown_text(cell_at(row, index)) for index in measures) for row in blank)
        if blank and blank[0] is not rows[0] and has_measures:
            yield column.heading.index


def _totals_words(
    layout: ListLayout, columns: Sequence[ListColumn], taken: Sequence[Guess | None], languages: Mapping[str, float]
) -> tuple[str, ...]:
    """Return the words of rows of totals that an import doesn't know by itself."""
    found: dict[str, str] = {}
    for row in layout.rows:
        first = next((text for cell in row.cells if (text := shown_text(cell))), "")
        if is_totals_row(row) and not _is_known_total(first):
            word = first.strip(" :.").split(":")[0][:_SHOWN]
            found.setdefault(match_key(word), word)
    if not layout.has_all_rows and max(languages.values(), default=0) >= 1:
        language = max(languages, key=lambda each: languages[each])
        for word in vocabulary.spelled_words("total", [language]):
            if not _is_known_total(word):
                found.setdefault(match_key(word), word)
    return tuple(found.values())


def _is_known_total(text: str) -> bool:
    return vocabulary.split_words(text[:_SHOWN])[:1] in ([word] for word in _KNOWN_TOTALS)


def _profile_columns(proposed: Iterable[ProposedColumn], blanks: Mapping[int, Blank]) -> tuple[ProfileColumn, ...]:
    """Return the columns of the profile, at least one, without those whose headings are too long for a profile."""
    columns = [_profile_column(each, blanks) for each in proposed]
    kept = tuple(each for each in columns if max(len(each.heading), len(each.sub_heading)) <= MAX_HEADING)
    return kept or (ProfileColumn(heading="", column="A"),)


def _profile_column(proposed: ProposedColumn, blanks: Mapping[int, Blank]) -> ProfileColumn:
    heading, taken = proposed.column.heading, proposed.taken
    return ProfileColumn(
        heading=heading.top,
        sub_heading=heading.sub,
        column=column_letter(heading.index + 1),
        target=taken.target if taken else None,
        unit=taken.unit if taken else None,
        blank=blanks.get(heading.index),
    )
