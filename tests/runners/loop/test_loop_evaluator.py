from __future__ import annotations

import pickle
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import pytest
import torch
from mmbridge.runners.loop.dataset import ConcatDataset, RepeatDataset
from mmbridge.runners.loop.evaluator import BaseMetric, DatasetEvaluator, DumpResults, Evaluator, get_metric_value
from mmbridge.runners.loop.evaluator.dataset_evaluator import NoEvaluate
from mmbridge.runners.loop.logging import MMLogger
from mmbridge.runners.loop.registry import EVALUATOR, METRICS
from mmbridge.runners.loop.structures import BaseDataElement
from torch.utils.data import Dataset


@METRICS.register_module(name="Listing")
class Listing(BaseMetric):
    """Its only score are the results themselves."""

    default_prefix = "toy"

    def process(self, data_batch: Any, data_samples: Sequence[Any]) -> None:
        self.results.extend((data_batch, sample) for sample in data_samples)

    def compute_metrics(self, results: list[Any]) -> dict[str, Any]:
        return {"all": results, "n": len(results)}


class Outputs(Listing):
    """Only the model's outputs."""

    def process(self, data_batch: Any, data_samples: Sequence[Any]) -> None:
        self.results.extend(data_samples)


class Scored(Dataset):
    """A dataset of MMCV 1.x, which evaluates by itself."""

    def __init__(self, size: int = 3) -> None:
        self.size = size
        self.calls: list[Any] = []

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, index: int) -> Any:
        return index

    def evaluate(self, results: list[Any], logger: Any = None, metric: str = "sum") -> dict[str, Any]:
        self.calls.append((list(results), logger, metric))
        return {metric: sum(results)}


def test_outputs_and_batches_reach_every_metric() -> None:
    evaluator = Evaluator([Listing(), {"type": "Listing", "prefix": "second"}])
    evaluator.process([1, BaseDataElement(metainfo={"id": 7}, score=2)], {"img": "x"})

    expected = [({"img": "x"}, 1), ({"img": "x"}, {"id": 7, "score": 2})]
    assert {"toy/all": expected, "toy/n": 2, "second/all": expected, "second/n": 2} == evaluator.evaluate(2)


@pytest.mark.parametrize("metrics", [Listing(), {"type": "Listing"}, [Listing()]], ids=["metric", "dict", "list"])
def test_metrics_alone_or_in_a_list(metrics: Any) -> None:
    evaluator = Evaluator(metrics)

    assert [Listing] == [type(metric) for metric in evaluator.metrics]


def test_results_are_cut_to_the_size_of_the_dataset_in_one_process_too() -> None:
    """The last batch of a loader may hold samples that were added to fill it."""
    evaluator = Evaluator(Outputs())
    evaluator.process([1, 2, 3])

    assert {"toy/all": [1, 2], "toy/n": 2} == evaluator.evaluate(2)
    assert {"toy/all": [], "toy/n": 0} == evaluator.evaluate(2)


def test_two_metrics_with_one_name() -> None:
    evaluator = Evaluator([Listing(), Outputs()])
    with pytest.raises(
        ValueError, match="two metrics have a score 'toy/all', the second is Outputs; give them prefixes"
    ):
        evaluator.evaluate(1)


@pytest.mark.parametrize(
    ("prefix", "expected"),
    [("own", {"own/all", "own/n"}), (None, {"toy/all", "toy/n"}), ("", {"toy/all", "toy/n"})],
    ids=["given", "default", "an_empty_one_falls_back"],
)
def test_prefixes(prefix: str | None, expected: set[str]) -> None:
    assert expected == set(Listing(prefix=prefix).evaluate(1))


def test_without_any_prefix_names_stay_and_it_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    class Bare(Listing):
        default_prefix = None

    metric = Bare()

    assert "Bare has no prefix" in capsys.readouterr().out
    assert {"all", "n"} == set(metric.evaluate(1))
    assert "Bare has no results to score" in capsys.readouterr().out


def test_results_are_scored_on_the_cpu() -> None:
    metric = Outputs()
    results = {"a": [torch.ones(2, device="meta")], "b": (1, "x")}
    moved = []

    class Fake(BaseDataElement):
        def to(self, *args: Any, **kwargs: Any) -> Any:
            moved.append(args)
            return self

    element = Fake()
    metric.process(None, [{"b": (1, "x")}, element, [torch.ones(1)]])

    assert [{"b": (1, "x")}, element, [torch.ones(1)]] == metric.evaluate(3)["toy/all"]
    assert [("cpu",)] == moved
    assert results["a"][0].is_meta


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"collect_device": "tpu"}, "collect_device must be one of cpu, gpu, npu, found 'tpu'"),
        ({"collect_device": "gpu", "collect_dir": "x"}, "collect_dir is for collect_device='cpu', found 'gpu'"),
    ],
    ids=["unknown_device", "a_folder_for_the_gpu"],
)
def test_wrong_collecting(options: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Listing(**options)


@pytest.mark.parametrize("wrong", ["Listing", 3], ids=["text", "number"])
def test_no_metric(wrong: Any) -> None:
    with pytest.raises(TypeError, match="a metric must be a dict or have the methods of BaseMetric"):
        Evaluator([wrong])


def test_dataset_meta_reaches_the_metrics() -> None:
    class WithMeta(Scored):
        metainfo: ClassVar[Any] = {"classes": ("a",)}

    evaluator = Evaluator([Listing()])
    evaluator.use_dataset(Scored())

    assert (None, None) == (evaluator.dataset_meta, evaluator.metrics[0].dataset_meta)

    evaluator.use_dataset(WithMeta())

    assert ({"classes": ("a",)}, {"classes": ("a",)}) == (evaluator.dataset_meta, evaluator.metrics[0].dataset_meta)


@pytest.mark.parametrize("chunk_size", [1, 2, 3, 10])
def test_offline_evaluation(chunk_size: int) -> None:
    evaluator = Evaluator(Listing())
    scores = evaluator.offline_evaluate([0, 1, 2], [{"x": 5}, {"x": 6}, {"x": 7}], chunk_size=chunk_size)
    starts = [index // chunk_size * chunk_size for index in range(3)]
    batches = [{"x": [5, 6, 7][start : start + chunk_size]} for start in starts]

    assert list(zip(batches, [0, 1, 2], strict=True)) == scores["toy/all"]


@pytest.mark.parametrize("chunk_size", [0, -1])
def test_offline_evaluation_of_chunks_without_outputs_is_refused(chunk_size: int) -> None:
    with pytest.raises(ValueError, match=f"chunk_size must be 1 or more, found {chunk_size}"):
        Evaluator(Listing()).offline_evaluate([0, 1], chunk_size=chunk_size)


def test_offline_evaluation_without_data_or_with_too_little() -> None:
    evaluator = Evaluator(Listing())

    assert [(None, 0), (None, 1)] == evaluator.offline_evaluate([0, 1])["toy/all"]
    with pytest.raises(ValueError, match="there must be data for every sample, found 1 for 2"):
        evaluator.offline_evaluate([0, 1], [5])


def test_outputs_are_dumped(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "new" / "out.pkl"
    evaluator = Evaluator({"type": "DumpResults", "out_file_path": str(path)})
    evaluator.process([{"score": torch.ones(1)}, {"score": 2}])

    assert {} == evaluator.evaluate(2)
    assert [{"score": torch.ones(1)}, {"score": 2}] == pickle.loads(path.read_bytes())
    assert str(path) in capsys.readouterr().out


def test_dump_needs_a_pickle() -> None:
    with pytest.raises(ValueError, match=r"out_file_path must end with \.pkl or \.pickle, found 'out\.json'"):
        DumpResults("out.json")


@pytest.mark.parametrize("indicator", ["toy/acc", "acc"], ids=["whole_name", "name_alone"])
def test_metric_by_name(indicator: str) -> None:
    assert 1 == get_metric_value(indicator, {"toy/acc": 1, "toy/accuracy": 2})


@pytest.mark.parametrize(
    ("indicator", "message"),
    [
        ("x/acc", r"'x/acc': no metric matches, found \['a/acc', 'b/acc'\]"),
        ("mAP", r"'mAP': no metric matches, found"),
        ("acc", r"'acc': several of the metrics match: \['a/acc', 'b/acc'\]"),
    ],
)
def test_metric_by_a_name_that_is_not_one(indicator: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        get_metric_value(indicator, {"a/acc": 1, "b/acc": 2})


def test_dataset_evaluates_by_itself() -> None:
    """What ``evaluation = dict(metric='total')`` of MMCV 1.x becomes."""
    evaluator = EVALUATOR.build({"type": "DatasetEvaluator", "metric": "total"})
    dataset = Scored()
    evaluator.use_dataset(dataset)
    for _ in range(2):
        evaluator.process(data_samples=[1, 2], data_batch={"img": "x"})
        evaluator.process(data_samples=[3, 4], data_batch={"img": "x"})

        assert {"total": 6} == evaluator.evaluate(3)

    assert [([1, 2, 3], None, "total")] * 2 == dataset.calls
    assert isinstance(evaluator, Evaluator)


def test_dataset_gets_the_logger_of_the_run() -> None:
    evaluator = DatasetEvaluator()
    dataset = Scored()
    evaluator.use_dataset(dataset)
    evaluator.process([1])
    logger = MMLogger("run")
    with logger.current():
        evaluator.evaluate(1)

    assert [([1], logger, "sum")] == dataset.calls


def test_dataset_without_a_logger_argument_and_one_with_any_arguments() -> None:
    seen = []

    class NoLogger(Scored):
        def evaluate(self, results: list[Any]) -> dict[str, Any]:
            return {"n": len(results)}

    class AnyArguments(Scored):
        def evaluate(self, results: list[Any], **kwargs: Any) -> dict[str, Any]:
            seen.append(kwargs)
            return {"n": len(results)}

    for kind, kwargs in ((NoLogger, {}), (AnyArguments, {"jobs": 2})):
        evaluator = DatasetEvaluator(**kwargs)
        evaluator.use_dataset(kind())
        evaluator.process([5, 5])

        assert {"n": 2} == evaluator.evaluate(3)

    assert [{"logger": None, "jobs": 2}] == seen


def test_concatenated_datasets_evaluate_each_for_itself() -> None:
    evaluator = DatasetEvaluator(metric="s")
    evaluator.use_dataset(ConcatDataset([Scored(2), Scored(3)]))
    evaluator.process([1, 2, 10, 20, 30])

    assert {"0_s": 3, "1_s": 60} == evaluator.evaluate(5)


def test_concatenation_of_mmcv_1_that_evaluates_itself() -> None:
    class OldConcat(Scored):
        datasets: ClassVar[Any] = [Scored(), Scored()]

    evaluator = DatasetEvaluator()
    evaluator.use_dataset(OldConcat())
    evaluator.process([1, 2])

    assert {"sum": 3} == evaluator.evaluate(6)


@pytest.mark.parametrize(
    ("dataset", "name"),
    [
        pytest.param([1, 2], "list", id="plain"),
        pytest.param(RepeatDataset(Scored(), 2), "RepeatDataset", id="repeated"),
        pytest.param(ConcatDataset([Scored(), RepeatDataset(Scored(), 2)]), "RepeatDataset", id="concatenated"),
    ],
)
def test_dataset_that_cannot_evaluate(dataset: Any, name: str) -> None:
    with pytest.raises(NoEvaluate, match=rf"{name} has no method evaluate\(results, \.\.\.\); name a metric"):
        DatasetEvaluator().use_dataset(dataset)


def test_dataset_evaluator_without_dataset() -> None:
    with pytest.raises(NoEvaluate, match="must call use_dataset first"):
        DatasetEvaluator().evaluate(1)


def test_dataset_whose_scores_are_no_dict() -> None:
    class Number(Scored):
        def evaluate(self, results: list[Any], logger: Any = None) -> Any:
            return 0.5

    evaluator = DatasetEvaluator()
    evaluator.use_dataset(Number())
    with pytest.raises(NoEvaluate, match=r"Number\.evaluate must return a dict of scores, found float"):
        evaluator.evaluate(1)
