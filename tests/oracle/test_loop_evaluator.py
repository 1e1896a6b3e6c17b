"""Evaluators and metrics against the real MMEngine."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from mmbridge.runners.loop import evaluator as ours
from mmbridge.runners.loop import structures
from torchrun import run_processes

pytestmark = pytest.mark.oracle
real = pytest.importorskip("mmengine.evaluator")
real_structures = pytest.importorskip("mmengine.structures")
ENGINES = {"mmengine": (real, real_structures), "mmbridge": (ours, structures)}
SCRIPT = Path(__file__).with_name("metrics_of_engines.py")


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """What both log is not compared here."""
    for module in ("mmengine.evaluator.metric", "mmbridge.runners.loop.evaluator.metric"):
        monkeypatch.setattr(f"{module}.print_log", lambda *args, **kwargs: None)


def both(make: Any) -> list[Any]:
    """What ``make`` gives with MMEngine and with ours: a value, or the kind of its error."""
    found = []
    for engine in ENGINES.values():
        try:
            found.append(make(*engine))
        except Exception as error:
            found.append(type(error))
    return found


def metric_of(engine: Any, prefix: str | None = None, default: str | None = None, **options: Any) -> Any:
    """A metric of the engine whose scores are all it was shown."""

    def process(self: Any, data_batch: Any, data_samples: Any) -> None:
        self.results.extend((data_batch, sample) for sample in data_samples)

    def compute_metrics(self: Any, results: list[Any]) -> dict[str, Any]:
        return {"all": results, "n": len(results), "meta": self.dataset_meta}

    functions = {"process": process, "compute_metrics": compute_metrics, "default_prefix": default}
    return type("Toy", (engine.BaseMetric,), functions)(prefix=prefix, **options)


@given(
    batches=st.lists(st.lists(st.integers(0, 9), max_size=3), max_size=4),
    size=st.integers(0, 8),
    prefixes=st.lists(
        st.tuples(st.sampled_from([None, "", "a", "b"]), st.sampled_from([None, "", "a", "d"])), max_size=3
    ),
)
def test_evaluate(batches: list[list[int]], size: int, prefixes: list[Any]) -> None:
    """Results cut to the size, prefixes, names that two metrics have, and a second round."""

    def run(engine: Any, _: Any) -> Any:
        evaluator = engine.Evaluator([metric_of(engine, *each) for each in prefixes])
        evaluator.dataset_meta = {"classes": ("x",)}
        rounds = []
        for _ in range(2):
            for number, batch in enumerate(batches):
                evaluator.process(data_samples=batch, data_batch={"number": number})
            rounds.append(evaluator.evaluate(size))
        return rounds, [list(each) for each in rounds]

    expected, found = both(run)

    assert expected == found


def test_data_elements_become_dicts() -> None:
    def run(engine: Any, kinds: Any) -> Any:
        evaluator = engine.Evaluator(metric_of(engine, "p"))
        inner = kinds.InstanceData(scores=torch.ones(2))
        evaluator.process([kinds.BaseDataElement(metainfo={"id": 1}, label=3, inner=inner), {"x": 1}, 5], None)
        (_, first), (_, second), (_, third) = evaluator.evaluate(3)["p/all"]
        return first["id"], first["label"], first["inner"]["scores"].tolist(), second, third

    expected, found = both(run)

    assert expected == found


@pytest.mark.parametrize("chunk_size", [1, 2, 5])
@pytest.mark.parametrize("with_data", [True, False])
def test_offline(chunk_size: int, with_data: bool) -> None:
    def run(engine: Any, _: Any) -> Any:
        data = [{"x": number, "t": (number, "s")} for number in range(5)] if with_data else None
        return engine.Evaluator([metric_of(engine, "p")]).offline_evaluate(list(range(5)), data, chunk_size)

    expected, found = both(run)

    assert expected == found


@pytest.mark.parametrize(
    ("indicator", "metrics"),
    [
        ("acc", {"a/acc": 1}),
        ("acc", {"a/acc": 1, "b/acc": 2}),
        ("a/acc", {"a/acc": 1, "b/acc": 2}),
        ("c/acc", {"a/acc": 1}),
        ("mAP", {"a/acc": 1, "x/y/mAP": 3}),
        ("y/mAP", {"x/y/mAP": 3}),
        ("acc", {}),
        ("acc", {"acc": 0, "a/accuracy": 1}),
    ],
)
def test_metric_by_name(indicator: str, metrics: dict[str, int]) -> None:
    expected, found = both(lambda engine, _: engine.get_metric_value(indicator, metrics))

    assert expected == found


@pytest.mark.parametrize(
    "options", [{"collect_device": "gpu", "collect_dir": "x"}, {"collect_dir": "x"}, {"collect_device": "gpu"}], ids=str
)
def test_construction(options: dict[str, str]) -> None:
    expected, found = both(lambda engine, _: vars(metric_of(engine, "p", **options)))

    assert expected == found


def test_dump(tmp_path: Path) -> None:
    def run(engine: Any, kinds: Any) -> Any:
        path = tmp_path / engine.__name__ / "out.pickle"
        evaluator = engine.Evaluator({"type": "DumpResults", "out_file_path": str(path)})
        evaluator.process(
            [{"x": torch.ones(2), "t": (1, [torch.zeros(1)])}, kinds.BaseDataElement(label=torch.ones(1))]
        )
        return evaluator.evaluate(2), str(pickle.loads(path.read_bytes()))

    expected, found = both(run)

    assert expected == found
    assert [ValueError, ValueError] == both(lambda engine, _: engine.DumpResults("out.json"))


@pytest.fixture(scope="module")
def of_two(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What two processes have found with both engines."""
    folder = tmp_path_factory.mktemp("two")
    for name in ENGINES:
        run_processes(SCRIPT, name, str(folder), cwd=folder)  # MMEngine leaves a folder there
    return {f"{name}{rank}": torch.load(folder / f"{name}{rank}.pt") for name in ENGINES for rank in (0, 1)}


@pytest.mark.parametrize("rank", [0, 1])
@pytest.mark.parametrize("size", [5, 6, 3])
@pytest.mark.parametrize("round_up", [True, False])
@pytest.mark.parametrize("way", ["memory", "folder", "gpu"])
def test_two_processes(of_two: dict[str, Any], way: str, round_up: bool, size: int, rank: int) -> None:
    key = f"{way} {round_up} {size}"

    assert of_two[f"mmengine{rank}"][key] == of_two[f"mmbridge{rank}"][key]
    assert min(size, 5 if not round_up else 6) == len(of_two["mmbridge0"][key]["toy/all"])
