from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from mmbridge.compat.errors import BridgeError
from mmbridge.runners.checkpoint import write_file
from mmbridge.runners.loop.hooks import CheckpointHook

Train = Callable[..., Any]
Names = Callable[[], list[str]]

RISING = [{"acc": i / 10} for i in range(1, 9)]


def saving(**options: Any) -> dict[str, Any]:
    return {"default_hooks": {"checkpoint": {"type": "CheckpointHook", **options}}}


@pytest.mark.parametrize(
    ("options", "files"),
    [
        pytest.param({"interval": 2, "save_begin": 3}, ["epoch_3.pth", "epoch_5.pth", "epoch_6.pth"], id="save_begin"),
        pytest.param(
            {"interval": 2, "save_begin": 3, "save_last": False}, ["epoch_3.pth", "epoch_5.pth"], id="without the last"
        ),
        pytest.param({"interval": -1}, ["epoch_6.pth"], id="no interval still saves the last"),
        pytest.param({"interval": -1, "save_last": False}, [], id="nothing at all"),
        pytest.param({}, ["epoch_6.pth"], id="a dict of its own loses the default interval"),
        pytest.param({"interval": 4, "filename_tmpl": "e{}.pth"}, ["e4.pth", "e6.pth"], id="other names"),
    ],
)
def test_behaviour_19_when_checkpoints_are_saved(
    options: dict[str, Any], files: list[str], trained: Train, saved: Names
) -> None:
    trained(epochs=6, batches=1, **saving(**options))

    assert files == saved()


def test_behaviour_17_a_checkpoint_of_an_epoch_holds_the_rate_of_the_next(trained: Train, tmp_path: Path) -> None:
    schedule = {"type": "CosineAnnealingLR", "T_max": 3}
    trained(epochs=3, param_scheduler=schedule, optim_wrapper={"optimizer": {"type": "SGD", "lr": 0.1}})
    checkpoint = torch.load(tmp_path / "work" / "epoch_2.pth")

    assert pytest.approx(0.025) == checkpoint["optimizer"]["param_groups"][0]["lr"]
    assert {"epoch": 2, "iter": 4} == {key: checkpoint["meta"][key] for key in ("epoch", "iter")}


def test_behaviour_20_a_new_best_score_writes_regular_checkpoints_too(trained: Train, saved: Names) -> None:
    trained(epochs=5, scores=RISING, **saving(interval=2, save_best="acc"))

    assert ["best_acc_epoch_5.pth", *(f"epoch_{i}.pth" for i in (2, 3, 4, 5))] == saved()


def test_behaviour_46_the_metric_of_save_best_must_be_there(make: Train) -> None:
    runner = make(scores=[{"acc": 0.5}], **saving(save_best="acd", rule="greater"))

    with pytest.raises(KeyError, match="save_best='acd' is not among the metrics; did you mean 'acc'"):
        runner.train()


def test_behaviour_46_auto_means_the_first_metric(trained: Train, saved: Names) -> None:
    runner = trained(scores=[{"a/loss": 2.0, "acc": 0.5}, {"a/loss": 3.0, "acc": 0.6}], **saving(save_best="auto"))

    assert ["best_a_loss_epoch_1.pth", "epoch_2.pth"] == saved()
    assert 2.0 == runner.message_hub.get_info("best_score")


@pytest.mark.parametrize(
    ("options", "error", "sentence"),
    [
        pytest.param({"save_best": "speed"}, ValueError, "infer the rule for key speed", id="behaviour 46: no rule"),
        pytest.param({"save_best": "acc", "rule": "more"}, ValueError, "rule must be greater, less", id="a wrong rule"),
        pytest.param({"save_best": 3}, TypeError, "save_best must be a text or a list", id="no text"),
        pytest.param({"save_best": ["auto", "acc"]}, ValueError, "'auto' stands for one metric", id="auto and more"),
        pytest.param({"save_best": ["acc", "acc"]}, ValueError, "names something twice", id="a metric twice"),
        pytest.param({"save_best": "acc", "rule": 1}, TypeError, "rule must be a text", id="a rule that is no text"),
        pytest.param(
            {"save_best": ["acc", "loss"], "rule": ["less"] * 3},
            ValueError,
            "3 rules for 2 metrics",
            id="too many rules",
        ),
        pytest.param(
            {"published_keys": ["a", "a"]}, ValueError, "published_keys names something twice", id="a key twice"
        ),
        pytest.param({"save_begin": -1}, ValueError, "save_begin must be at least 0, found -1", id="before the start"),
        pytest.param(
            {"file_client_args": {}, "backend_args": {}},
            ValueError,
            "say the same; keep backend_args",
            id="two backends",
        ),
    ],
)
def test_wrong_arguments_are_told_at_once(options: dict[str, Any], error: type[Exception], sentence: str) -> None:
    with pytest.raises(error, match=sentence):
        CheckpointHook(**options)


def test_several_metrics_have_a_file_each(trained: Train, saved: Names, tmp_path: Path) -> None:
    scores = [{"acc": 0.1, "loss": 3.0}, {"acc": 0.2, "loss": 4.0}, {"acc": 0.1, "loss": 2.0}]
    runner = trained(epochs=3, scores=scores, **saving(save_best=["acc", "loss"]))
    facts = runner.message_hub.runtime_info

    assert ["best_acc_epoch_2.pth", "best_loss_epoch_3.pth", "epoch_3.pth"] == saved()
    assert (0.2, 2.0) == (facts["best_score_acc"], facts["best_score_loss"])
    assert str(tmp_path / "work" / "best_loss_epoch_3.pth") == facts["best_ckpt_loss"]


@pytest.mark.parametrize("score", [torch.tensor(0.5), None], ids=["a tensor", "None"])
def test_scores_of_other_kinds(score: Any, trained: Train, saved: Names) -> None:
    hooks = {"checkpoint": {"type": "CheckpointHook", "save_best": "acc"}, "logger": None, "runtime_info": None}
    trained(epochs=1, scores=[{"acc": score}], default_hooks=hooks)

    assert (["epoch_1.pth"] if score is None else ["best_acc_epoch_1.pth", "epoch_1.pth"]) == saved()


def test_a_validation_without_metrics_is_told(
    trained: Train, saved: Names, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    trained(epochs=1, scores=[{}], **saving(save_best="auto"))

    assert "gave no metrics, so no checkpoint is the best" in caplog.text + "".join(capsys.readouterr())
    assert ["epoch_1.pth"] == saved()


def test_a_run_that_only_validates_saves_nothing(make: Train, saved: Names) -> None:
    make(scores=RISING, **saving(save_best="acc")).val()

    assert [] == saved()


def test_old_files_are_removed_also_those_of_a_resumed_run(trained: Train, saved: Names, tmp_path: Path) -> None:
    trained(epochs=4, **saving(interval=1, max_keep_ckpts=3))
    first = saved()
    runner = trained(epochs=5, resume=True, **saving(interval=1, max_keep_ckpts=2))

    assert ["epoch_2.pth", "epoch_3.pth", "epoch_4.pth"] == first
    assert ["epoch_4.pth", "epoch_5.pth"] == saved()
    assert [4, 5] == runner.message_hub.get_info("keep_ckpt_ids")
    assert str(tmp_path / "work" / "epoch_5.pth") == (tmp_path / "work" / "last_checkpoint").read_text("utf-8")


def test_a_file_is_removed_only_when_the_next_is_there(
    make: Train, saved: Names, monkeypatch: pytest.MonkeyPatch
) -> None:
    runner = make(epochs=2, **saving(interval=1, max_keep_ckpts=1))

    def killed(checkpoint: Any, filename: str) -> None:
        if filename.endswith("epoch_2.pth"):
            raise KeyboardInterrupt
        write_file(checkpoint, filename)

    monkeypatch.setattr("mmbridge.runners.loop.runner.checkpointing.write_file", killed)
    with pytest.raises(KeyboardInterrupt):
        runner.train()

    assert ["epoch_1.pth"] == saved()


def test_the_best_score_of_a_resumed_run_counts(trained: Train, saved: Names) -> None:
    options = saving(interval=1, save_best="acc")
    trained(epochs=2, scores=[{"acc": 0.9}, {"acc": 0.1}], **options)
    trained(epochs=4, scores=[{"acc": 0.8}], resume=True, **options)

    assert ["best_acc_epoch_1.pth", *(f"epoch_{i}.pth" for i in (1, 2, 3, 4))] == saved()


def test_checkpoints_by_iteration(trained: Train, saved: Names, tmp_path: Path) -> None:
    options = saving(by_epoch=False, interval=4, save_best="acc")
    trained(iters=6, scores=[{"acc": 0.2}, {"acc": 0.1}, {"acc": 0.3}], train={"val_interval": 2}, **options)
    meta = torch.load(tmp_path / "work" / "iter_4.pth")["meta"]

    assert ["best_acc_iter_6.pth", "iter_4.pth", "iter_6.pth"] == saved()
    assert (0, 4) == (meta["epoch"], meta["iter"])


def test_another_place(trained: Train, tmp_path: Path) -> None:
    other = tmp_path / "other"
    trained(epochs=1, **saving(interval=1, out_dir=str(other), backend_args={"backend": "local"}))
    file = other / "work" / "epoch_1.pth"

    assert file.is_file()
    assert str(file) == (tmp_path / "work" / "last_checkpoint").read_text("utf-8")


def test_places_that_are_no_disk_are_refused(make: Train) -> None:
    with pytest.raises(BridgeError, match="only files on disk can be written, found 's3://bucket'"):
        make(**saving(out_dir="s3://bucket")).train()


def test_published_files_hold_the_keys_asked_for_and_prove_themselves(
    trained: Train, saved: Names, tmp_path: Path
) -> None:
    trained(scores=RISING, **saving(interval=1, save_best="acc", published_keys=["state_dict"]))
    published = sorted((tmp_path / "work").glob("*-*.pth"))

    assert ["best_acc_epoch_2-HASH.pth", "best_acc_epoch_2.pth"] == saved()[:2]
    assert 2 == len(published)
    for file in published:
        assert hashlib.sha256(file.read_bytes()).hexdigest()[:8] == file.stem[-8:]
        assert ["state_dict"] == list(torch.load(file))


def test_what_is_saved_and_how_is_up_to_the_config(trained: Train, tmp_path: Path) -> None:
    schedule = {"type": "ConstantLR", "factor": 0.5}
    options = saving(interval=1, save_optimizer=False, save_param_scheduler=False)
    trained(epochs=1, param_scheduler=schedule, **options)

    assert ["message_hub", "meta", "state_dict"] == sorted(torch.load(tmp_path / "work" / "epoch_1.pth"))
