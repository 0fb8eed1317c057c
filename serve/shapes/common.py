"""What the shapes of requests and answers share.

A request is taken as it is meant or refused: unknown fields, numbers as text and NUL are not
guessed at. What the schema says is what is checked, so that a client can check as well.
"""

from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    StrictBool,
    StrictFloat,
    StrictInt,
    StringConstraints,
)

NO_NUL = r"^[^\x00]*$"
SOLID = r"^[^\x00]*[^\s\x00][^\x00]*$"
"""At least one character that is not space."""


def _whole(value: object) -> object:
    """JSON knows no integers: 3.0 is the same number as 3."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


WHOLE = BeforeValidator(_whole)
"""Takes 3.0 where a whole number is meant."""


class Asked(BaseModel):
    """The base of everything that is sent to us."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Told(BaseModel):
    """The base of everything that we answer."""

    model_config = ConfigDict(frozen=True)


def text(longest: int, *, solid: bool = False) -> Any:  # noqa: ANN401 - an annotation
    """Return the constraint of a text of at most ``longest`` characters."""
    pattern = SOLID if solid else NO_NUL
    return StringConstraints(max_length=longest, min_length=1 if solid else 0, pattern=pattern)


Name = Annotated[str, text(200, solid=True)]
Line = Annotated[str, text(500)]
Reason = Annotated[str, text(1_000, solid=True)]
FieldName = Annotated[str, StringConstraints(pattern=r"^[^\x00]{1,200}$")]
BY_NAME: dict[str, JsonValue] = {"additionalProperties": False}
"""Says in the JSON schema of a mapping that its names must fit, as they must."""
Scalar = Annotated[str, text(10_000)] | StrictBool | StrictInt | StrictFloat | None
Attributes = Annotated[dict[FieldName, Scalar], Field(max_length=500, json_schema_extra=BY_NAME)]
Moment = Annotated[datetime, AfterValidator(lambda moment: moment.astimezone(UTC))]


def example(*examples: dict[str, Any], **more: Any) -> ConfigDict:  # noqa: ANN401 - JSON schema
    """Return the configuration of a shape with examples, and ``more`` for its JSON schema."""
    return ConfigDict(json_schema_extra={"examples": list(examples), **more})
