"""A value with named fields: data, which is moved and converted, and data about it, which is only carried.

MMEngine 0.10.7, mmengine/structures/base_data_element.py.
"""

from __future__ import annotations

import copy
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableSet
from textwrap import indent
from typing import TYPE_CHECKING, Any, TypeVar

import torch
from torch import Tensor

Element = TypeVar("Element", bound="BaseDataElement")

_RESERVED = ("_metainfo_fields", "_data_fields")


class FieldNames(MutableSet[str]):
    """A set of names that remembers in which order they came."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        self._names = dict.fromkeys(names)

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({list(self._names)})"

    def add(self, value: str) -> None:
        """Put it at the end, unless it is there."""
        self._names[value] = None

    def discard(self, value: str) -> None:
        """Remove it, if it is there."""
        self._names.pop(value, None)

    def update(self, *others: Iterable[str]) -> None:
        """Add all names of all of them."""
        for names in others:
            self._names.update(dict.fromkeys(names))

    def copy(self) -> FieldNames:
        """The same names, in a set of their own."""
        return FieldNames(self)


class BaseDataElement:
    """Fields that are set as attributes are data; those of ``metainfo`` are data about it. A name is of one kind.

    Both come back in the order in which they were set. Methods named after a tensor's convert the data that are
    tensors, arrays or elements, and return a new element. Raises AttributeError where a name is of the other kind.

    A subclass may offer a field as a property ``x`` whose functions call ``set_field(value, "_x", dtype=...)``; such
    a field goes by the name ``x``.
    """

    def __init__(self, *, metainfo: Mapping[str, Any] | None = None, **kwargs: Any) -> None:
        self._metainfo_fields = FieldNames()
        self._data_fields = FieldNames()
        if metainfo is not None:
            self.set_metainfo(metainfo)
        if kwargs:
            self.set_data(kwargs)

    def set_metainfo(self, metainfo: Mapping[str, Any]) -> None:
        """Set a deep copy of every item as metainfo. Raises TypeError for what is not a dict."""
        for name, value in copy.deepcopy(_dict(metainfo, "metainfo")).items():
            self.set_field(value, name, field_type="metainfo")

    def set_data(self, data: Mapping[str, Any]) -> None:
        """Set every item as data. Raises TypeError for what is not a dict."""
        for name, value in _dict(data, "data").items():
            setattr(self, name, value)

    def update(self, instance: BaseDataElement) -> None:
        """Set all that ``instance`` has. Raises TypeError for what is not an element."""
        if not isinstance(instance, BaseDataElement):
            raise TypeError(f"instance must be a BaseDataElement, found {type(instance).__name__}")
        self.set_metainfo(instance.metainfo)
        self.set_data(dict(instance.items()))

    def new(self: Element, *, metainfo: Mapping[str, Any] | None = None, **kwargs: Any) -> Element:
        """A new element of this type with ``metainfo`` and the data ``kwargs``, or this one's where not given."""
        made = self.__class__()
        made.set_metainfo(self.metainfo if metainfo is None else metainfo)
        made.set_data(kwargs or dict(self.items()))
        return made

    def clone(self: Element) -> Element:
        """A new element with a copy of the metainfo and the same data."""
        return self.new()

    def keys(self) -> list[str]:
        """The names of the data."""
        hidden = {f"_{name}" for name in self._data_fields if isinstance(getattr(type(self), name, None), property)}
        return [name for name in self._data_fields if name not in hidden]

    def metainfo_keys(self) -> list[str]:
        """The names of the metainfo."""
        return list(self._metainfo_fields)

    def all_keys(self) -> list[str]:
        """The names of the metainfo, then of the data."""
        return self.metainfo_keys() + self.keys()

    def values(self) -> list[Any]:
        """The data."""
        return [getattr(self, name) for name in self.keys()]

    def metainfo_values(self) -> list[Any]:
        """The metainfo."""
        return [getattr(self, name) for name in self.metainfo_keys()]

    def all_values(self) -> list[Any]:
        """The metainfo, then the data."""
        return self.metainfo_values() + self.values()

    def items(self) -> Iterator[tuple[str, Any]]:
        """Names and values of the data."""
        return zip(self.keys(), self.values(), strict=True)

    def metainfo_items(self) -> Iterator[tuple[str, Any]]:
        """Names and values of the metainfo."""
        return zip(self.metainfo_keys(), self.metainfo_values(), strict=True)

    def all_items(self) -> Iterator[tuple[str, Any]]:
        """Names and values of the metainfo, then of the data."""
        return zip(self.all_keys(), self.all_values(), strict=True)

    @property
    def metainfo(self) -> dict[str, Any]:
        """The metainfo as a dict."""
        return dict(self.metainfo_items())

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            """A field."""

    def __setattr__(self, name: str, value: Any) -> None:
        if name in _RESERVED:
            _refuse_reserved(name, taken=name in self.__dict__)
            super().__setattr__(name, value)
        else:
            self.set_field(value, name)

    def __delattr__(self, item: str) -> None:
        _refuse_reserved(item, taken=item in _RESERVED)
        super().__delattr__(item)
        self._metainfo_fields.discard(item)
        self._data_fields.discard(item)

    __delitem__ = __delattr__

    def get(self, key: str, default: Any = None) -> Any:
        """The value of a field or other attribute, or ``default``."""
        return getattr(self, key, default)

    def pop(self, key: str, *default: Any) -> Any:
        """Remove a field and return its value, or ``default``. Raises KeyError without either."""
        if key in self:
            value = getattr(self, key)
            delattr(self, key)
            return value
        if len(default) == 1:
            return default[0]
        raise KeyError(f"no field {key!r} in {type(self).__name__}, found {self.all_keys()}")

    def __contains__(self, item: str) -> bool:
        return item in self._data_fields or item in self._metainfo_fields

    def set_field(
        self, value: Any, name: str, dtype: type | tuple[type, ...] | None = None, field_type: str = "data"
    ) -> None:
        """Set one field of ``field_type``, ``data`` or ``metainfo``; TypeError unless the value is of ``dtype``."""
        if field_type not in ("metainfo", "data"):
            raise ValueError(f"field_type must be 'metainfo' or 'data', found {field_type!r}")
        if dtype is not None and not isinstance(value, dtype):
            raise TypeError(f"{name} of {type(self).__name__} must be of {dtype}, found {type(value).__name__}")
        fields, others = self._data_fields, self._metainfo_fields
        if field_type == "metainfo":
            fields, others = others, fields
        if name in others:
            raise AttributeError(
                f"{name!r} of {type(self).__name__} cannot be set as {field_type}: there is one of the other kind "
                "(data or metainfo); delete it first"
            )
        fields.add(name)
        super().__setattr__(name, value)

    def to(self: Element, *args: Any, **kwargs: Any) -> Element:
        """``value.to(...)`` of all data that have a method ``to``."""
        return self._converted(lambda value: value.to(*args, **kwargs) if hasattr(value, "to") else value)

    def cpu(self: Element) -> Element:
        """The data on the CPU."""
        return self._called("cpu")

    def cuda(self: Element) -> Element:
        """The data on the current CUDA device."""
        return self._called("cuda")

    def npu(self: Element) -> Element:
        """The data on the current Ascend device."""
        return self._called("npu")

    def mlu(self: Element) -> Element:
        """The data on the current Cambricon device."""
        return self._called("mlu")

    def musa(self: Element) -> Element:
        """The data on the current Moore Threads device."""
        return self._called("musa")

    def detach(self: Element) -> Element:
        """The data outside of autograd's graph."""
        return self._called("detach")

    def numpy(self: Element) -> Element:
        """The data as arrays of NumPy."""
        return self.detach().cpu()._called("numpy")

    def to_tensor(self: Element) -> Element:
        """The arrays of NumPy among the data as tensors that share their memory."""

        def convert(value: Any) -> Any:
            if is_array(value):
                return torch.from_numpy(value)
            return value.to_tensor() if isinstance(value, BaseDataElement) else value

        return self._converted(convert)

    def _called(self: Element, method: str) -> Element:
        def convert(value: Any) -> Any:
            return getattr(value, method)() if isinstance(value, (Tensor, BaseDataElement)) else value

        return self._converted(convert)

    def _converted(self: Element, convert: Callable[[Any], Any]) -> Element:
        """A new element whose data are ``convert`` of this one's."""
        made = self.__class__()
        made.set_metainfo(self.metainfo)
        made.set_data({name: convert(value) for name, value in self.items()})
        return made

    def to_dict(self) -> dict[str, Any]:
        """All fields as a dict, elements among them as dicts too."""
        return {
            name: value.to_dict() if isinstance(value, BaseDataElement) else value for name, value in self.all_items()
        }

    def __repr__(self) -> str:
        parts = (("META INFORMATION", self.metainfo), ("DATA FIELDS", dict(self.items())))
        body = "".join(f"\n\n    {title}{_following(_listed(fields))}" for title, fields in parts)
        return f"<{type(self).__name__}({body}\n) at {hex(id(self))}>"


def _listed(fields: Mapping[str, Any]) -> str:
    """A line per field; a dict's items below its name."""
    return "".join(
        f"\n{name}: {_following(_listed(value) if isinstance(value, dict) else repr(value))}"
        for name, value in fields.items()
    )


def _following(text: str) -> str:
    """``text`` with all lines but the first indented."""
    first, newline, rest = text.partition("\n")
    return first + newline + indent(rest, "    ", lambda line: True)


def is_array(value: Any) -> bool:
    """Whether ``value`` is an array of NumPy; where NumPy is not imported, there is none."""
    numpy: Any = sys.modules.get("numpy")
    return numpy is not None and isinstance(value, numpy.ndarray)


def _dict(value: Any, label: str) -> Any:
    if not isinstance(value, Mapping):
        raise TypeError(f"{label} must be a dict, found {type(value).__name__}: {value!r}")
    return value


def _refuse_reserved(name: str, taken: bool) -> None:
    if taken:
        raise AttributeError(f"{name} holds the names of the fields and cannot be replaced or deleted")
