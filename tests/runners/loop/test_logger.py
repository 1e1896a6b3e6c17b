"""MMLogger: lines, files, processes; print_log."""

from __future__ import annotations

import gc
import logging
import re
from pathlib import Path

import pytest
from mmbridge.runners.loop.logging import MMLogger, print_log
from mmbridge.runners.loop.logging import logger as module

WHEN = r"\d\d/\d\d \d\d:\d\d:\d\d"


def test_lines_on_the_console_and_in_the_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "a.log"
    logger = MMLogger("run", log_file=str(file))
    logger.info("one %d", 1)
    logger.error("two")
    logger.debug("never")
    console, written = capsys.readouterr().out, file.read_text()

    assert re.fullmatch(rf"{WHEN} - mmengine - INFO - one 1\n{WHEN} - mmengine - ERROR - .* - two\n", console)
    assert re.search(rf"^\d{{4}}/{WHEN} - mmengine - INFO - one 1$", written, re.M)
    assert f"ERROR - {__file__} - test_lines_on_the_console_and_in_the_file - " in written
    assert str(file) == logger.log_file


def test_a_warning_is_shown_once(capsys: pytest.CaptureFixture[str]) -> None:
    logger = MMLogger("run")
    for _ in range(2):
        logger.warning("careful")
        logger.info("fine")
    lines = capsys.readouterr().out

    assert (1, 2) == (lines.count("careful"), lines.count("fine"))


def test_levels(capsys: pytest.CaptureFixture[str]) -> None:
    logger = MMLogger("run", log_level="WARNING")
    logger.info("low")
    logger.warning("high")
    logger.setLevel("ERROR")
    logger.warning("now too low")

    assert ["high"] == re.findall(r"WARNING - (.*)", capsys.readouterr().out)
    with pytest.raises(ValueError, match="log_level 'LOUD' is none of DEBUG, INFO"):
        MMLogger("run", log_level="LOUD")


def test_colours_on_a_terminal_only(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    MMLogger("run").error("red")
    monkeypatch.setenv("NO_COLOR", "1")
    MMLogger("run").error("plain")
    red, plain = capsys.readouterr().out.splitlines()

    assert "\x1b[5;4;31mERROR\x1b[0m" in red
    assert "\x1b" not in plain
    with pytest.raises(ValueError, match="needs color=True"):
        module.MMFormatter(color=False, blink=True)


def test_other_ranks_print_errors_only_and_write_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(module, "get_dist_info", lambda: (1, 2))
    logger = MMLogger("run", log_file=str(tmp_path / "a.log"))
    logger.info("quiet")
    logger.error("loud")

    assert ["loud"] == re.findall(r" - (\w+)$", capsys.readouterr().out, re.M)
    assert [] == list(tmp_path.iterdir())


@pytest.mark.parametrize("options", [{"distributed": True}, {"log_level": "DEBUG"}], ids=["asked for", "debug"])
def test_each_process_may_have_a_file(
    options: dict[str, object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "get_dist_info", lambda: (1, 2))
    monkeypatch.setattr(module, "getuser", lambda: "me")
    monkeypatch.setattr(module.socket, "gethostname", lambda: "there")
    monkeypatch.setenv("LOCAL_RANK", "1")
    logger = MMLogger("run", log_file=str(tmp_path / "a.log"), **options)  # type: ignore[arg-type]
    logger.info("mine")

    assert ["a_me@there_device1_rank1.log"] == [file.name for file in tmp_path.iterdir()]


def test_another_kind_of_file(tmp_path: Path) -> None:
    cfg = {"type": "RotatingFileHandler", "maxBytes": 60, "backupCount": 1}
    logger = MMLogger("run", log_file=str(tmp_path / "a.log"), file_handler_cfg=cfg)
    for number in range(3):
        logger.info("line %d of more than ten letters", number)

    assert ["a.log", "a.log.1"] == sorted(file.name for file in tmp_path.iterdir())
    with pytest.raises(ValueError, match=r"must be one of .*WatchedFileHandler, found 'Odd'"):
        MMLogger("run", log_file="b.log", file_handler_cfg={"type": "Odd"})


def test_no_other_configuration_reaches_it(
    capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    logger = MMLogger("run", logger_name="tree")
    logger.info("mine")

    assert logger is not logging.getLogger("tree")
    assert [] == caplog.records
    assert "tree - INFO - mine" in capsys.readouterr().out


def test_the_file_is_closed_with_the_logger(tmp_path: Path) -> None:
    logger = MMLogger("run", log_file=str(tmp_path / "a.log"))
    handler = logger.handlers[1]
    assert isinstance(handler, logging.FileHandler)
    stream = handler.stream
    del logger
    gc.collect()

    assert stream.closed


def test_print_log(capsys: pytest.CaptureFixture[str]) -> None:
    logger = MMLogger("named", logger_name="own")
    print_log("plain")
    print_log("nothing", "silent")
    print_log("by name", "named")
    print_log("itself", logger, logging.ERROR)
    print_log("console", "current")
    with MMLogger("run", logger_name="running").current():
        print_log("of the run", "current")
    lines = capsys.readouterr().out.splitlines()

    assert "plain" == lines[0]
    assert [("own", "by name"), ("own", "itself"), ("mmengine", "console"), ("running", "of the run")] == [
        (line.split(" - ")[1], line.split(" - ")[-1]) for line in lines[1:]
    ]
    with pytest.raises(ValueError, match="no MMLogger 'unknown' is in use"):
        print_log("x", "unknown")
    with pytest.raises(TypeError, match="found 3"):
        print_log("x", 3)  # type: ignore[arg-type]
