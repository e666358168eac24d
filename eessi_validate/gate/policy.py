"""The default policy: what each outcome does to the verdict."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from eessi_validate.results.model import Outcome

Effect = Literal['reject', 'hold', 'note']


@dataclass(frozen=True)
class Policy:
    """What each outcome of a planned case does; a pass does nothing."""

    name: str
    effects: dict[Outcome, Effect] = field(hash=False)
    #: What a case does that passed only after a retry.
    flaky: Effect = 'hold'


#: Everything planned must pass. What the software did wrong rejects; what is not known holds.
STRICT = Policy(
    name='strict',
    effects={
        Outcome.FAIL: 'reject',
        Outcome.ERROR: 'hold',
        Outcome.SKIP: 'hold',
        Outcome.MISSING: 'hold',
        Outcome.ABORTED: 'hold',
    },
)
