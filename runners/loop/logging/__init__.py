"""Logging of the loop runtime: histories of numbers, the message hub, the logger."""

from mmbridge.runners.loop.logging.history_buffer import HistoryBuffer
from mmbridge.runners.loop.logging.logger import MMLogger, print_log
from mmbridge.runners.loop.logging.message_hub import MessageHub

__all__ = ["HistoryBuffer", "MMLogger", "MessageHub", "print_log"]
