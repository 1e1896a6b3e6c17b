"""Which checkpoint is the best one, by which metric."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mmbridge.compat.registry import MissingKey, nearest
from mmbridge.runners.hooks.score_rule import GREATER_KEYS, LESS_KEYS, WORST, infer_rule, is_better


class BestScores:
    """The best score of each of ``metrics`` and the file saved for it, as facts of the message hub.

    ``rules`` are one for all or one for each; None infers them from the metrics' names. Raises ValueError for a rule
    too many or too few, for 'auto' beside other metrics, and where no rule can be inferred.
    """

    def __init__(
        self,
        metrics: Sequence[str],
        rules: Sequence[str | None] | None = None,
        greater_keys: Sequence[str] | None = None,
        less_keys: Sequence[str] | None = None,
    ) -> None:
        if "auto" in metrics and len(metrics) > 1:
            raise ValueError(f"CheckpointHook: 'auto' stands for one metric, found save_best={list(metrics)}")
        rules = rules or [None]
        if len(rules) not in (1, len(metrics)):
            raise ValueError(
                f"CheckpointHook: {len(rules)} rules for {len(metrics)} metrics in save_best; "
                "give one for all or one for each"
            )
        self._greater = GREATER_KEYS if greater_keys is None else greater_keys
        self._less = LESS_KEYS if less_keys is None else less_keys
        self.metrics = list(metrics)
        given = list(rules) * len(metrics) if len(rules) == 1 else list(rules)
        self.rules = [self._rule(rule, metric) for rule, metric in zip(given, metrics, strict=True)]

    def _rule(self, rule: str | None, metric: str) -> str | None:
        return infer_rule(rule, metric, self._greater, self._less)

    def new_bests(self, hub: Any, results: Mapping[str, Any]) -> list[tuple[str, Any]]:
        """The metrics whose score among ``results`` is truly better than all before, with that score.

        A score of None is passed over. Raises MissingKey for a metric that is not among the results.
        """
        if self.metrics == ["auto"]:
            self.metrics = [next(iter(results))]
            self.rules = [self._rule(self.rules[0], self.metrics[0])]
        found = []
        for metric, rule in zip(self.metrics, self.rules, strict=True):
            if metric not in results:
                close = nearest(metric, list(results))
                hint = f"did you mean {close[0]!r}?" if close else f"there are: {', '.join(results)}"
                raise MissingKey(f"CheckpointHook: save_best={metric!r} is not among the metrics; {hint}")
            assert rule is not None
            score = results[metric]
            best = hub.get_info(self._fact("best_score", metric), WORST[rule])
            if score is not None and is_better(rule, score, best):
                found.append((metric, score))
        return found

    def path(self, hub: Any, metric: str) -> str | None:
        """The file of the best score of ``metric``, None before there is one."""
        found: str | None = hub.get_info(self._fact("best_ckpt", metric))
        return found

    def note(self, hub: Any, metric: str, score: Any, path: str) -> None:
        """From now on ``score`` is the best, saved to ``path``."""
        hub.update_info(self._fact("best_score", metric), score)
        hub.update_info(self._fact("best_ckpt", metric), path)

    def _fact(self, name: str, metric: str) -> str:
        return name if len(self.metrics) == 1 else f"{name}_{metric}"


def texts(name: str, value: Any) -> list[str] | None:
    """``value`` as a list of texts; None stays. Raises TypeError naming the argument."""
    if value is None:
        return None
    found = [value] if isinstance(value, str) else value
    if not isinstance(found, (list, tuple)) or not all(isinstance(each, str) for each in found):
        raise TypeError(f"CheckpointHook: {name} must be a text or a list of texts, found {value!r}")
    return list(found)


def distinct(name: str, value: Any) -> list[str] | None:
    """As :func:`texts`; ValueError where one comes twice."""
    found = texts(name, value)
    if found is not None and len(found) != len(set(found)):
        raise ValueError(f"CheckpointHook: {name} names something twice: {found}")
    return found
