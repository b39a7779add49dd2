"""The base of all specs: frozen, closed to unknown keys, and every fault of an input reported together, in one voice."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from typing import Any, ClassVar, Final, Self, TypeVar

from pydantic import (
    BaseModel,
    ConfigDict,
    ModelWrapValidatorHandler,
    ValidationError,
    ValidationInfo,
    create_model,
    model_validator,
)
from pydantic_core import ErrorDetails, InitErrorDetails, PydanticCustomError

from lambdasim.errors import Fault, ScenarioError
from lambdasim.specs.faults import FAULT, did_you_mean, in_our_words, not_simulated, of_aws, one_of, shown
from lambdasim.units import DURATION_FORM

Location = tuple[str | int, ...]
SpecT = TypeVar("SpecT", bound="Spec")
_FAULTY: Final = "faulty"
_MOST_FAULTY: Final = 200
_ALTERNATIVE: Final = re.compile(r"(function-[a-z]+|literal)\[.*\]")


@dataclass(frozen=True)
class CrossFault:
    """A fault that lies between fields.

    Attributes
    ----------
    at : tuple of str or int
        Key to change, from the spec that found the fault.
    text : str
        Value got, what is allowed, and where the limit comes from.
    involves : tuple of locations
        Other keys that the finding rests on.
    """

    at: Location
    text: str
    involves: tuple[Location, ...] = ()


@dataclass(frozen=True)
class Refused:
    """Stands in for a value whose key or type is already known to be wrong."""

    text: str


class Spec(BaseModel):
    """What a user may say; a changed spec is a new object (see ``revised``)."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        populate_by_name=True,
        allow_inf_nan=False,
    )

    lacks_items: ClassVar[bool] = False
    """Whether faulty items of a list have been left out, so that what is not there may yet be in the file."""

    is_all: ClassVar[bool] = False
    """Whether it is what a file holds, and not one of many parts of it."""

    @classmethod
    def prepared(cls, data: dict[str, Any]) -> dict[str, Any]:
        """Fill in what depends on other fields, before anything is checked; keys are still the user's."""
        return data

    def cross_faults(self) -> Iterator[CrossFault]:
        """Find what is wrong between fields that are each right."""
        yield from ()

    def cross_checks(self) -> tuple[Iterator[CrossFault], ...]:
        """Return the checks between fields, apart from each other.

        Returns
        -------
        tuple of iterator of CrossFault
            Where some fields are faulty, a check ends at the first of them that it looks at, and the others go on.
        """
        return (self.cross_faults(),)

    @classmethod
    def keys(cls) -> tuple[str, ...]:
        """Return the keys as a scenario file has them."""
        return tuple(_key_of(cls, name) for name in cls.model_fields)

    @model_validator(mode="wrap")
    @classmethod
    def _tell_all_faults(
        cls, data: Any, handler: ModelWrapValidatorHandler[Self], info: ValidationInfo
    ) -> Self:
        if isinstance(data, Mapping):
            data = cls.prepared(_with_units_checked(cls, dict(data)))
        try:
            spec = handler(data)
        except ValidationError as error:
            told = list(_told(cls, error))
            if isinstance(data, Mapping) and (cls.is_all or _is_early(info.context)):
                told += map(_detail, _partly_checked(cls, data, error, info.context))
            raise ValidationError.from_exception_data(cls.__name__, told) from None
        if details := [_detail(fault) for check in spec.cross_checks() for fault in check]:
            raise ValidationError.from_exception_data(cls.__name__, details)
        return spec


def fault(text: str) -> PydanticCustomError:
    """Make an error for a validator to raise, whose words are kept as they are."""
    return PydanticCustomError(FAULT, "{text}", {"text": text})


def revised(spec: SpecT, changes: Mapping[str, object]) -> SpecT:
    """Make a changed copy of a spec, checked like a new one.

    Parameters
    ----------
    spec : Spec
    changes : mapping of str to object
        New values by attribute name.

    Returns
    -------
    Spec
        Of the same type.

    Raises
    ------
    ScenarioError
        When the changed spec is not allowed.

    Examples
    --------
    >>> from lambdasim.specs import WorkSpec
    >>> revised(WorkSpec(), {"parallel_fraction": 0.5}).parallel_fraction
    0.5
    """
    kept = {name: getattr(spec, name) for name in spec.model_fields_set if name not in changes}
    try:
        changed = type(spec).model_validate(kept | dict(changes))
    except ValidationError as error:
        raise ScenarioError(
            Fault(type(spec).__name__, ".".join(str(step) for step in found["loc"]), found["msg"])
            for found in error.errors(include_url=False, include_input=False)
        ) from None
    for name, value in (spec.__pydantic_private__ or {}).items():
        setattr(changed, name, value)
    return changed


def _key_of(cls: type[Spec], name: str) -> str:
    alias = cls.model_fields[name].validation_alias
    return alias if isinstance(alias, str) else name


def _with_units_checked(cls: type[Spec], data: dict[str, Any]) -> dict[str, Any]:
    """Mark bare numbers under a key that wants a unit; only the attribute's own name takes microseconds."""
    for name in cls.model_fields:
        key = _key_of(cls, name)
        if key == name or key not in data:
            continue
        if name in data:
            data[key] = Refused(f"is given twice, as {key} and as {name}")
        else:
            data[key] = _bare_refused(data[key])
    return data


def _bare_refused(value: object) -> object:
    if isinstance(value, int | float):
        return Refused(f"must be {DURATION_FORM}, got {shown(value)}, which has no unit")
    if isinstance(value, list | tuple):
        return [_bare_refused(item) for item in value]
    return value


def _is_early(context: Any) -> bool:
    """Whether a faulty spec is one of the first of its file, whose faults between fields are looked for as well."""
    if not isinstance(context, dict):
        return True
    context[_FAULTY] = context.get(_FAULTY, 0) + 1
    return bool(context[_FAULTY] <= _MOST_FAULTY)


def _partly_checked(
    cls: type[SpecT], data: Mapping[str, Any], error: ValidationError, context: Any
) -> Iterator[CrossFault]:
    """Find what is wrong between the fields that are good, where others are not.

    A faulty field is missing from the spec that is checked here, so a check that looks at it ends, and says nothing that
    could be wrong. Of a list of specs the faulty ones are left out.
    """
    bad: dict[str, set[int | None]] = {}
    for found in error.errors(include_url=False, include_context=False, include_input=False):
        at = (*found["loc"], None, None)
        bad.setdefault(str(at[0]), set()).add(at[1] if isinstance(at[1], int) else None)
    good: dict[str, Any] = {}
    kept: dict[str, list[int]] = {}
    for name in cls.model_fields:
        key = _key_of(cls, name)
        key = name if key not in data and name in data else key
        if key not in data:
            continue
        value, places = data[key], bad.get(key, bad.get(name, set()))
        if places:
            if None in places or not isinstance(value, list | tuple):
                continue
            kept[key] = [place for place in range(len(value)) if place not in places]
            value = [value[place] for place in kept[key]]
        try:
            checked = getattr(_alone(cls, name).model_validate({name: value}, context=context), name)
        except ValidationError:
            continue
        if not places or all(isinstance(item, Spec) for item in checked):
            good[name] = checked
    spec = cls.model_construct(None, **good)
    absent = {
        name
        for name in cls.model_fields
        if name not in good and (_key_of(cls, name) in {*data, *bad} or name in {*data, *bad})
    }
    for name in absent:
        spec.__dict__.pop(name, None)
    spec.__dict__["lacks_items"] = bool(kept)
    for check in spec.cross_checks():
        try:
            yield from (_in_place(found, kept) for found in check)
        except AttributeError as missing:
            if missing.name not in absent:
                raise


@cache
def _alone(cls: type[Spec], name: str) -> type[BaseModel]:
    """Make a model of one field of a spec."""
    field = cls.model_fields[name]
    config = ConfigDict(populate_by_name=True, allow_inf_nan=False)
    fields: dict[str, Any] = {name: (field.annotation, field)}
    return create_model(cls.__name__, __config__=config, **fields)


def _in_place(found: CrossFault, kept: Mapping[str, list[int]]) -> CrossFault:
    """Give an item of a list, of which faulty ones were left out, the place that it has in the file."""
    places = kept.get(str(found.at[0]), []) if len(found.at) > 1 else []
    if not places or not isinstance(found.at[1], int):
        return found
    return CrossFault((found.at[0], places[found.at[1]], *found.at[2:]), found.text, found.involves)


def _told(cls: type[Spec], error: ValidationError) -> Iterator[InitErrorDetails]:
    for found in _alternatives_joined(error.errors(include_url=False)):
        context = found.get("ctx", {}) if found["type"] == FAULT else {}
        if found["type"] == "extra_forbidden" and len(found["loc"]) == 1:
            text = (
                not_simulated(found["loc"][0])
                or of_aws(found["loc"][0], cls.keys())
                or f"unknown key{did_you_mean(found['loc'][0], cls.keys())}; allowed are {one_of(cls.keys())}"
            )
        else:
            text = in_our_words(found)
        yield InitErrorDetails(
            type=PydanticCustomError(FAULT, "{text}", context | {"text": text}),
            loc=_as_written(found["loc"]),
            input=None,
        )


def _alternatives_joined(found: list[ErrorDetails]) -> Iterator[ErrorDetails]:
    """Report once what fits none of a field's alternatives, for each of which pydantic has a path of its own."""
    for loc, same in groupby(found, key=_without_alternative):
        first, *others = same
        if first["loc"] == loc:
            yield from (first, *others)
            continue
        if isinstance(first["input"], Refused):
            yield {**first, "type": FAULT, "loc": loc, "msg": first["input"].text, "ctx": {}}
            continue
        got = f", got {shown(first['input'])}"
        allowed = [in_our_words(fault).partition(", got ")[0] for fault in (first, *others)]
        text = (
            ", or ".join([allowed[0], *(words.removeprefix("must be one of ") for words in allowed[1:])])
            + got
        )
        yield {**first, "type": FAULT, "loc": loc, "msg": text, "ctx": {}}


def _without_alternative(fault: ErrorDetails) -> Location:
    loc = fault["loc"]
    return loc[:-1] if loc and _ALTERNATIVE.fullmatch(str(loc[-1])) else loc


def _as_written(loc: Location) -> Location:
    """Leave out what pydantic adds to a key's path where a mapping's one key says which law it is: that key again."""
    return tuple(
        step for step, before in zip(loc, ("", *loc), strict=False) if step != before or isinstance(step, int)
    )


def _detail(found: CrossFault) -> InitErrorDetails:
    context = {"text": found.text, "involves": found.involves, "steps": len(found.at)}
    return InitErrorDetails(type=PydanticCustomError(FAULT, "{text}", context), loc=found.at, input=None)
