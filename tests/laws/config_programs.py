"""Hypothesis strategies for old configs: what they say, how it is written, and how files build on each other."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

small = st.integers(1, 12)
ratio = st.sampled_from([0.001, 0.1, 1.0 / 3, 1.0])
leaf_dataset = st.fixed_dictionaries(
    {"type": st.just("ToyDataset"), "ann_file": st.sampled_from(["data/a.json", "data/b.json"])},
    optional={"pipeline": st.lists(st.just({"type": "Load", "size": (3, 4)}), max_size=2), "test_mode": st.booleans()},
)
dataset = st.one_of(
    leaf_dataset,
    st.fixed_dictionaries({"type": st.just("RepeatDataset"), "times": small, "dataset": leaf_dataset}),
    st.lists(leaf_dataset, min_size=1, max_size=2),
)
loader = st.fixed_dictionaries(
    {},
    optional={"samples_per_gpu": small, "shuffle": st.booleans(), "workers_per_gpu": st.integers(0, 2), "mode": small},
)
warmup = st.one_of(
    st.just({}),
    st.fixed_dictionaries(
        {"warmup": st.sampled_from(["linear", "constant", "exp"]), "warmup_iters": small},
        optional={"warmup_ratio": ratio, "warmup_by_epoch": st.booleans()},
    ),
)
policy = st.one_of(
    st.fixed_dictionaries(
        {"policy": st.just("step"), "step": st.lists(small, max_size=2, unique=True).map(sorted)},
        optional={"gamma": st.sampled_from([0.1, 0.5])},
    ),
    st.fixed_dictionaries({"policy": st.just("Step"), "step": small}),
    st.fixed_dictionaries({"policy": st.just("poly")}, optional={"power": st.just(0.9), "min_lr": st.just(1e-4)}),
    st.fixed_dictionaries({"policy": st.just("CosineAnnealing"), "min_lr": st.sampled_from([0, 1e-5])}),
    st.just({"policy": "fixed"}),
    st.just({"policy": "Unheard", "colour": "red"}),
)
hook = st.one_of(
    st.just({"type": "NumClassCheckHook"}),
    st.fixed_dictionaries({"type": st.just("EMAHook")}, optional={"momentum": st.just(0.25), "interval": small}),
    st.just({"type": "DistSamplerSeedHook"}),
    st.just({"type": "ExpMomentumEMAHook", "resume_from": None, "priority": 49}),
)
logger = st.one_of(
    st.fixed_dictionaries({"type": st.just("TextLoggerHook")}, optional={"by_epoch": st.booleans()}),
    st.fixed_dictionaries({"type": st.just("TensorboardLoggerHook")}, optional={"log_dir": st.just("work/logs")}),
    st.just({"type": "PaviLoggerHook"}),
)

SECTIONS: dict[str, st.SearchStrategy[Any]] = {
    "model": st.fixed_dictionaries(
        {"type": st.just("ToyModel")}, optional={"depth": small, "head": st.just({"in": 1, "sizes": [1, 2]})}
    ),
    "train_cfg": st.sampled_from([None, {}, {"mixup": 0.2}]),
    "runner": st.one_of(
        st.fixed_dictionaries({"type": st.just("EpochBasedRunner"), "max_epochs": small}),
        st.fixed_dictionaries({"type": st.just("IterBasedRunner"), "max_iters": st.integers(20, 90)}),
        st.fixed_dictionaries({"max_epochs": small}),
        st.just({"type": "MyRunner", "rounds": 3}),
    ),
    "total_epochs": small,
    "evaluation": st.fixed_dictionaries(
        {},
        optional={
            "interval": small,
            "metric": st.sampled_from(["bbox", ["bbox", "segm"]]),
            "start": small,
            "save_best": st.sampled_from(["auto", "AP", None]),
            "rule": st.just("greater"),
            "dynamic_intervals": st.just([(8, 1)]),
            "gpu_collect": st.booleans(),
        },
    ),
    "lr_config": st.builds(
        lambda main, warm, unit: {**main, **warm, **unit},
        policy,
        warmup,
        st.sampled_from([{}, {"by_epoch": False}, {"by_epoch": True}]),
    ),
    "optimizer": st.fixed_dictionaries(
        {"type": st.sampled_from(["SGD", "AdamW"]), "lr": st.sampled_from([0.1, 1e-4])},
        optional={
            "momentum": st.just(0.9),
            "paramwise_cfg": st.sampled_from([{}, {"norm_decay_mult": 0.0}]),
            "constructor": st.just("DefaultOptimizerConstructor"),
        },
    ),
    "optimizer_config": st.sampled_from(
        [
            {},
            {"grad_clip": None},
            {"grad_clip": {"max_norm": 35, "norm_type": 2}},
            {"type": "Fp16OptimizerHook", "loss_scale": "dynamic"},
            {"type": "GradientCumulativeOptimizerHook", "cumulative_iters": 2},
            {"type": "TheirHook", "grad_clip": {"max_norm": 1}, "start": 10},
        ]
    ),
    "fp16": st.sampled_from([{}, {"loss_scale": 512.0}, {"loss_scale": {"init_scale": 8}}]),
    "checkpoint_config": st.fixed_dictionaries(
        {},
        optional={
            "interval": small,
            "by_epoch": st.booleans(),
            "out_dir": st.sampled_from(["", "work/out"]),
            "sync_buffer": st.booleans(),
            "create_symlink": st.booleans(),
        },
    ),
    "log_config": st.fixed_dictionaries({}, optional={"interval": small, "hooks": st.lists(logger, max_size=3)}),
    "custom_hooks": st.lists(hook, max_size=2),
    "data": st.fixed_dictionaries(
        {},
        optional={
            "samples_per_gpu": small,
            "workers_per_gpu": st.integers(0, 2),
            "train": dataset,
            "val": leaf_dataset,
            "test": leaf_dataset,
            "val_dataloader": loader,
            "train_dataloader": loader,
            "sampling_replace": small,
        },
    ),
    "dist_params": st.just({"backend": "nccl"}),
    "cudnn_benchmark": st.booleans(),
    "mp_start_method": st.just("fork"),
    "workflow": st.sampled_from([[("train", 1)], [("train", 1), ("val", 1)]]),
    "load_from": st.sampled_from([None, "work/a.pth"]),
    "resume_from": st.sampled_from([None, "work/b.pth"]),
    "seed": small,
    "find_unused_parameters": st.booleans(),
    "work_dir": st.sampled_from(["work/dir", "out"]),
    "img_norm": st.just({"mean": [1.5, 2.5], "to_rgb": True}),
}
"""Top-level key -> what may stand there."""


def sections(min_size: int = 1, max_size: int = 8) -> st.SearchStrategy[dict[str, Any]]:
    """The keys of one file, in any order."""
    return st.lists(st.sampled_from(list(SECTIONS)), min_size=min_size, max_size=max_size, unique=True).flatmap(
        lambda keys: st.fixed_dictionaries({key: SECTIONS[key] for key in keys})
    )


@st.composite
def overrides(draw: st.DrawFn) -> dict[str, Any]:
    """The keys of a file over a base: whole, in part, or replacing what the base has."""
    keys = draw(sections(0, 4))
    for key, value in keys.items():
        if isinstance(value, dict):
            form = draw(st.sampled_from(["whole", "part", "delete"]))
            if form == "part" and value:
                kept = draw(st.lists(st.sampled_from(list(value)), min_size=1, unique=True))
                keys[key] = {name: value[name] for name in value if name in kept}
            elif form == "delete":
                keys[key] = {"_delete_": True, **value}
    return keys


@dataclass
class Printer:
    """Writes the keys of a file as a program, in a style and with detours that ``rng`` chooses.

    Helper variables begin with ``name``, so that files side by side never share one.
    """

    rng: random.Random
    name: str = "part"
    lines: list[str] = field(default_factory=list)
    known: dict[str, str] = field(default_factory=dict)
    count: int = 0

    def __post_init__(self) -> None:
        self.quote = self.rng.choice("''\"")
        self.braces = self.rng.random() < 0.2
        self.closing = self.rng.random() < 0.3

    def program(self, keys: dict[str, Any], bases: list[str], inherited: list[str]) -> str:
        """The whole text; ``inherited`` are keys that the bases surely have."""
        if self.chance(0.3):
            self.lines.append(self.comment())
        if bases:
            self.lines.append(f"_base_ = {bases[0]!r}" if len(bases) == 1 and self.chance(0.5) else f"_base_ = {bases}")
        for key, value in keys.items():
            if inherited and self.chance(0.1):
                self.count += 1
                self.lines.append(f"{self.name}_{self.count} = {{{{_base_.{self.rng.choice(inherited)}}}}}")
            self.statement(key, value)
            if self.chance(0.1):
                self.reader(key, value)
        if self.chance(0.2):
            self.lines.append(self.comment())
        return "\n".join(self.lines) + ("" if self.chance(0.1) else "\n")

    def statement(self, key: str, value: Any) -> None:
        """One assignment, sometimes completed by a second statement."""
        later: list[tuple[str, Any]] = []
        if isinstance(value, dict) and len(value) > 1 and "_delete_" not in value and self.chance(0.08):
            *first, last = value.items()
            value, later = dict(first), [last]
        text = self.value(value, 0)
        if self.chance(0.15):
            self.lines.append("")
        if self.chance(0.2):
            self.lines.append(self.comment())
        self.lines.append(f"{key} = {text}{self.trailing(0.15)}")
        for name, item in later:
            self.lines.append(f"{key}[{name!r}] = {self.value(item, 0)}{self.trailing(0.1)}")

    def reader(self, key: str, value: Any) -> None:
        """A statement that looks at ``key`` again."""
        self.count += 1
        part = f"[{self.rng.choice(list(value))!r}]" if isinstance(value, dict) and value and self.chance(0.5) else ""
        text = f"{self.name}_{self.count} = dict(seen={key}{part})"
        ways = [[text], [f"if True:{self.trailing(0.3)}", f"    {text}"], [f"{text}; {self.name}_{self.count}b = 1"]]
        self.lines += self.rng.choice(ways)

    def value(self, value: Any, depth: int) -> str:
        """An expression for ``value``."""
        if isinstance(value, str):
            return self.string(value)
        if not isinstance(value, (dict, list, tuple)):
            return repr(value)
        if depth and value and self.chance(0.12):
            return self.variable(value)
        if isinstance(value, dict):
            return self.mapping(value, depth)
        parts = [("", self.value(item, depth + 1)) for item in value]
        opening, closing = ("[", "]") if isinstance(value, list) else ("(", ",)" if len(value) == 1 else ")")
        return self.brackets(opening, closing, parts, depth)

    def mapping(self, value: dict[str, Any], depth: int) -> str:
        """A ``dict()`` call or a display, sometimes with an unpacked part."""
        braces = self.braces or not all(key.isidentifier() and key != "in" for key in value) or self.chance(0.05)
        items = list(value.items())
        parts: list[tuple[str, str]] = []
        if len(items) > 2 and self.chance(0.1):
            parts.append(("**", self.variable(dict(items[:1]))))
            items = items[1:]
        for key, item in items:
            prefix = f"{self.quote}{key}{self.quote}: " if braces else f"{key}="
            parts.append((prefix, self.value(item, depth + 1)))
        return self.brackets("{" if braces else "dict(", "}" if braces else ")", parts, depth)

    def brackets(self, opening: str, closing: str, parts: list[tuple[str, str]], depth: int) -> str:
        """On one line, or one part to a line with comments between."""
        texts = [prefix + text for prefix, text in parts]
        if not parts or (self.chance(0.6) and not any("\n" in text for text in texts)):
            return opening + ", ".join(texts) + closing
        pad = "    " * (depth + 1)
        lines = [opening + self.trailing(0.1)]
        for i, text in enumerate(texts):
            if self.chance(0.08):
                lines.append(pad + self.comment())
            comma = "," if i < len(texts) - 1 or (self.closing and not closing.startswith(",")) else ""
            lines.append(f"{pad}{text}{comma}{self.trailing(0.1)}")
        if self.closing or "#" in lines[-1]:
            if self.chance(0.1):
                lines.append(pad + self.comment())
            return "\n".join(lines) + "\n" + "    " * depth + closing
        return "\n".join(lines) + closing

    def string(self, text: str) -> str:
        """A string, sometimes as an f-string over a variable."""
        head, slash, tail = text.partition("/")
        if slash and self.chance(0.3):
            return f"f{self.quote}{{{self.variable(head)}}}/{tail}{self.quote}"
        return self.quote + text + self.quote

    def variable(self, value: Any) -> str:
        """The name of a variable that holds ``value``; the same one for the same value, sometimes."""
        if repr(value) in self.known and self.chance(0.7):
            return self.known[repr(value)]
        self.count += 1
        name = self.known[repr(value)] = f"{self.name}_{self.count}"
        text = self.string(value) if isinstance(value, str) else self.value(value, 0)
        self.lines.append(f"{name} = {text}{self.trailing(0.1)}")
        return name

    def comment(self) -> str:
        """A comment that stands nowhere else."""
        self.count += 1
        return self.rng.choice(["# {}", "# why: {}", "#{}", "# dict(type='Old', at={})"]).format(
            f"{self.name}-{self.count}"
        )

    def trailing(self, probability: float) -> str:
        """Sometimes a comment for the end of a line."""
        return f"  {self.comment()}" if self.chance(probability) else ""

    def chance(self, probability: float) -> bool:
        """Whether to take a detour."""
        return self.rng.random() < probability


@st.composite
def file_text(
    draw: st.DrawFn, keys: dict[str, Any], name: str = "part", bases: Sequence[str] = (), inherited: Sequence[str] = ()
) -> str:
    """A text for ``keys``."""
    printer = Printer(random.Random(draw(st.integers(0, 2**32))), name)
    return printer.program(dict(keys), list(bases), list(inherited))


def single_files() -> st.SearchStrategy[dict[str, str]]:
    """One file without a base, by name."""
    return sections().flatmap(lambda keys: file_text(keys)).map(lambda text: {"leaf.py": text})


@st.composite
def trees(draw: st.DrawFn) -> dict[str, str]:
    """Files that build on each other, bases first: a chain, or bases side by side, under one or two leaves."""
    keys = draw(sections(2, 10))
    if draw(st.booleans()):
        files = {"base.py": draw(file_text(keys, "base"))}
        middle = ["base.py"]
        if draw(st.booleans()):
            files["middle.py"] = draw(file_text(draw(overrides()), "middle", middle, list(keys)))
            middle = ["middle.py"]
    else:
        first = draw(st.lists(st.sampled_from(list(keys)), unique=True))
        left = {key: value for key, value in keys.items() if key in first}
        right = {key: value for key, value in keys.items() if key not in first}
        files = {"left.py": draw(file_text(left, "left")), "right.py": draw(file_text(right, "right"))}
        middle = ["left.py", "right.py"]
    for leaf in draw(st.sampled_from([["leaf.py"], ["leaf.py", "other.py"]])):
        files[leaf] = draw(file_text(draw(overrides()), leaf.removesuffix(".py"), middle, list(keys)))
    return files
