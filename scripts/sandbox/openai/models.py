"""The models that OpenAI offered on 2026-11-22 and the days when they end.

The sandbox does not follow the calendar beyond that day: a rehearsal must not fail because time
has passed. ``--fault model_gone`` rehearses the end of a model.

Sources:
    OpenAI's deprecations page, secondary copies, read 2026-11-22.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

CONTEXT_TOKENS = 128_000
_CREATED = 1_767_225_600
_JANUARY, _DECEMBER, _APRIL = date(2027, 1, 14), date(2026, 12, 11), date(2027, 4, 1)


@dataclass(frozen=True, slots=True)
class Model:
    """A model on offer.

    Attributes:
        name: as it is asked for.
        snapshot: the dated name that it answers with.
        ends: the day when it is shut down, if that is announced.
        reasons: it thinks before it answers, and takes no ``temperature``.
    """

    name: str
    snapshot: str
    ends: date | None = None
    reasons: bool = True

    def shown(self) -> dict[str, object]:
        """The model as the API lists it."""
        return {
            "id": self.name,
            "object": "model",
            "created": _CREATED,
            "owned_by": "system",
            "shutdown_date": self.ends and self.ends.isoformat(),
        }


_ON_OFFER = (
    Model("gpt-4o", "gpt-4o-2024-08-06", _JANUARY, reasons=False),
    Model("gpt-4o-mini", "gpt-4o-mini-2024-07-18", _JANUARY, reasons=False),
    Model("gpt-4.1", "gpt-4.1-2025-04-14", _JANUARY, reasons=False),
    Model("gpt-4.1-mini", "gpt-4.1-mini-2025-04-14", _JANUARY, reasons=False),
    Model("gpt-5", "gpt-5-2025-08-07", _DECEMBER),
    Model("gpt-5.1", "gpt-5.1-2025-11-13", _APRIL),
    Model("gpt-5.4", "gpt-5.4"),
    Model("gpt-5.4-mini", "gpt-5.4-mini"),
    Model("gpt-5.5", "gpt-5.5"),
    Model("gpt-5.6-sol", "gpt-5.6-sol"),
    Model("gpt-5.6-terra", "gpt-5.6-terra"),
    Model("gpt-5.6-luna", "gpt-5.6-luna"),
    Model("gpt-6-sol", "gpt-6-sol"),
    Model("gpt-6.1-sol", "gpt-6.1-sol"),
    Model("gpt-6-luna", "gpt-6-luna"),
)
MODELS: Mapping[str, Model] = {
    **{model.name: model for model in _ON_OFFER},
    **{
        model.snapshot: Model(model.snapshot, model.snapshot, model.ends, model.reasons)
        for model in _ON_OFFER
        if model.snapshot != model.name
    },
}
"""By the name that is asked for; anything else, such as ``gpt-4``, is gone or never was."""
