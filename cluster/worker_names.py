"""How the actors of workers are named."""


def actor_name(role: str, number: int) -> str:
    """The name of a role's worker of that number, 0 and up."""
    return f"agent:{role}:{number}"


def parse_name(name: str) -> tuple[str, int] | None:
    """The role and the number in an actor's name; None if it is no worker's."""
    match name.split(":"):
        case ["agent", role, number] if number.isdecimal():
            return role, int(number)
        case _:
            return None
