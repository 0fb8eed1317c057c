"""What a session may do to the sandbox beyond the vendors' own protocols: ``/_sandbox``."""

import time
from collections.abc import Callable, Sequence

import orjson
from pydantic import ValidationError

from scripts.sandbox.faults import FaultOrder
from scripts.sandbox.server import Answer, Call, Route, Vendor, as_json

PREFIX = "/_sandbox"


def routes(vendors: Sequence[Vendor], clock: Callable[[], float]) -> list[Route]:
    """The routes of the control.

    Args:
        vendors: what it controls.
        clock: monotonic seconds.
    """
    control = _Control(vendors, clock)
    return [
        Route("GET", f"{PREFIX}/health", control.health),
        Route("POST", f"{PREFIX}/reset", control.reset),
        Route("GET", f"{PREFIX}/{{vendor}}/book", control.book),
        Route("GET", f"{PREFIX}/{{vendor}}/faults", control.faults),
        Route("POST", f"{PREFIX}/{{vendor}}/faults", control.arm),
        Route("DELETE", f"{PREFIX}/{{vendor}}/faults", control.clear),
        Route("GET", f"{PREFIX}/{{vendor}}/settings", control.conditions),
        Route("PUT", f"{PREFIX}/{{vendor}}/settings", control.set_conditions),
    ]


class _Control:
    def __init__(self, vendors: Sequence[Vendor], clock: Callable[[], float]) -> None:
        self._vendors = {vendor.name: vendor for vendor in vendors}
        self._clock = clock

    def health(self, _: Call) -> Answer:
        used = time.process_time()
        told = {"status": "ok", "vendors": sorted(self._vendors), "cpu_seconds": used}
        return as_json(200, told)

    def reset(self, _: Call) -> Answer:
        for vendor in self._vendors.values():
            vendor.reset()
        return as_json(200, {"status": "empty"})

    def book(self, call: Call) -> Answer:
        vendor = self._vendors.get(call.params["vendor"])
        if vendor is None:
            return self._unknown(call)
        return as_json(200, vendor.book.shown(each=("each", "false") not in call.query))

    def faults(self, call: Call) -> Answer:
        vendor = self._vendors.get(call.params["vendor"])
        if vendor is None:
            return self._unknown(call)
        return as_json(200, {"modes": sorted(vendor.modes), "on": vendor.faults.on()})

    def arm(self, call: Call) -> Answer:
        vendor = self._vendors.get(call.params["vendor"])
        if vendor is None:
            return self._unknown(call)
        try:
            order = FaultOrder.model_validate_json(call.body)
        except ValidationError as error:
            return _invalid(error)
        if order.mode not in vendor.modes:
            known = ", ".join(sorted(vendor.modes))
            return as_json(422, {"error": f"no fault mode {order.mode!r}; there are: {known}"})
        vendor.faults.arm(order, self._clock())
        return as_json(200, {"on": vendor.faults.on()})

    def clear(self, call: Call) -> Answer:
        vendor = self._vendors.get(call.params["vendor"])
        if vendor is None:
            return self._unknown(call)
        vendor.faults.clear()
        return as_json(200, {"on": []})

    def conditions(self, call: Call) -> Answer:
        vendor = self._vendors.get(call.params["vendor"])
        if vendor is None:
            return self._unknown(call)
        return as_json(200, vendor.conditions.model_dump())

    def set_conditions(self, call: Call) -> Answer:
        vendor = self._vendors.get(call.params["vendor"])
        if vendor is None:
            return self._unknown(call)
        try:
            vendor.change(orjson.loads(call.body))
        except ValidationError as error:
            return _invalid(error)
        except (TypeError, ValueError):
            return as_json(422, {"error": 'send a JSON object, such as {"latency": 1.0}'})
        return as_json(200, vendor.conditions.model_dump())

    def _unknown(self, call: Call) -> Answer:
        known = ", ".join(sorted(self._vendors))
        return as_json(404, {"error": f"no vendor {call.params['vendor']!r}; there are: {known}"})


def _invalid(error: ValidationError) -> Answer:
    faults = (f"{'.'.join(map(str, e['loc'])) or 'body'}: {e['msg']}" for e in error.errors())
    return as_json(422, {"error": "; ".join(faults)})
