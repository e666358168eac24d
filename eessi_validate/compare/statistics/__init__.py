"""Performance statistics that hold on noisy machines: pure functions, no files, no clocks.

Interleaved pairs: ``pair_up`` -> ``Comparison`` -> ``judge_family``. Stored runs:
``check_comparable`` -> ``screen``. Passes and failures: ``PassRate``, ``compare_pass_rates``.
Series: ``find_changes``, ``find_environment_changes``, ``check_last_runs``. What they mean to a
user is in ``docs/comparing.md``; what they were measured to do in ``benchmarks/statistics``.
"""

from __future__ import annotations

from eessi_validate.compare.statistics.alarm import Alarm, Noise, check_last_runs, pooled_noise
from eessi_validate.compare.statistics.change_points import (
    Change,
    DatedChange,
    EnvironmentChange,
    find_changes,
    find_environment_changes,
)
from eessi_validate.compare.statistics.comparability import (
    Comparability,
    Provenance,
    check_comparable,
)
from eessi_validate.compare.statistics.design import Step, pair_order, schedule
from eessi_validate.compare.statistics.multiplicity import benjamini_hochberg
from eessi_validate.compare.statistics.pairs import Measurement, PairedSample, Rejected, pair_up
from eessi_validate.compare.statistics.pilot import most_pairs, sign_free_scale
from eessi_validate.compare.statistics.power import (
    MINIMUM_PAIRS,
    detectable_effect,
    pairs_for_effect,
    pairs_for_equivalence,
    pairs_for_family,
)
from eessi_validate.compare.statistics.proportions import (
    PassRate,
    RateChange,
    compare_pass_rates,
    fisher_exact,
    wilson_interval,
)
from eessi_validate.compare.statistics.ratio import RatioEstimate, estimate_ratio
from eessi_validate.compare.statistics.screening import Screening, StoredRun, Suspicion, screen
from eessi_validate.compare.statistics.self_check import (
    SELF_CHECK_PAIRS,
    DuetAdvice,
    SelfCheck,
    advise_duet,
    check_itself,
)
from eessi_validate.compare.statistics.sequential import (
    Looks,
    boundaries,
    plan_looks,
    sequential_p,
)
from eessi_validate.compare.statistics.verdict import (
    Comparison,
    Direction,
    Judged,
    Settings,
    Verdict,
    judge_family,
    needs_text,
)

__all__ = [
    'MINIMUM_PAIRS',
    'SELF_CHECK_PAIRS',
    'Alarm',
    'Change',
    'Comparability',
    'Comparison',
    'DatedChange',
    'Direction',
    'DuetAdvice',
    'EnvironmentChange',
    'Judged',
    'Looks',
    'Measurement',
    'Noise',
    'PairedSample',
    'PassRate',
    'Provenance',
    'RateChange',
    'RatioEstimate',
    'Rejected',
    'Screening',
    'SelfCheck',
    'Settings',
    'Step',
    'StoredRun',
    'Suspicion',
    'Verdict',
    'advise_duet',
    'benjamini_hochberg',
    'boundaries',
    'check_comparable',
    'check_itself',
    'check_last_runs',
    'compare_pass_rates',
    'detectable_effect',
    'estimate_ratio',
    'find_changes',
    'find_environment_changes',
    'fisher_exact',
    'judge_family',
    'most_pairs',
    'needs_text',
    'pair_order',
    'pair_up',
    'pairs_for_effect',
    'pairs_for_equivalence',
    'pairs_for_family',
    'plan_looks',
    'pooled_noise',
    'schedule',
    'screen',
    'sequential_p',
    'sign_free_scale',
    'wilson_interval',
]
