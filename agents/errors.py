"""How the outside world fails, in the only terms an agent needs.

Three kinds matter to the caller: the vendor is busy (`VendorError.throttled`: slow down), the
vendor is away, out of credit or misconfigured (any other `VendorError`: the circuit breaker
counts it), or it answered badly about one lead (`AnswerError`: nobody else is affected).
"""

from datetime import timedelta

from policies.llm import Usage


class VendorError(Exception):
    """A vendor did not do what we asked.

    Attributes:
        vendor: its short name, such as ``"salesforce"``.
        retry_after: how long to wait before asking again; None if asking again is pointless.
        throttled: it answered only that we ask too often.
        in_doubt: it may have done, and billed, it all the same: look before asking again.
        out_of_credit: our account with it is used up.
    """

    def __init__(
        self,
        vendor: str,
        problem: str,
        *,
        retry_after: timedelta | None,
        throttled: bool = False,
        in_doubt: bool = False,
        out_of_credit: bool = False,
    ) -> None:
        super().__init__(f"{vendor}: {problem}")
        self.vendor = vendor
        self.retry_after = retry_after
        self.throttled = throttled
        self.in_doubt = in_doubt
        self.out_of_credit = out_of_credit


class AnswerError(VendorError):
    """The vendor is well, but its answer to this one question is of no use.

    Attributes:
        usage: what it billed all the same; all zero if nothing.
    """

    def __init__(
        self, vendor: str, problem: str, *, retry_after: timedelta | None, usage: Usage
    ) -> None:
        super().__init__(vendor, problem, retry_after=retry_after)
        self.usage = usage
