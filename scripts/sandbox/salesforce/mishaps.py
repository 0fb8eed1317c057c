"""What is made to go wrong with a call, in Salesforce's own ways.

There is no 429 and no ``Retry-After`` at Salesforce: too much is REQUEST_LIMIT_EXCEEDED with 403.
"""

from dataclasses import replace

from scripts.sandbox.faults import FaultOrder
from scripts.sandbox.salesforce import errors
from scripts.sandbox.server import Answer

TURNED_AWAY = frozenset(
    {"limit_exceeded", "concurrent", "500", "503", "html", "disconnect", "wrong_shape"}
    | {"token_expired", "token_invalid"}
)
"""Faults that do nothing."""
DONE = frozenset({"slow", "drip", "truncated", "cut_json", "act_then_timeout"})
"""Faults of a call that is done all the same."""
ONCE = frozenset({"token_expired"})
"""Faults that are over after one call, unless ordered with a count."""
THROTTLING = frozenset({"limit_exceeded", "concurrent"})
_PAGE = (
    b"<html><head><title>Salesforce</title></head><body>We are down for maintenance.</body></html>"
)


def instead(order: FaultOrder) -> Answer | errors.Problem | None:
    """What is answered instead of doing anything; None if the call is done."""
    match order.mode:
        case "limit_exceeded":
            return errors.limit_exceeded()
        case "concurrent":
            return errors.too_many_at_once()
        case "500":
            return errors.broken()
        case "503":
            return errors.unavailable()
        case "html":
            return Answer(200, _PAGE, media_type="text/html;charset=UTF-8")
        case "wrong_shape":
            return Answer(200, b'{"surprise": [1, 2, 3]}')
        case "disconnect":
            return Answer(dropped=True)
        case "token_expired" | "token_invalid":
            return errors.no_session()
        case _:
            return None


def spoilt(answer: Answer, order: FaultOrder) -> Answer:
    """The answer of a call that was done, as it arrives or does not."""
    match order.mode:
        case "slow":
            return replace(answer, wait=answer.wait + order.delay)
        case "drip":
            return replace(answer, drip=order.delay)
        case "truncated":
            return replace(answer, cut=True)
        case "cut_json":
            return replace(answer, body=answer.body[: len(answer.body) // 2])
        case "act_then_timeout":
            return replace(answer, wait=answer.wait + order.delay, dropped=True)
        case _:
            return answer
