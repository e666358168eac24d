"""Scales are rows of a table; a partition offers those that fit its nodes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eessi_validate.errors import UsageError
from eessi_validate.stack.scales import Scale, find_scale, fitting_scales, scales

any_scale = st.sampled_from(scales())


@given(any_scale)
def test_scale_is_found_by_name_and_by_its_name_in_the_eessi_test_suite(scale: Scale) -> None:
    assert find_scale(scale.name) is scale
    assert find_scale(scale.alias) is scale


@given(any_scale)
def test_name_is_a_plain_identifier(scale: Scale) -> None:
    assert scale.name.isidentifier()


@given(any_scale)
def test_exactly_one_of_cores_and_part_is_given(scale: Scale) -> None:
    assert (scale.cores is None) != (scale.node_part is None)


def test_unknown_scale_names_the_nearest() -> None:
    with pytest.raises(UsageError, match="unknown scale 'core_1': did you mean cores_1"):
        find_scale('core_1')


@pytest.mark.parametrize(
    ('name', 'cores_of_node', 'cores'),
    [
        ('cores_1', 64, 1),
        ('cores_4', 2, 0),
        ('node_8th', 64, 8),
        ('node_8th', 4, 0),
        ('node_half', 3, 1),
        ('nodes_1', 1, 1),
        ('nodes_16', 128, 128),
        ('core_per_node_4', 64, 1),
    ],
)
def test_cores_on_each_node(name: str, cores_of_node: int, cores: int) -> None:
    assert find_scale(name).cores_per_node(cores_of_node) == cores


def test_two_cores_offer_what_fits_on_them() -> None:
    names = [scale.name for scale in fitting_scales(2, nodes=1)]
    assert names == ['cores_1', 'cores_2', 'node_half', 'nodes_1']


@given(any_scale, st.integers(1, 512))
def test_no_scale_uses_more_cores_than_the_node_has(scale: Scale, cores: int) -> None:
    assert 0 <= scale.cores_per_node(cores) <= cores


@given(st.integers(1, 256), st.integers(1, 32), st.integers(0, 64), st.integers(0, 8))
def test_bigger_partition_offers_no_less(cores: int, nodes: int, more: int, others: int) -> None:
    small = fitting_scales(cores, nodes)
    assert set(small) <= set(fitting_scales(cores + more, nodes + others))
