"""Mistakes in a new-style config: each is one sentence that begins with the file and its section."""

# ruff: noqa: E501 - in the table, a row is a line

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from run_projects import Run, append, new_style, sentence

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="the runs are forked from one process")
BASE = "train_dataloader['dataset'] = dict(type='mmbridge.runners.loop.dataset.BaseDataset', "
MISTAKES = [
    ("model['type'] = 'HalfClasifier'", "model: 'HalfClasifier' is not in registry 'model'; did you mean 'HalfClassifier'?"),
    ("model['chanels'] = 4", "model: .*unexpected keyword argument 'chanels' .*did you mean 'channels'?"),
    ("model = 'HalfClassifier'", "model: must be an nn.Module or a dict with 'type', found 'HalfClassifier'"),
    ("del model", "has no 'model', which a run needs"),
    ("model.pop('type')", "model: .*'type' to build from registry 'model', found the keys"),
    ("model['type'] = 'mmdet.ResNet'", "model: 'mmdet.ResNet' .*nothing of scope 'mmdet' is loaded: import that package"),
    ("model['init_cfg'] = dict(type='Kaimin', layer='Conv2d')", "model: 'Kaimin' .*did you mean 'Kaiming'"),
    ("model['init_cfg'] = dict(type='Pretrained', checkpoint='no.pth')", "model: checkpoint no.pth cannot be found"),
    ("data_preprocessor = dict(type='ImgPreprocessor')", "model: 'ImgPreprocessor' .*did you mean 'ImgDataPreprocessor'"),
    ("optim_wrapper['optimizer']['type'] = 'SDG'", "optim_wrapper: 'SDG' is not in registry 'optimizer'; did you mean 'SGD'?"),
    ("optim_wrapper['optimizer']['learning_rate'] = 1", "optim_wrapper: .*'learning_rate' .while building 'SGD'"),
    ("optim_wrapper['optimizer']['lr'] = '0.1'", "optim_wrapper: .*'str' and 'float' .while building 'SGD'"),
    ("optim_wrapper['optimizer']['lr'] = -1", "optim_wrapper: Invalid learning rate: -1"),
    ("optim_wrapper['type'] = 'OptimWraper'", "optim_wrapper: 'OptimWraper' .*did you mean 'OptimWrapper'"),
    ("optim_wrapper = dict(type='SGD', lr=0.1)", "optim_wrapper: has no key 'optimizer'"),
    ("optim_wrapper['optimizer'] = None", "optim_wrapper: has no key 'optimizer' [^?]*$"),
    ("optim_wrapper['clip_grad'] = dict(max_nrm=1)", "optim_wrapper: clip_grad=.*: missing a required argument: 'max_norm'"),
    ("optim_wrapper['clip_grad'] = dict(max_norm=1, norm=2)", "optim_wrapper: clip_grad=.*: got an unexpected keyword argument 'norm'"),
    ("optim_wrapper['clip_grad'] = 10", "optim_wrapper: clip_grad must be a dict such as"),
    ("param_scheduler[0]['type'] = 'LinearLr'", "param_scheduler: 'LinearLr' .*did you mean 'LinearLR'"),
    ("param_scheduler[0]['start_facto'] = 1", "param_scheduler: .*'start_facto' .*did you mean 'start_factor'"),
    ("param_scheduler[0].update(begin=10, end=5)", "param_scheduler: LinearLR.end: must be above begin, got begin=10 and end=5"),
    ("param_scheduler = 'StepLR'", "param_scheduler: must be a scheduler, a dict with 'type', or a list of them"),
    ("del val_evaluator", "val_evaluator: not set, while val_dataloader and val_cfg are"),
    ("val_evaluator = 'Accuracy'", "val_evaluator: an evaluator must be .* found str"),
    ("val_evaluator['type'] = 'Acuracy'", "val_evaluator: 'Acuracy' is not in registry 'metric'; did you mean 'Accuracy'?"),
    ("val_evaluator = dict(type='Evaluator')", "val_evaluator: .*'metrics'"),
    ("val_evaluator = dict(type='DatasetEvaluator')", "val_evaluator: DatasetEvaluator: Halves has no method evaluate"),
    ("train_cfg['type'] = 'EpochLoop'", "train_cfg: 'EpochLoop' .*did you mean 'EpochBasedTrainLoop'"),
    ("train_cfg['max_epoch'] = 3", "train_cfg: .*'max_epoch' .*did you mean 'max_epochs'"),
    ("train_cfg['max_epochs'] = '4'", "train_cfg.max_epochs: must be a whole number, found '4'"),
    ("del train_cfg['max_epochs']", "train_cfg: .*'max_epochs'"),
    ("train_cfg['val_interval'] = 0", "train_cfg.val_interval: must be a whole number from 1 on, found 0"),
    ("train_cfg = None", "has no train_cfg, so there is nothing to train"),
    ("val_cfg['interval'] = 1", "val_cfg: .*'interval'"),
    ("train_dataloader['dataset']['type'] = 'Halfs'", "train_dataloader: 'Halfs' .*did you mean 'Halves'"),
    ("train_dataloader['dataset'] = 'Halves'", "train_dataloader: dataset: must be a dataset or a dict with 'type'"),
    ("del train_dataloader['dataset']", "train_dataloader: .*no key 'dataset'"),
    ("train_dataloader['dataset']['size'] = 0", "train_dataloader: gives no batch"),
    (f"{BASE}ann_file='no.json')", "train_dataloader: no.json: No such file or directory"),
    (f"{BASE}lazy_init=True, pipeline=[dict(type='LoadImg')])", "train_dataloader: 'LoadImg' is not in registry 'transform'"),
    ("train_dataloader['batch_size'] = 0", "train_dataloader: batch_size should be a positive integer"),
    ("train_dataloader['samples_per_gpu'] = 2", "train_dataloader: .*'samples_per_gpu'"),
    ("train_dataloader['sampler']['type'] = 'DefautSampler'", "train_dataloader: 'DefautSampler' .*did you mean 'DefaultSampler'"),
    ("train_dataloader['collate_fn'] = 'pseudo_collate'", "train_dataloader: collate_fn: must be a dict with 'type'"),
    ("custom_hooks = [dict(type='EMAHok')]", r"custom_hooks\[0\]: 'EMAHok' .*did you mean 'EMAHook'"),
    ("custom_hooks = [dict(type='EMAHook', momentm=1)]", "hooks: .*'momentm' .*did you mean 'momentum'"),
    ("custom_hooks = dict(type='EMAHook')", "custom_hooks: must be a list of hooks"),
    ("default_hooks = [dict(type='LoggerHook')]", "default_hooks: must be a dict of names and hooks, found list"),
    ("default_hooks['logger']['interval'] = 0", "default_hooks.logger: LoggerHook: interval must be greater than 0"),
    ("default_hooks['checkpoint']['save_best'] = 'acc'", "CheckpointHook: save_best='acc' is not among the metrics; there are: accuracy"),
    ("custom_imports = dict(imports=['nowhere.at_all'])", "custom_imports: nowhere.at_all cannot be imported"),
    ("custom_imports = 'new_style_library'", "custom_imports must be a dict"),
    ("work_dir = 'a_file'", "work_dir: a_file/.*: Not a directory"),
    ("work_dir = 3", "work_dir: .*not int"),
    ("load_from = 'no.pth'", "load_from: checkpoint no.pth cannot be found; correct the path"),
    ("load_from = 'a_file'", r"load_from: a_file: is damaged or no checkpoint of torch"),
    ("load_from = 3", "load_from: must be the path of a checkpoint or None, found 3"),
    ("resume = 'epoch_1.pth'", "resume: must be True or False, found 'epoch_1.pth'; to go on from a file, set load_from"),
    ("log_level = 'INFOO'", "log_level: log_level 'INFOO' is none of DEBUG, INFO"),
    ("env_cfg = dict(cudnn_benchmrk=True)", "env_cfg.cudnn_benchmrk: no such key; did you mean 'cudnn_benchmark'"),
    ("randomness = dict(sed=1)", "randomness: .*'sed'"),
    ("randomness = dict(seed='a')", "randomness: seed: must be a whole number or None, found 'a'"),
    ("visualizer = dict(type='Visualiser')", "visualizer: 'Visualiser' .*did you mean 'Visualizer'"),
    ("log_processor = dict(window_size=0)", "log_processor: window_size: must be a number of values from 1 on, found 0"),
    ("auto_scale_lr = dict(enable=True)", "auto_scale_lr: has no 'base_batch_size'"),
    ("auto_scale_lr = True", "auto_scale_lr: must be a dict"),
    ("compile = 'yes'", "compile: must be True, False or a dict"),
    ("activation_checkpointing = ['featurs']", "activation_checkpointing: the model has no part 'featurs'; did you mean 'features'"),
    ("runner_type = 'Runer'", "'Runer' is not in registry 'runner'; did you mean 'Runner'?"),
]  # fmt: skip


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PYTHONPATH", raising=False)
    new_style(tmp_path)
    Path("a_file").write_text("no checkpoint, no folder")


@pytest.mark.parametrize(("change", "expected"), [pytest.param(*row, id=row[0]) for row in MISTAKES])
def test_a_mistake_is_a_sentence(run: Run, change: str, expected: str) -> None:
    append("classify.py", f"log_level = 'ERROR'\n{change}\n")
    told = sentence(run("classify.py"))

    assert told.startswith("classify.py: ")
    assert re.match(expected, told.removeprefix("classify.py: ")), told
    assert told.count("classify.py") == 1


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("    def __init__(self, channels=4, **kwargs):\n        raise ValueError('own')", "ValueError: own"),
        ("    def forward(self, *args, **kwargs):\n        return 1 / 0", "ZeroDivisionError"),
        ("    def train_step(self, data, optim_wrapper):\n        return data['no']", "KeyError: 'no'"),
    ],
    ids=["building", "forward", "a step"],
)
def test_errors_of_the_users_code_keep_their_traceback(run: Run, text: str, error: str) -> None:
    append("new_style_library.py", f"\n\n@MODELS.register_module()\nclass Own(HalfClassifier):\n{text}\n")
    ran = run("classify.py", "--cfg-options", "model.type=Own")

    assert 1 == ran.returncode, ran.stderr
    assert f'new_style_library.py", line {len(Path("new_style_library.py").read_text().splitlines())}' in ran.stderr
    assert error in ran.stderr


def test_errors_of_the_configs_own_code_keep_their_traceback(run: Run) -> None:
    append("classify.py", "size = undefined\n")
    ran = run("classify.py", "--runtime", "loop")

    assert 1 == ran.returncode
    assert "NameError: name 'undefined' is not defined" in ran.stderr
