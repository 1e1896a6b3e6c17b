"""Every rule: its examples through the whole converter, what it declares, and that nothing it reads is lost."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import mmbridge.migrate.rules as package
import pytest
from fixture_configs import GOOD
from law_checks import leaves, lost, read
from mmbridge.compat.config import Reader, Undecided, evaluate
from mmbridge.migrate.convert import convert
from mmbridge.migrate.dialect import LEGACY_KEYS
from mmbridge.migrate.edit import Drop, Move, Put, Todo, dotted
from mmbridge.migrate.edit import Path as KeyPath
from mmbridge.migrate.rule import Decision, Example, Rule, decide
from mmbridge.migrate.rules import RULES
from mmbridge.migrate.view import LrStyle, View

EXAMPLES = [pytest.param(rule, e, id=f"{rule.id}-{i}") for rule in RULES for i, e in enumerate(rule.examples)]
each_rule = pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)

EVERYTHING = """
model = dict(type='M')
train_cfg = dict(a=1)
test_cfg = None
runner = dict(type='EpochBasedRunner', max_epochs=12, max_iters=None, extra=1)
total_epochs = 3
total_iters = 4
evaluation = dict(interval=2, start=4, dynamic_intervals=[(8, 1)], by_epoch=True, metric='a', topk=(1, 5),
                  save_best='a', rule='less', greater_keys=['b'], less_keys=['c'], out_dir='d',
                  file_client_args=dict(backend='disk'), gpu_collect=True, tmpdir='t', pre_eval=True,
                  efficient_test=False, test_fn=None, dataloader=None, broadcast_bn_buffer=True)
workflow = [('train', 1), ('val', 1)]
optimizer = dict(type='SGD', lr=0.1, momentum=0.9, paramwise_cfg=dict(bias_lr_mult=2.0), constructor='C')
optimizer_config = dict(type='GradientCumulativeFp16OptimizerHook', grad_clip=dict(max_norm=1), cumulative_iters=2,
                        update_interval=3, detect_anomalous_params=True, coalesce=True, bucket_size_mb=-1,
                        loss_scale=8.0, distributed=True, unheard_of=1)
find_unused_parameters = True
fp16 = dict(loss_scale=512.0, distributed=False, other=1)
lr_config = dict(policy='step', step=[8, 11], warmup='linear', warmup_iters=5, warmup_ratio=0.1)
momentum_config = dict(policy='step', step=[8, 11])
checkpoint_config = dict(interval=1, by_epoch=True, max_keep_ckpts=3, save_optimizer=True, out_dir='', save_last=True,
                         filename_tmpl='e', create_symlink=True, meta=dict(a=1), sync_buffer=True,
                         file_client_args=dict(backend='disk'))
log_config = dict(interval=5, unheard_of=2, hooks=[
    dict(type='TextLoggerHook', by_epoch=False, ignore_last=True, reset_flag=False, interval_exp_name=3, out_dir='o',
         out_suffix='.log', keep_local=True, file_client_args=None, interval=9, priority=1),
    dict(type='TextLoggerHook', interval=3),
    dict(type='TensorboardLoggerHook', log_dir='l', interval=7, by_epoch=True),
    dict(type='WandbLoggerHook', init_kwargs=dict(project='p'), commit=True, with_step=False),
    dict(type='PaviLoggerHook')])
custom_hooks = [
    dict(type='EMAHook', momentum=0.5, interval=2, warm_up=100, resume_from='x', priority=1, unheard_of=3),
    dict(type='ExpMomentumEMAHook', total_iter=20, skip_buffers=True, momentum=0.1),
    dict(type='LinearMomentumEMAHook', momentum=0.1),
    dict(type='DistSamplerSeedHook'),
    dict(type='ProfilerHook', by_epoch=False),
    dict(type='MyHook', at=3)]
dist_params = dict(backend='nccl', port=1)
mp_start_method = 'fork'
opencv_num_threads = 0
cudnn_benchmark = True
gpu_ids = [0]
gpus = 1
seed = 1
deterministic = True
diff_seed = False
load_from = 'a'
resume_from = 'b'
auto_resume = True
data = dict(samples_per_gpu=2, videos_per_gpu=3, imgs_per_gpu=4, workers_per_gpu=1, drop_last=True, sampling_replace=1,
            persistent_workers=False, train=[dict(type='A')], val=dict(type='B', samples_per_gpu=2), separate_eval=1,
            train_dataloader=dict(samples_per_gpu=8, shuffle=False, sample_ratio=[1]),
            val_dataloader=dict(workers_per_gpu=0, pin_memory=True),
            test_dataloader=dict(samples_per_gpu=9, shuffle=True, workers_per_gpu=3))
omnisource = True
"""
"""Every argument a rule knows, and some that none does; not a config anybody could run."""

SEVERAL_OPTIMIZERS = (
    "optimizers = dict(a=dict(type='SGD'))\noptimizer_config = dict(grad_clip=dict(a=1))\nfp16 = None\n"
)
ITERATIONS = EVERYTHING.replace(
    "type='EpochBasedRunner', max_epochs=12, max_iters=None", "max_iters=9, max_epochs=None"
)
CUSTOM_RUNNER = EVERYTHING.replace("EpochBasedRunner", "MyRunner")
TEST_ONLY = "data = dict(test=dict(type='A'), test_dataloader=dict(shuffle=True))\nevaluation = dict(metric='a')\n"
TEXTS = {
    "everything": EVERYTHING,
    "everything by iteration": ITERATIONS,
    "custom runner": CUSTOM_RUNNER,
    "several optimizers": SEVERAL_OPTIMIZERS,
    "test only": TEST_ONLY,
    "training only": "data = dict(train=dict(), val_dataloader=dict(shuffle=True))\nevaluation = dict(a=1)\n",
}


def configs() -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Merged old configs by name: the texts above, the examples, and the files of this project."""
    for name, text in TEXTS.items():
        yield name, evaluate(text, Path(f"{name}.py")).values
    for rule in RULES:
        for i, example in enumerate(rule.examples):
            yield f"{rule.id}-{i}", evaluate(example.old, Path("example.py")).values
    reader = Reader()
    for path in GOOD:
        yield path.name, reader.resolved(path)


CONFIGS = dict(configs())
STYLES: tuple[LrStyle, ...] = ("builtin", "closed-form")


def new_text(old: str) -> str:
    """What the converter makes of one file."""
    path = Path(__file__).parent / "nowhere" / "example.py"
    return convert([path], reader=Reader(overlay={path: old})).files[-1].new


def without_remarks(text: str) -> str:
    """``text`` without the comments in which a rule asks a person to act."""
    return "".join(line for line in text.splitlines(keepends=True) if not line.lstrip().startswith("# TODO("))


@pytest.mark.parametrize(("rule", "example"), EXAMPLES)
def test_example(rule: Rule, example: Example) -> None:
    """The file is what the example says, apart from what it asks a person."""
    assert example.new == without_remarks(new_text(example.old))


@each_rule
def test_rule_shows_a_rewrite_and_a_file_left_alone(rule: Rule) -> None:
    assert any(example.old != example.new for example in rule.examples)
    assert any(example.old == example.new for example in rule.examples)


@each_rule
def test_example_needs_the_rule(rule: Rule) -> None:
    """Each rewrite is, at least in part, the rule's own work."""
    rewrites = [example for example in rule.examples if example.old != example.new]

    assert all([*rule.edits(View(evaluate(example.old, Path("e.py")).values))] for example in rewrites)


@each_rule
def test_rule_is_described(rule: Rule) -> None:
    assert rule.doc.split("\n")[0].endswith((".", ":"))


def test_every_rule_is_listed() -> None:
    modules = [importlib.import_module(f"{package.__name__}.{m.name}") for m in pkgutil.iter_modules(package.__path__)]
    found = {value.id for module in modules for value in vars(module).values() if isinstance(value, Rule)}

    assert found == {rule.id for rule in RULES}
    assert len(RULES) == len(found)


@each_rule
def test_reads_are_what_its_edits_name(rule: Rule) -> None:
    edits = [edit for config in CONFIGS.values() for lr in STYLES for edit in rule.edits(View(config, lr))]

    assert set(rule.reads) >= {str(path[0]) for edit in edits for path in read(edit)}


@each_rule
def test_nothing_is_declared_in_vain(rule: Rule) -> None:
    if rule.id == "stale-delete":  # it looks at every key, for one mark
        return
    edits = [edit for config in CONFIGS.values() for lr in STYLES for edit in rule.edits(View(config, lr))]
    looked_at = {key for config in CONFIGS.values() for lr in STYLES for key in _watched(rule, config, lr)}

    assert set(rule.reads) <= looked_at
    assert set(rule.writes) == {str(edit.dst[0]) for edit in edits if isinstance(edit, (Move, Put))}


class _Watched(dict[str, Any]):
    """A config that remembers which of its keys were looked at."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__(config)
        self.seen: set[str] = set()

    def get(self, key: str, default: Any = None) -> Any:
        self.seen.add(key)
        return super().get(key, default)


def _watched(rule: Rule, config: Mapping[str, Any], lr: LrStyle) -> set[str]:
    watched = _Watched(config)
    list(rule.edits(View(watched, lr)))
    return watched.seen


@pytest.mark.parametrize("name", CONFIGS)
def test_nothing_is_lost_in_silence(name: str) -> None:
    """Law: every old value is moved, kept, dropped with a reason, or in the report."""
    assert [] == lost(CONFIGS[name], decide(RULES, View(CONFIGS[name])))


def test_loss_would_be_noticed() -> None:
    config = {"log_config": {"interval": 5, "colour": "red"}}
    moved = Decision("r", Move(("log_config", "interval"), ("interval",)))
    dropped = Decision("r", Drop(("log_config",), "moved"))

    assert ["log_config.colour"] == lost(config, [moved, dropped])
    assert [] == lost(config, [dropped])


def silent(config: Mapping[str, Any]) -> set[str]:
    """Old keys that stay although nothing is said about them."""
    decisions = decide(RULES, View(config))
    gone = {str(p[0]) for d in decisions if isinstance(d.edit, (Move, Drop)) for p in read(d.edit)}
    asked = {str(d.edit.path[0]) for d in decisions if isinstance(d.edit, Todo)}
    return set(config.keys() & (LEGACY_KEYS | {"optimizer", "data"}) - gone - asked)


def test_no_old_key_remains_without_a_word() -> None:
    """What stays under an old name that MMEngine ignores is named by a Todo."""
    assert {} == {name: silent(config) for name, config in CONFIGS.items() if silent(config)}


UNKNOWN = Undecided("f.py", 3, "an environment variable")
READ_KEYS = sorted({key for rule in RULES for key in rule.reads})


@pytest.mark.parametrize("key", READ_KEYS)
def test_unknown_value_is_left_alone_or_moved(key: str) -> None:
    """A key whose value is unknown is never dropped for what it might hold."""
    config = {**CONFIGS["everything"], key: UNKNOWN}
    decisions = decide(RULES, View(config))
    dropped = [d for d in decisions if isinstance(d.edit, Drop) and d.edit.path == (key,)]

    assert [] == [d for d in dropped if key not in _DROPPED_WHATEVER_THEY_HOLD]
    assert set() == silent(config)


_DROPPED_WHATEVER_THEY_HOLD = {"gpu_ids", "gpus", "total_epochs", "total_iters", "load_from", "find_unused_parameters"}


@pytest.mark.parametrize("key", [dotted(path) for path in leaves(CONFIGS["everything"], ())])
def test_unknown_part_does_not_stop_the_rules(key: str) -> None:
    """Whatever single value is unknown, the rules decide about the rest."""
    path = next(path for path in leaves(CONFIGS["everything"], ()) if dotted(path) == key)

    assert set() == silent(_replaced(CONFIGS["everything"], path))


def _replaced(value: Any, path: KeyPath) -> Any:
    if not path:
        return UNKNOWN
    if isinstance(value, Mapping):
        return {key: _replaced(item, path[1:]) if key == path[0] else item for key, item in value.items()}
    return type(value)(_replaced(item, path[1:]) if i == path[0] else item for i, item in enumerate(value))
