"""Number plates: normalise one, know a Korean one, tell how alike two are."""

import re
import unicodedata

TYPED_LENGTH = 32
SHORTEST, LONGEST = 5, 32
DROPPED_CATEGORIES = {"Zs", "Zl", "Zp", "Cc", "Cf", "Pd"}
DROPPED_SIGNS = {".", "·"}

KOREAN = re.compile(
    r"[0-9]{2,3}[가-힣][0-9]{4}"  # since 2019 three digits first, before that two
    r"|[가-힣]{2}[0-9]{2}[가-힣][0-9]{4}"  # older: with the region
    r"|[가-힣]{2}[0-9]{6}"  # construction, temporary
)

# What cameras and people take for each other; all else costs a whole character.
CONFUSABLE = [set(group) for group in ("0ODQ", "1IL7", "2Z7", "5S6", "8B3", "69", "80")]
CONFUSABLE_COST = 0.4
ALIKE = 0.8  # of seven characters one may be wrong, or three merely confusable


class NotAPlate(ValueError):
    """The text is no plate."""


def normalise(text):
    """Return the one spelling of a plate; raise NotAPlate.

    Full-width and decomposed characters, separators and dashes, small letters make no
    other car: `12가-3456` is `12가3456`.
    """
    text = text.strip()
    if not text or len(text) > TYPED_LENGTH:
        raise NotAPlate
    if "\0" in text or not is_unicode(text):
        raise NotAPlate
    kept = "".join(
        character
        for character in unicodedata.normalize("NFKC", text)
        if unicodedata.category(character) not in DROPPED_CATEGORIES
        and character not in DROPPED_SIGNS
    )
    plate = unicodedata.normalize("NFC", kept.upper())
    if not SHORTEST <= len(plate) <= LONGEST:
        raise NotAPlate
    for character in plate:
        category = unicodedata.category(character)
        if category[0] != "L" and category != "Nd":
            raise NotAPlate
    return plate


def normalised_or_none(text):
    """Return the normalised plate, or None for a text that is no plate."""
    try:
        return normalise(text)
    except NotAPlate:
        return None


def is_korean(plate):
    """Tell whether a normalised plate has a form that Korea gives out."""
    return KOREAN.fullmatch(plate) is not None


def likeness(one, other):
    """Return how alike two normalised plates are, from 0 to 1 for the same.

    An edit distance in which what looks alike costs less.
    """
    row = [float(n) for n in range(len(other) + 1)]
    for i, a in enumerate(one, 1):
        before, row = row, [float(i)]
        for j, b in enumerate(other, 1):
            row.append(
                min(before[j] + 1, row[j - 1] + 1, before[j - 1] + _replacing(a, b))
            )
    return 1 - row[-1] / max(len(one), len(other))


def most_alike(plate, candidates):
    """Return (candidate, likeness) of the plate most like it, or None if none is."""
    scored = [(other, likeness(plate, other)) for other in candidates]
    best = max(scored, key=lambda pair: pair[1], default=None)
    return best if best and ALIKE <= best[1] < 1 else None


def _replacing(a, b):
    if a == b:
        return 0.0
    if any(a in group and b in group for group in CONFUSABLE):
        return CONFUSABLE_COST
    # Hangul that shares all but one of its letters: 가 and 거, 오 and 우, 바 and 마.
    one, other = (unicodedata.normalize("NFD", character) for character in (a, b))
    if "가" <= a <= "힣" and "가" <= b <= "힣" and len(one) == len(other):
        different = sum(x != y for x, y in zip(one, other, strict=True))
        if different == 1:
            return CONFUSABLE_COST
    return 1.0


def is_unicode(text):
    """Tell whether the text is free of lone surrogates, which UTF-8 cannot carry."""
    return not any("\ud800" <= character <= "\udfff" for character in text)
